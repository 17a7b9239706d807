"""What came of each estimate, written once its attempt has started or gone.

A start or an end counts when accounting has told the attempt's end, or five minutes later: by then
a window of accounting has told of tasks that started and ended between two looks at the queue, and
a node that had to boot first has been given its true start. What accounting corrects still later
does not change an outcome.

A requeue begins the next attempt; estimates are scored by the attempt that they spoke of. The
estimate for the waiting tasks of an array is about the first of them: its truth is the first start
after the snapshot among the array's tasks that the snapshot did not hold apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from tracker.models import Attempt, StartEstimate
from tracker.recording import close_estimates

SETTLED_AFTER = timedelta(minutes=5)
# Until then accounting is asked again and again for a job that has left the queue.
GONE_AFTER = timedelta(days=1)
ARRAYS_PER_QUERY = 500
FATE = ("start_at", "end_at", "state", "node_list", "accounted")  # as Fate takes them

Outcome = StartEstimate.Outcome
Key = tuple[int, datetime]  # primary key of the job, submission of the attempt
ArrayKey = tuple[int, int, datetime]  # primary key of the cluster, the array's id, submission


@dataclass(frozen=True, slots=True)
class Fate:
    """How far an attempt has come."""

    start_at: datetime | None
    end_at: datetime | None
    state: str
    node_list: str
    accounted: bool

    @property
    def started_at(self) -> datetime | None:
        """sacct gives some jobs that were cancelled while pending their end as the start too."""
        never = not self.node_list and self.start_at == self.end_at
        return None if never else self.start_at

    def is_settled(self, now: datetime) -> bool:
        decided_at = self.started_at or self.end_at
        if self.accounted or decided_at is None:
            return True
        return decided_at <= now - SETTLED_AFTER and self.state != "CONFIGURING"


@dataclass(frozen=True, slots=True)
class OfArray:
    """An open estimate for the waiting tasks of an array; ``job`` is the row they share."""

    pk: int
    job: int
    submit_at: datetime
    snapshot_at: datetime
    cluster: int
    array_id: int

    @property
    def key(self) -> ArrayKey:
        return self.cluster, self.array_id, self.submit_at


@dataclass(frozen=True, slots=True)
class TaskStart:
    job: int
    first_seen_at: datetime
    at: datetime
    is_settled: bool

    def answers(self, said: OfArray) -> bool:
        """Tasks that the snapshot held apart have estimates of their own."""
        was_waiting = self.job == said.job or self.first_seen_at > said.snapshot_at
        return self.at > said.snapshot_at and was_waiting


def score(now: datetime) -> int:
    """Write the outcomes that are known at ``now``; the number of estimates closed.

    Safe to run twice or beside another worker. Jobs that wait on cost two queries in all.
    """
    return _score_jobs(now) + _score_arrays(now)


def _score_jobs(now: datetime) -> int:
    said = StartEstimate.objects.filter(outcome=Outcome.OPEN, is_of_array=False)
    return sum(
        _close(said.filter(job=key[0], submit_at=key[1]), key, fate, now)
        for key, fate in _fates(said, now).items()
    )


def _close(said: QuerySet[StartEstimate], key: Key, fate: Fate, now: datetime) -> int:
    if not fate.is_settled(now):
        return 0
    if fate.started_at is not None:
        return close_estimates(said, Outcome.STARTED, fate.started_at)
    if fate.end_at is not None:
        return close_estimates(said, Outcome.CANCELLED, fate.end_at)
    of_attempt = StartEstimate.objects.filter(job=key[0], submit_at=key[1])
    last_seen_at = of_attempt.aggregate(at=Max("snapshot_at"))["at"]
    return close_estimates(said, Outcome.LEFT, last_seen_at)


def _fates(said: QuerySet[StartEstimate], now: datetime) -> dict[Key, Fate]:
    """Of the attempts that these estimates speak of and that have started, ended or got lost."""
    gone_before = now - GONE_AFTER
    told = Q(start_at__isnull=False) | Q(end_at__isnull=False)
    lost = Q(job__in_queue=False, job__changed_at__lt=gone_before)
    overtaken = Q(job__submit_at__gt=F("submit_at"), job__submit_at__lt=gone_before)
    spoken_of = said.filter(job=OuterRef("job"), submit_at=OuterRef("submit_at"))
    rows = (
        Attempt.objects.filter(job__in=said.values("job"))  # few beside all attempts ever: first
        .filter(told | lost | overtaken)
        .filter(Exists(spoken_of))
        .order_by("pk")
        .values_list("job", "submit_at", *FATE)
    )
    return {(job, submit_at): Fate(*facts) for job, submit_at, *facts in rows}


def _score_arrays(now: datetime) -> int:
    said = StartEstimate.objects.filter(outcome=Outcome.OPEN, is_of_array=True)
    columns = ("pk", "job", "submit_at", "snapshot_at", "job__cluster", "job__array_job_id")
    waiting = [OfArray(*row) for row in said.exclude(submit_at=None).values_list(*columns)]
    if not waiting:
        return 0
    starts, fates = _task_starts(waiting, now), _fates(said, now)
    closed = 0
    for one in waiting:
        itself = said.filter(pk=one.pk)
        first = next((start for start in starts[one.key] if start.answers(one)), None)
        if first is not None:
            if first.is_settled:
                closed += close_estimates(itself, Outcome.STARTED, first.at)
        elif (fate := fates.get(key := (one.job, one.submit_at))) is not None:
            closed += _close(itself, key, fate, now)
    return closed


def _task_starts(waiting: Sequence[OfArray], now: datetime) -> Mapping[ArrayKey, list[TaskStart]]:
    """Of all tasks of these arrays since the first snapshot among them, earliest first."""
    clusters = {one.cluster for one in waiting}
    ids = sorted({one.array_id for one in waiting})
    since = min(one.snapshot_at for one in waiting)
    starts: dict[ArrayKey, list[TaskStart]] = defaultdict(list)
    for first in range(0, len(ids), ARRAYS_PER_QUERY):
        some = Attempt.objects.filter(
            job__cluster__in=clusters,
            job__array_job_id__in=ids[first : first + ARRAYS_PER_QUERY],
            start_at__gt=since,
        )
        columns = ("job__cluster", "job__array_job_id", "submit_at", "job", "job__first_seen_at")
        rows = some.order_by("start_at").values_list(*columns, *FATE)
        for cluster, array_id, submit_at, job, first_seen_at, *facts in rows:
            fate = Fate(*facts)
            if (at := fate.started_at) is not None:
                task = TaskStart(job, first_seen_at, at, fate.is_settled(now))
                starts[cluster, array_id, submit_at].append(task)
    return starts
