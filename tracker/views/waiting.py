"""Who waits, and why: the queue of a cluster in aggregates that PrivateData allows everybody."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from tracker.models import Cluster, Job
from tracker.slurm.reasons import Explanation, explain
from tracker.slurm.states import WAITING_STATES

RECENT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the queue; ``tasks`` counts those of an array that is not split yet."""

    user: str
    partitions: tuple[str, ...]
    reason: str
    tasks: int
    gpus: dict[str, int]


@dataclass(slots=True)
class ReasonGroup:
    """All that wait for one reason, across partitions and users."""

    code: str
    explanation: Explanation
    jobs: int = 0
    own_jobs: int = 0
    by_partition: Counter[str] = field(default_factory=Counter)

    @property
    def partitions(self) -> list[tuple[str, int]]:
        return self.by_partition.most_common()


def waiting(cluster: Cluster) -> list[Waiting]:
    rows = Job.objects.filter(cluster=cluster, in_queue=True, state__in=WAITING_STATES)
    return [
        Waiting(user, tuple(partition.split(",")), reason, len(tasks) or 1, gpus)
        for user, partition, reason, tasks, gpus in rows.values_list(
            "user", "partition", "reason", "array_tasks", "gpus"
        )
    ]


def running_by_partition(cluster: Cluster) -> Counter[str]:
    rows = Job.objects.filter(cluster=cluster, in_queue=True).exclude(state__in=WAITING_STATES)
    return Counter(rows.values_list("partition", flat=True))


def by_reason(rows: Iterable[Waiting], own_name: str | None) -> list[ReasonGroup]:
    """The commonest reason first."""
    groups: dict[str, ReasonGroup] = {}
    for row in rows:
        # "ReqNodeNotAvail, UnavailableNodes:gpu03": the code is what stands before the comma.
        code = row.reason.split(",")[0] or "None"
        group = groups.setdefault(code, ReasonGroup(code, explain(row.reason or "None")))
        group.jobs += row.tasks
        group.own_jobs += row.tasks if row.user == own_name else 0
        group.by_partition.update(dict.fromkeys(row.partitions, row.tasks))
    return sorted(groups.values(), key=lambda group: (-group.jobs, group.code))


def by_user(rows: Iterable[Waiting]) -> list[tuple[str, int]]:
    """Users by the number of jobs they have waiting. Only for those who may see single jobs."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row.user] += row.tasks
    return counts.most_common()


def median_wait_s(cluster: Cluster, now: datetime) -> dict[str, float]:
    """By partition, from submission to start, of the jobs that started in the last 24 hours."""
    waits_s: dict[str, list[float]] = defaultdict(list)
    started = Job.objects.filter(cluster=cluster, start_at__gt=now - RECENT, start_at__lte=now)
    rows = started.exclude(state__in=WAITING_STATES)  # those have a planned start, not a real one
    for partition, submit_at, start_at in rows.values_list("partition", "submit_at", "start_at"):
        waits_s[partition].append(max(0.0, (start_at - submit_at).total_seconds()))
    return {partition: median(values) for partition, values in waits_s.items()}
