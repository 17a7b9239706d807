"""Waiting jobs of a snapshot as the situations that a learner is told of.

Pure. A pool is what the nodes of a partition hold, whatever partition it was sent to: partitions
overlap. A job that asked for several is told of in the first of them that the cluster has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.ensemble import Past, limit_s_of
from planner.learning import RunningJobs, Situation, StartedJobs, WaitingJobs, features
from planner.quantiles import Quantiles
from planner.sim.cluster import Partition, World
from planner.sim.jobs import Job, Key
from planner.snapshot import Snapshot
from planner.snapshot.rows import key_of, tasks_of
from tracker.slurm.records import QueuedJob

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

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
class _Pool:
    """Arrays of those that run, of those that wait (oldest submission first), of those started."""

    room: float
    gpus: float
    gpus_free: float
    run_procs: FloatArray
    run_left_limit_s: FloatArray
    run_left_s: FloatArray
    run_user: IntArray
    wait_procs: FloatArray
    wait_limit_s: FloatArray
    wait_run_s: FloatArray
    wait_age_s: FloatArray
    wait_user: IntArray
    wait_priority: FloatArray
    started: StartedColumns
    started_user: IntArray


class Situations:
    """Of the jobs that wait in a snapshot; each partition is looked at when first asked for."""

    def __init__(self, snapshot: Snapshot, past: Past, started: StartedColumns) -> None:
        self._world = snapshot.world
        self._now_s = snapshot.world.origin_s
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
        before = int(np.searchsorted(-pool.wait_age_s, job.submit_s))
        started = pool.started
        return Situation(
            now_s=self._now_s,
            procs=self._procs(job),
            limit_s=self._limit_s(job),
            run_s=self._run_s[job.key],
            room=pool.room,
            running=RunningJobs(
                pool.run_procs, pool.run_left_limit_s, pool.run_left_s, pool.run_user == user
            ),
            waiting=WaitingJobs(
                pool.wait_procs[:before],
                pool.wait_limit_s[:before],
                pool.wait_run_s[:before],
                pool.wait_age_s[:before],
                pool.wait_user[:before] == user,
            ),
            started=StartedJobs(
                self._now_s - started.start_s,
                started.wait_s,
                started.procs,
                pool.started_user == user,
            ),
            said=said,
        )

    def _of_service(self, job: Job, pool: _Pool) -> dict[str, float]:
        """What a log does not tell: priorities, GPUs, and how long the job has waited already."""
        is_ahead = pool.wait_priority > self._priority.get(job.key, 0.0)
        gpus = sum(job.gpus_per_job.values())
        gpus = gpus or sum(job.gpus_per_node.values()) * job.min_nodes
        return {
            "log_waited": float(np.log1p(max(-job.submit_s, 0.0))),
            "ahead": float(is_ahead.sum()),
            "ahead_procs": float(np.log1p(pool.wait_procs[is_ahead].sum() / pool.room)),
            "ahead_work_run": float(
                np.log1p((pool.wait_procs * pool.wait_run_s)[is_ahead].sum() / pool.room)
            ),
            "gpus": float(gpus),
            "gpus_free_after": (pool.gpus_free - gpus) / max(pool.gpus, 1.0),
        }

    def _pool(self, name: str) -> _Pool:
        if name not in self._pools:
            self._pools[name] = self._looked_at(self._partitions[name])
        return self._pools[name]

    def _looked_at(self, partition: Partition) -> _Pool:
        nodes = self._world.nodes
        holders = [
            (job, procs, gpus)
            for job in self._world.jobs
            if (held := _held(job, partition, self._world)) is not None
            for procs, gpus in (held,)
        ]
        running = [job for job, _, _ in holders]
        age_s = np.array([-(job.start_s or 0.0) for job in running])
        limit_s, run_s = self._columns(running)
        waiting = sorted(
            (
                job
                for job in self._world.jobs
                if job.start_s is None and job.held is None and partition.name in job.partitions
            ),
            key=lambda job: job.submit_s,
        )
        wait_limit_s, wait_run_s = self._columns(waiting)
        newest = np.flatnonzero(self._started.partition == partition.name)[-STARTED:]
        gpus = float(nodes.gpus[partition.nodes].sum())
        started = StartedColumns(
            *(getattr(self._started, name)[newest] for name in StartedColumns.__slots__)
        )
        return _Pool(
            room=max(float(nodes.cpus[partition.nodes].sum()), 1.0),
            gpus=gpus,
            gpus_free=gpus - sum(of_job for _, _, of_job in holders),
            run_procs=np.array([procs for _, procs, _ in holders], dtype=np.float64),
            run_left_limit_s=np.maximum(limit_s - age_s, 0.0),
            run_left_s=np.maximum(run_s - age_s, 0.0),
            run_user=self._codes(job.user for job in running),
            wait_procs=np.array([self._procs(job) for job in waiting], dtype=np.float64),
            wait_limit_s=wait_limit_s,
            wait_run_s=wait_run_s,
            wait_age_s=np.array([-job.submit_s for job in waiting], dtype=np.float64),
            wait_user=self._codes(job.user for job in waiting),
            wait_priority=np.array([self._priority.get(job.key, 0.0) for job in waiting]),
            started=started,
            started_user=self._codes(started.user.tolist()),
        )

    def _columns(self, jobs: list[Job]) -> tuple[FloatArray, FloatArray]:
        """Limits, and run times as expected."""
        limit_s = np.array([self._limit_s(job) for job in jobs], dtype=np.float64)
        return limit_s, np.array([self._run_s[job.key] for job in jobs], dtype=np.float64)

    def _procs(self, job: Job) -> float:
        asked = self._past.asked.get(job.key)
        return float(job.cpus) if asked is None else asked.procs

    def _limit_s(self, job: Job) -> float:
        return min(limit_s_of(job.limit_s, job.partitions[0], self._world), LONGEST_S)

    def _codes(self, users: Iterable[str]) -> IntArray:
        return np.array([self._user(user) for user in users], dtype=np.int64)

    def _user(self, name: str) -> int:
        return self._users.setdefault(name, len(self._users))


def _held(job: Job, partition: Partition, world: World) -> tuple[float, float] | None:
    """Processors and GPUs that it holds on the partition's nodes; None: none of these nodes."""
    of_nodes = [
        share for share in job.allocation if partition.nodes[world.nodes.index_of[share.node]]
    ]
    if not of_nodes:
        return None
    gpus = sum(sum(share.gpus.values()) for share in of_nodes)
    return float(sum(share.cpus for share in of_nodes)), float(gpus)


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
