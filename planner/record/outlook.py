"""The waiting jobs of a cluster, their needs and expected starts, as one reader may see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Prefetch, QuerySet, Subquery

from planner.charts import Bar, Figure, start_time_line
from planner.models import Forecast
from tracker.models import Actor, Cluster, Job, StartEstimate
from tracker.slurm.durations import format_duration
from tracker.slurm.reasons import Explanation, explain
from tracker.slurm.states import WAITING_STATES
from tracker.spread import Axis

ROWS_SHOWN = 200
BARS_SHOWN = 40
MIB_PER_GIB = 1024
OLD = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One waiting job or array, and the newest estimate of its start."""

    job: Job
    is_own: bool
    explanation: Explanation
    estimate: StartEstimate | None

    @property
    def needs(self) -> str:
        """What it asks for; of an array not split yet, what each of its tasks does."""
        job = self.job
        counts = [(job.node_count, "node"), (job.cpus, "CPU")]
        parts = [f"{n} {what}{'' if n == 1 else 's'}" for n, what in counts if n is not None]
        parts += [f"{count} {kind or 'GPU'}" for kind, count in job.gpus.items()]
        if job.mem_mib:
            parts.append(f"{job.mem_mib / MIB_PER_GIB:.4g} GiB")
        tasks = len(job.array_tasks)
        return (f"{tasks} × " if tasks > 1 else "") + ", ".join(parts)

    @property
    def slurm_difference_s(self) -> float | None:
        """How much later Slurm's own estimate is than ours; None where either has none."""
        said = self.estimate
        if said is None or said.p50_at is None or said.slurm_start_at is None:
            return None
        return (said.slurm_start_at - said.p50_at).total_seconds()


@dataclass(slots=True)
class HiddenGroup:
    """Jobs of others on a cluster that keeps them private: their needs added up, nobody named."""

    partition: str
    jobs: int = 0
    cpus: int = 0
    gpus_by_type: Counter[str] = field(default_factory=Counter)

    @property
    def gpus(self) -> list[tuple[str, int]]:
        return self.gpus_by_type.most_common()


@dataclass(frozen=True, slots=True)
class Outlook:
    rows: list[WaitingRow]
    hidden: list[HiddenGroup]
    waiting: int  # in all, shown or not; tasks of arrays counted
    expected: int  # of these with an expected start
    newest: StartEstimate | None  # of whatever job: it says how all of them were made
    failed: Forecast | None  # a later forecast that failed
    queue_at: datetime | None  # when the queue was last read

    @property
    def next_own(self) -> WaitingRow | None:
        """The own job that starts first."""
        own = (row for row in self.rows if row.is_own and row.estimate and row.estimate.p50_at)
        return next(own, None)

    def is_old(self, now: datetime) -> bool:
        return self.queue_at is not None and now - self.queue_at > OLD

    def version(self, now: datetime) -> str:
        """Changes when there is something new to show."""
        told, failed = (row.pk if row else 0 for row in (self.newest, self.failed))
        return f"{told}-{failed}-{self.queue_at is not None:d}{self.is_old(now):d}"


def outlook(actor: Actor, cluster: Cluster, queue_at: datetime | None) -> Outlook:
    own_name = actor.unix_name(cluster)
    every = Job.objects.filter(cluster=cluster, in_queue=True, state__in=WAITING_STATES)
    seen = actor.jobs(cluster).filter(in_queue=True, state__in=WAITING_STATES)
    rows = [_row(job, own_name) for job in _in_order(seen)]
    is_private = cluster.hides_jobs and not actor.is_staff
    hidden = every.exclude(pk__in=seen.values("pk")) if is_private else every.none()
    told = StartEstimate.objects.filter(job__in=every, is_newest=True)
    return Outlook(
        rows,
        _hidden(hidden),
        _tasks(every.values_list("array_tasks", flat=True)),
        _tasks(told.exclude(p50_at=None).values_list("job__array_tasks", flat=True)),
        told.first(),
        _failed_last(cluster),
        queue_at,
    )


def _failed_last(cluster: Cluster) -> Forecast | None:
    """The last forecast, if it failed."""
    ended = (Forecast.State.DONE, Forecast.State.FAILED)
    last = Forecast.objects.filter(cluster=cluster, as_of=None, state__in=ended).first()
    return last if last and last.state == Forecast.State.FAILED else None


def _tasks(of_rows: Iterable[list[int]]) -> int:
    """Jobs that rows of the queue stand for: an array that is not split yet for all its tasks."""
    return sum(len(tasks) or 1 for tasks in of_rows)


def _in_order(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """The earliest expected start first, then those without one by priority."""
    newest = StartEstimate.objects.filter(is_newest=True)
    expected_at = newest.filter(job=OuterRef("pk")).values("p50_at")[:1]
    return (
        jobs.alias(expected_at=Subquery(expected_at))
        .order_by(F("expected_at").asc(nulls_last=True), F("priority").desc(nulls_last=True), "pk")
        .prefetch_related(Prefetch("estimates", newest, to_attr="newest_estimates"))[:ROWS_SHOWN]
    )


def _row(job: Job, own_name: str | None) -> WaitingRow:
    estimate = next(iter(job.newest_estimates), None)
    return WaitingRow(job, job.user == own_name, explain(job.reason or "None"), estimate)


def _hidden(jobs: QuerySet[Job]) -> list[HiddenGroup]:
    groups: dict[str, HiddenGroup] = {}
    for partition, tasks, cpus, gpus in jobs.values_list(
        "partition", "array_tasks", "cpus", "gpus"
    ):
        group = groups.setdefault(partition, HiddenGroup(partition))
        count = len(tasks) or 1
        group.jobs += count
        group.cpus += count * (cpus or 0)
        group.gpus_by_type.update({kind or "GPU": count * number for kind, number in gpus.items()})
    return sorted(groups.values(), key=lambda group: -group.jobs)


def time_line(rows: Iterable[WaitingRow], horizon_s: int, now: datetime) -> Figure | None:
    """The first expected starts as bars; None where there is nothing to draw."""
    bars = [_bar(row) for row in rows if row.estimate and row.estimate.p50_at][:BARS_SHOWN]
    if not bars:
        return None
    ends = [bar.start_at + timedelta(seconds=bar.length_s or horizon_s) for bar in bars]
    until = min(max(ends), now + timedelta(seconds=horizon_s))
    return start_time_line(bars, start=min(now, bars[0].start_at), until=max(until, ends[0]))


def spread_axis(rows: Iterable[WaitingRow], now: datetime) -> Axis | None:
    """The axis that all starts are drawn on; None where none of them is known to spread."""
    said = [row.estimate for row in rows if row.estimate and row.estimate.p10_at]
    return Axis.around(now, [one.p90_at or one.p50_at for one in said]) if said else None


def _bar(row: WaitingRow) -> Bar:
    minutes = row.job.limit_minutes
    length_s = None if minutes is None or row.job.limit_unlimited else minutes * 60.0
    limit = "no limit" if length_s is None else f"at most {format_duration(length_s)}"
    return Bar(
        label=f"{row.job.shown_id} (yours)" if row.is_own else row.job.shown_id,
        start_at=max(row.estimate.p50_at, row.estimate.snapshot_at),
        length_s=length_s,
        early_at=row.estimate.p10_at,
        late_at=row.estimate.p90_at,
        is_own=row.is_own,
        note=f"{row.job.partition}, {limit}",
    )
