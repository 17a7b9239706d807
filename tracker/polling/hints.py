"""Job ids that a webhook has named: looked up in one question each beat, never believed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from tracker.models import Cluster, JobHint
from tracker.polling.asking import ask
from tracker.polling.kinds import poll
from tracker.polling.pacing import is_due
from tracker.slurm.commands import MAX_IDS_ASKED

# An epilog speaks before slurmdbd has heard of the end, and seldom alone.
SETTLE = timedelta(seconds=5)
MAX_HINTS = 5 * MAX_IDS_ASKED


def check_hints(clusters: list[Cluster], now: datetime) -> int:
    """Look up what waits, and mark what every cluster concerned has answered; their number."""
    waiting = JobHint.objects.filter(checked_at=None, received_at__lte=now - SETTLE)
    hints = list(waiting.filter(Q(cluster=None) | Q(cluster__in=clusters))[:MAX_HINTS])
    unanswered: set[int] = set()
    for cluster in clusters:
        concerned = [hint for hint in hints if hint.cluster_id in (None, cluster.pk)]
        if concerned:
            poll(cluster, "queue")
        for start in range(0, len(concerned), MAX_IDS_ASKED):
            some = concerned[start : start + MAX_IDS_ASKED]
            ids = sorted({hint.job_id for hint in some})
            may_ask = is_due(cluster, "sacct", timedelta(0), now)
            row = ask(cluster, "sacct", job_ids=ids) if may_ask else None
            if row is None or not row.ok:
                unanswered.update(hint.pk for hint in some)
    if not clusters:
        return 0
    answered = [hint.pk for hint in hints if hint.pk not in unanswered]
    return JobHint.objects.filter(pk__in=answered).update(checked_at=now)
