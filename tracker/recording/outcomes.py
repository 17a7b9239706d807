"""What came of start estimates, and how long they are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from tracker.models import StartEstimate
from tracker.recording.pruning import delete_in_batches

# Those in between milestones explain to a user what was said lately; nothing is judged by them.
KEEP_BETWEEN = timedelta(days=7)


def close_estimates(said: QuerySet[StartEstimate], outcome: str, at: datetime) -> int:
    """Write the outcome of those that have none yet; the number written.

    One statement, so that it holds no lock while it waits for another job's.
    """
    return said.filter(outcome=StartEstimate.Outcome.OPEN).update(outcome=outcome, outcome_at=at)


def prune_estimates(now: datetime, *, keep: timedelta) -> int:
    """Delete milestones older than ``keep``, and others that are superseded or have an outcome
    after a week. The newest estimate of a job that still waits stays, however old."""
    ended = ~Q(outcome=StartEstimate.Outcome.OPEN) | Q(is_newest=False)
    milestones = StartEstimate.objects.filter(ended, milestone_minutes__isnull=False)
    between = StartEstimate.objects.filter(ended, milestone_minutes=None)
    return delete_in_batches(milestones.filter(issued_at__lt=now - keep)) + delete_in_batches(
        between.filter(issued_at__lt=now - min(keep, KEEP_BETWEEN))
    )
