"""The only ways a run changes, each in one transaction with its audit entry.

Views, tasks and commands call these; serializers and forms only shape what goes in.
"""

from tracker.recording.audit import audit
from tracker.recording.errors import ConflictError
from tracker.recording.estimates import NewEstimate, publish_estimates
from tracker.recording.following import bind_runs, follow_job
from tracker.recording.points import NewPoint, append_points
from tracker.recording.runs import add_artifact, create_run, finish_run, update_run

__all__ = [
    "ConflictError",
    "NewEstimate",
    "NewPoint",
    "add_artifact",
    "append_points",
    "audit",
    "bind_runs",
    "create_run",
    "finish_run",
    "follow_job",
    "publish_estimates",
    "update_run",
]
