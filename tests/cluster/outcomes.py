"""A campaign's captures and its truth as rows: what was said of a waiting job, and what happened.

One row is a snapshot and a job or array task that waits in it. Nothing that a method says rests on
what became known after the snapshot; "true runs" alone does, and is no method.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np

from planner.baselines import PastWaits, Shape, recent_like
from planner.calibration import Calibration, Told
from planner.forecasting.calibrating import FEWEST_LOOKS
from planner.forecasting.forecasts import HORIZON_S, JobForecast, forecast
from planner.quantiles import Quantiles
from planner.record.milestones import last_reached
from planner.sim.cluster import World
from planner.sim.engine import Simulation
from planner.sim.jobs import Key
from planner.sim.views import RunningJob
from planner.snapshot import build, read_facts
from planner.snapshot.past import recorded_past
from tests.cluster.campaign import SNAPSHOTS, TRUTH
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.records import AccountedJob, QueuedJob

FEWEST = 10  # starts seen before the constant is said
REPLICAS = 16


@dataclass(frozen=True, slots=True)
class Row:
    """``said`` and ``actual_s`` in seconds from the snapshot."""

    snapshot: int
    at: datetime  # of the snapshot
    key: str
    record: QueuedJob
    reason_class: str
    said: dict[str, Quantiles | None]  # by method
    actual_s: float
    is_censored: bool  # it left unstarted, or still waits, after so long

    @property
    def waited_s(self) -> float:
        """Since its submission."""
        return _after(self.at, self.record.submit_at)

    @property
    def waits_for_time(self) -> bool:
        """Nobody needs to act and no other job to end well: the others are not scored."""
        return self.reason_class in ("A", "B", "C")


@dataclass(frozen=True, slots=True)
class Truth:
    """What became of each job and array task, by the id that ``squeue -r`` shows."""

    started: dict[str, AccountedJob]
    left_at: dict[str, datetime]  # without a start
    until: datetime  # what is in neither still waits then

    @property
    def run_of_limit(self) -> float:
        """Mean share of its limit that a job ran, of those that have ended."""
        ended = [job for job in self.started.values() if job.end_at is not None]
        return float(np.mean([(job.elapsed_s or 0) / _limit_s(job) for job in ended]))

    def outcome(self, key: str, at: datetime) -> tuple[float, bool]:
        """Seconds from ``at`` to the start, or to the last moment that it is known to wait."""
        job = self.started.get(key)
        if job is not None and job.start_at is not None:
            return max((job.start_at - at).total_seconds(), 0.0), False
        return max((self.left_at.get(key, self.until) - at).total_seconds(), 0.0), True


def read_truth(campaign: Path) -> Truth:
    capture = read_capture(campaign / TRUTH)
    until = capture.manifest.taken_at
    started: dict[str, AccountedJob] = {}
    left_at: dict[str, datetime] = {}
    for job in Slurm(capture.transport).accounting(until):
        for key in _keys(job):
            # One that was cancelled while it waited has a start, too: that of its end.
            if job.node_list is not None:
                started.setdefault(key, job)
            elif job.end_at is not None:
                left_at[key] = job.end_at
    return Truth(started, left_at, until)


def _keys(job: AccountedJob) -> list[str]:
    if job.array_job_id is None:
        return [str(job.job_id)]
    tasks = job.array_tasks if job.array_task_id is None else (job.array_task_id,)
    return [f"{job.array_job_id}_{task}" for task in tasks]


def read_rows(campaign: Path, truth: Truth) -> list[Row]:
    """Every waiting job of every snapshot, in order of time."""
    rows: list[Row] = []
    for number, folder in enumerate(sorted((campaign / SNAPSHOTS).iterdir())):
        slurm = Slurm(read_capture(folder).transport)
        facts = read_facts(slurm)
        snapshot = build(facts)
        at = snapshot.taken_at
        constant, past = constant_of(rows, at), _Past(truth, at)
        with_true_runs = _with_true_runs(snapshot.world, truth)
        plan = {job.pending.key: _said(job) for job in forecast(snapshot).jobs}
        ensemble = forecast(snapshot, recorded_past(slurm, facts, snapshot), replicas=REPLICAS)
        calibration = _calibration_of(rows, at)
        for job in ensemble.jobs:
            key, record, raw = job.pending.key, job.pending.record, _said(job)
            said = {
                "ours": calibration.apply(raw, 0) if raw and calibration else raw,
                "ensemble": raw,
                "plan": plan[key],
                "Slurm": _of_slurm(record, at),
                "constant": constant,
                "recent_like": past.left(record),
                "true runs": with_true_runs.get(key),
            }
            outcome = truth.outcome(key, at)
            rows.append(Row(number, at, key, record, job.reason_class, said, *outcome))
    return rows


def _said(job: JobForecast) -> Quantiles | None:
    """Where only the middle is told, it is all that is told: a point."""
    if job.p50_s is None:
        return None
    if job.p90_s is None:
        return Quantiles.point(job.p50_s)
    return Quantiles(job.p10_s, job.p50_s, job.p90_s)


def _of_slurm(record: QueuedJob, at: datetime) -> Quantiles | None:
    """``squeue --start`` of the row; a planned start that has passed unmet is now."""
    return None if record.start_at is None else Quantiles.point(max(_after(record.start_at, at), 0))


def constant_of(earlier: Iterable[Row], at: datetime) -> Quantiles | None:
    """The same for every job: what was left to wait in earlier snapshots, of starts before ``at``.

    Longer waits are not over yet, so it is short while the queue builds up.
    """
    left_s = [
        row.actual_s
        for row in earlier
        if not row.is_censored and row.actual_s <= _after(at, row.at) and row.waits_for_time
    ]
    if len(left_s) < FEWEST:
        return None
    return Quantiles(*(float(q) for q in np.quantile(left_s, (0.1, 0.5, 0.9))))


def _calibration_of(earlier: Iterable[Row], at: datetime) -> Calibration | None:
    """From the record that the service keeps: a row a job and milestone, as known at ``at``. None
    where the service would not calibrate yet."""
    first: dict[tuple[str, int], Row] = {}
    for row in earlier:
        if row.waits_for_time and row.said["ensemble"] is not None:
            first.setdefault((row.key, last_reached(row.waited_s)), row)
    rows = list(first.values())
    said = [row.said["ensemble"] or Quantiles(None, None, None) for row in rows]
    passed_s = np.array([_after(at, row.at) for row in rows])
    actual_s = np.array([row.actual_s for row in rows])
    censored = np.array([row.is_censored for row in rows], dtype=np.bool_)
    is_censored = censored | (actual_s > passed_s)
    if (
        len({row.at for row, still in zip(rows, is_censored, strict=True) if not still})
        < FEWEST_LOOKS
    ):
        return None
    told = Told(
        issued_s=np.array([row.at.timestamp() for row in rows]),
        p10_s=np.array([quantiles.p10_s for quantiles in said], dtype=np.float64),
        p50_s=np.array([quantiles.p50_s for quantiles in said], dtype=np.float64),
        p90_s=np.array([quantiles.p90_s for quantiles in said], dtype=np.float64),
        waited_s=np.minimum(actual_s, passed_s),
        is_censored=is_censored,
        group=np.zeros(len(rows), dtype=np.int64),
    )
    return Calibration.fit(told, at.timestamp())


def _with_true_runs(world: World, truth: Truth) -> dict[Key, Quantiles]:
    """Starts in our model once every job of the snapshot runs as long as it really did: no
    forecast, but what a perfect model of run times would make of it. Nothing else arrives."""
    jobs = []
    for job in world.jobs:
        ran = truth.started.get(str(job.key))
        jobs.append(job if ran is None else replace(job, run_s=ran.elapsed_s))
    starts: dict[Key, Quantiles] = {}

    def note(started: RunningJob) -> None:
        starts[started.job.key] = Quantiles.point(started.start_s)

    Simulation(replace(world, jobs=tuple(jobs)), on_start=note, keeps_plan=False).run(HORIZON_S)
    return starts


class _Past:
    """The waits of the jobs of this campaign that had started by ``at``."""

    def __init__(self, truth: Truth, at: datetime) -> None:
        self._at = at
        known = [job for job in truth.started.values() if job.start_at and job.start_at <= at]
        self._jobs = sorted(known, key=lambda job: (job.start_at, job.job_id))
        names = sorted({job.partition or "" for job in self._jobs})
        self._codes = {name: code for code, name in enumerate(names)}

    @cached_property
    def _waits(self) -> PastWaits:
        jobs, began_at = self._jobs, self._at
        return PastWaits(
            now_s=0.0,
            start_s=np.array([_after(job.start_at, began_at) for job in jobs]),
            wait_s=np.array([_after(job.start_at, job.submit_at) for job in jobs]),
            procs=np.array([job.req_cpus or 1 for job in jobs], dtype=np.float64),
            limit_s=np.array([_limit_s(job) for job in jobs]),
            partition=np.array([self._codes[job.partition or ""] for job in jobs], dtype=np.int64),
        )

    def left(self, record: QueuedJob) -> Quantiles | None:
        """By the quickest of the partitions asked for."""
        waited_s = _after(self._at, record.submit_at)
        said = [
            recent_like(self._waits, Shape(record.cpus or 1, _limit_s(record), code), waited_s)
            for code in map(self._codes.get, record.partitions)
        ]
        known = [quantiles for quantiles in said if quantiles is not None]
        return min(known, key=lambda quantiles: quantiles.p50_s or 0.0, default=None)


def _limit_s(job: QueuedJob | AccountedJob) -> float:
    return math.inf if job.limit_minutes is None else job.limit_minutes * 60


def _after(later: datetime | None, earlier: datetime | None) -> float:
    if later is None or earlier is None:
        raise ValueError("Slurm told no time of submission or start")
    return (later - earlier).total_seconds()
