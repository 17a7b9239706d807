"""The only ways a run changes, each in one transaction with its audit entry.

Experiments, groups, tokens and hints change here too. Views, tasks and commands call these;
serializers and forms only shape what goes in.
"""

from tracker.recording.adoption import adopt_job, bind_marked
from tracker.recording.audit import audit
from tracker.recording.clusters import set_polling_paused
from tracker.recording.errors import ConflictError
from tracker.recording.estimates import NewEstimate, milestones_taken, publish_estimates
from tracker.recording.experiments import (
    archive_experiment,
    create_experiment,
    delete_experiment,
    restore_experiment,
    update_experiment,
)
from tracker.recording.following import bind_runs, close_vanished, covers, follow_job
from tracker.recording.groups import (
    create_group,
    delete_group,
    remove_member,
    rename_group,
    set_member,
)
from tracker.recording.hints import remember_hint
from tracker.recording.notices import prune_notices, set_wishes, tell
from tracker.recording.outcomes import close_estimates, prune_estimates
from tracker.recording.points import NewPoint, append_points
from tracker.recording.pruning import delete_in_batches
from tracker.recording.run_words import (
    archive_runs,
    delete_runs,
    describe_run,
    purge_runs,
    restore_runs,
    tag_runs,
    unarchive_runs,
)
from tracker.recording.runs import add_artifact, create_run, finish_run, update_run
from tracker.recording.sealing import seal_points
from tracker.recording.submissions import (
    claim,
    mark_refused,
    mark_sent,
    mark_unclear,
    note_silence,
    record_start,
    revoke_idle_tokens,
    send_again,
    token_for,
    withdraw,
)
from tracker.recording.tokens import issue_token, revoke_token

__all__ = [
    "ConflictError",
    "NewEstimate",
    "NewPoint",
    "add_artifact",
    "adopt_job",
    "append_points",
    "archive_experiment",
    "archive_runs",
    "audit",
    "bind_marked",
    "bind_runs",
    "claim",
    "close_estimates",
    "close_vanished",
    "covers",
    "create_experiment",
    "create_group",
    "create_run",
    "delete_experiment",
    "delete_group",
    "delete_in_batches",
    "delete_runs",
    "describe_run",
    "finish_run",
    "follow_job",
    "issue_token",
    "mark_refused",
    "mark_sent",
    "mark_unclear",
    "milestones_taken",
    "note_silence",
    "prune_estimates",
    "prune_notices",
    "publish_estimates",
    "purge_runs",
    "record_start",
    "remember_hint",
    "remove_member",
    "rename_group",
    "restore_experiment",
    "restore_runs",
    "revoke_idle_tokens",
    "revoke_token",
    "seal_points",
    "send_again",
    "set_member",
    "set_polling_paused",
    "set_wishes",
    "tag_runs",
    "tell",
    "token_for",
    "unarchive_runs",
    "update_experiment",
    "update_run",
    "withdraw",
]
