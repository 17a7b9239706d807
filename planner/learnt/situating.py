"""Waiting jobs of a snapshot as the situations that a learner is told of.

Pure. A pool is what the nodes of a partition hold, whatever partition it was sent to: partitions
overlap. A job that asked for several is told of in the first of them that the cluster has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.ensemble import Past, limit_s_of
from planner.learning import RunningJobs, Situation, StartedJobs, WaitingJobs, features
from planner.quantiles import Quantiles
from planner.sim.cluster import World
from planner.sim.jobs import Job, Key
from planner.snapshot import Snapshot
from planner.snapshot.rows import key_of, tasks_of
from tracker.slurm.records import QueuedJob

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

STARTED = 200  # newest starts of a partition that are looked at
LONGEST_S = 366 * 86_400.0  # an unlimited job's limit: a learner's table has no infinity


@dataclass(frozen=True, slots=True, eq=False)
class StartedColumns:
    """Jobs that have started, oldest start first: arrays of one length."""

    start_s: FloatArray  # since the epoch
    wait_s: FloatArray
    procs: FloatArray
    partition: npt.NDArray[np.str_]
    user: npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class _Running:
    procs: FloatArray  # on the nodes of the partition
    gpus: float  # of all together
    left_limit_s: FloatArray
    left_run_s: FloatArray
    user: IntArray

    def seen_by(self, user: int) -> RunningJobs:
        return RunningJobs(self.procs, self.left_limit_s, self.left_run_s, self.user == user)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """Oldest submission first."""

    procs: FloatArray
    limit_s: FloatArray
    run_s: FloatArray
    submit_s: FloatArray  # since the snapshot
    user: IntArray
    priority: FloatArray

    def before(self, submit_s: float, user: int) -> WaitingJobs:
        rows = slice(int(np.searchsorted(self.submit_s, submit_s)))
        return WaitingJobs(
            self.procs[rows],
            self.limit_s[rows],
            self.run_s[rows],
            -self.submit_s[rows],
            self.user[rows] == user,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Started:
    ago_s: FloatArray
    wait_s: FloatArray
    procs: FloatArray
    user: IntArray

    def seen_by(self, user: int) -> StartedJobs:
        return StartedJobs(self.ago_s, self.wait_s, self.procs, self.user == user)


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    """A partition, without the nodes that are down."""

    room: float
    gpus: float
    running: _Running
    waiting: _Waiting
    started: _Started


class Situations:
    """Of the jobs that wait in a snapshot; each partition is looked at when first asked for."""

    def __init__(self, snapshot: Snapshot, past: Past, started: StartedColumns) -> None:
        self._world = snapshot.world
        self._past = past
        self._started = started
        self._partitions = {one.name: one for one in snapshot.world.partitions}
        self._priority: dict[Key, float] = {
            one.key: float(one.record.priority or 0) for one in snapshot.pending
        }
        self._jobs: dict[Key, Job] = {job.key: job for job in snapshot.world.jobs}
        self._run_s = _expected_s(snapshot.world, past)
        self._users: dict[str, int] = {}
        self._pools: dict[str, _Pool] = {}

    def features(
        self, record: QueuedJob, said: Mapping[str, Quantiles | None]
    ) -> dict[str, float] | None:
        """By name, always the same names for the same ``said``; of an array, its first task.

        None: the model does not hold the job.
        """
        job = self._jobs.get(key_of(record, tasks_of(record)[0]))
        if job is None:
            return None
        pool = self._pool(job.partitions[0])
        return features(self._situation(job, pool, said)) | self._of_service(job, pool)

    def _situation(self, job: Job, pool: _Pool, said: Mapping[str, Quantiles | None]) -> Situation:
        user = self._user(job.user)
        return Situation(
            now_s=self._world.origin_s,
            procs=self._procs(job),
            limit_s=self._limit_s(job),
            run_s=self._run_s[job.key],
            room=pool.room,
            running=pool.running.seen_by(user),
            waiting=pool.waiting.before(job.submit_s, user),
            started=pool.started.seen_by(user),
            said=said,
        )

    def _of_service(self, job: Job, pool: _Pool) -> dict[str, float]:
        """What a log does not tell: priorities, GPUs, and how long the job has waited already."""
        waiting = pool.waiting
        is_ahead = waiting.priority > self._priority.get(job.key, 0.0)
        ahead, run_s = waiting.procs[is_ahead], waiting.run_s[is_ahead]
        gpus = sum(job.gpus_per_job.values())
        gpus = gpus or sum(job.gpus_per_node.values()) * job.min_nodes
        return {
            "log_waited": float(np.log1p(max(-job.submit_s, 0.0))),
            "ahead": float(ahead.size),
            "ahead_procs": float(np.log1p(ahead.sum() / pool.room)),
            "ahead_work_run": float(np.log1p((ahead * run_s).sum() / pool.room)),
            "gpus": float(gpus),
            "gpus_free_after": (pool.gpus - pool.running.gpus - gpus) / max(pool.gpus, 1.0),
        }

    def _pool(self, name: str) -> _Pool:
        if name not in self._pools:
            partition, nodes = self._partitions[name], self._world.nodes
            there = partition.nodes & nodes.usable_in_plan
            self._pools[name] = _Pool(
                room=max(float(nodes.cpus[there].sum()), 1.0),
                gpus=float(nodes.gpus[there].sum()),
                running=self._running(there),
                waiting=self._waiting(name),
                started=self._started_in(name),
            )
        return self._pools[name]

    def _running(self, there: BoolArray) -> _Running:
        index_of = self._world.nodes.index_of
        jobs, shares = [], []
        for job in self._world.jobs:
            held = [share for share in job.allocation if there[index_of[share.node]]]
            if held:
                jobs.append(job)
                shares.append(held)
        age_s = _floats(-(job.start_s or 0.0) for job in jobs)
        limit_s, run_s = self._columns(jobs)
        return _Running(
            procs=_floats(sum(share.cpus for share in held) for held in shares),
            gpus=float(sum(sum(one.gpus.values()) for held in shares for one in held)),
            left_limit_s=np.maximum(limit_s - age_s, 0.0),
            left_run_s=np.maximum(run_s - age_s, 0.0),
            user=self._codes(job.user for job in jobs),
        )

    def _waiting(self, name: str) -> _Waiting:
        jobs = [
            job
            for job in self._world.jobs
            if job.start_s is None and job.held is None and name in job.partitions
        ]
        jobs.sort(key=lambda job: job.submit_s)
        limit_s, run_s = self._columns(jobs)
        return _Waiting(
            procs=_floats(self._procs(job) for job in jobs),
            limit_s=limit_s,
            run_s=run_s,
            submit_s=_floats(job.submit_s for job in jobs),
            user=self._codes(job.user for job in jobs),
            priority=_floats(self._priority.get(job.key, 0.0) for job in jobs),
        )

    def _started_in(self, name: str) -> _Started:
        started, now_s = self._started, self._world.origin_s
        is_known = started.start_s <= now_s  # the record may be newer than the queue
        newest = np.flatnonzero(is_known & (started.partition == name))[-STARTED:]
        return _Started(
            now_s - started.start_s[newest],
            started.wait_s[newest],
            started.procs[newest],
            self._codes(started.user[newest].tolist()),
        )

    def _columns(self, jobs: Sequence[Job]) -> tuple[FloatArray, FloatArray]:
        """Limits, and run times as expected."""
        return _floats(map(self._limit_s, jobs)), _floats(self._run_s[job.key] for job in jobs)

    def _procs(self, job: Job) -> float:
        asked = self._past.asked.get(job.key)
        return float(job.cpus) if asked is None else asked.procs

    def _limit_s(self, job: Job) -> float:
        return min(limit_s_of(job.limit_s, job.partitions[0], self._world), LONGEST_S)

    def _codes(self, users: Iterable[str]) -> IntArray:
        return np.array([self._user(user) for user in users], dtype=np.int64)

    def _user(self, name: str) -> int:
        return self._users.setdefault(name, len(self._users))


def _floats(values: Iterable[float]) -> FloatArray:
    return np.array(list(values), dtype=np.float64)


def _expected_s(world: World, past: Past) -> dict[Key, float]:
    """How long each job of the world runs in all: the median of what history tells, or else its
    limit."""
    asked = [job for job in world.jobs if job.key in past.asked]
    expected = {
        job.key: min(limit_s_of(job.limit_s, job.partitions[0], world), LONGEST_S)
        for job in world.jobs
    }
    if past.runs is not None and asked:
        age_s = np.array([0.0 if job.start_s is None else -job.start_s for job in asked])
        half = np.full((len(asked), 1), 0.5)
        run_s = past.runs.draw([past.asked[job.key] for job in asked], age_s, half)[:, 0]
        run_s = np.minimum(run_s, LONGEST_S)
        expected.update(zip((job.key for job in asked), run_s.tolist(), strict=True))
    return expected
