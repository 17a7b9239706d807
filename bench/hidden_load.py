"""What people submit to a hidden world: users with projects, each asked for and run in its own way.

How long a job runs is its user's habit and hardly what it asks for: limits are copied from old
scripts, as in the logs of KTH and of GPU clusters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.hidden_kinds import CORES, GPUS, MEM_MIB, Kind, account_of
from planner.asking.request import Request
from tracker.slurm import records as slurm

DAY_S = 86_400.0
RHYTHM = 0.6  # more by day than by night
SAMPLED = 3000  # sessions, to tell how much work one brings
FAILS, RUNS_OVER = 0.07, 0.04  # shares of jobs: at once, and past any limit
LIKE_A_SWEEP = 0.15  # of the logarithm: jobs of a session run alike


@dataclass(frozen=True, slots=True)
class Project:
    """What a user asks for again and again."""

    user: int
    name: str
    nodes: int
    gpus: int  # a node
    gpu_type: str | None
    partition: str
    qos: str
    limit_minutes: int
    share: float  # of the limit, in the middle
    spread: float  # of its logarithm, between sessions
    bulk: float  # jobs of a session, in the mean

    @property
    def work(self) -> float:
        """What a job takes of the cluster at once, in what its capacity counts."""
        return self.nodes * max(1, self.gpus)


@dataclass(frozen=True, slots=True)
class Submission:
    """``run_s``: how long the job would run without a limit."""

    at_s: float
    project: Project
    run_s: float


class People:
    """The users of a world with their habits."""

    def __init__(self, kind: Kind, rng: np.random.Generator) -> None:
        self._kind = kind
        activity = rng.permutation(1 / np.arange(1, kind.users + 1) ** 0.8)
        self._activity = activity / activity.sum()
        express = {a.user for a in kind.facts.associations if "express" in a.qos}
        self._projects = [
            [
                _project(kind, user, place, rng, has_express=f"u{user}" in express)
                for place in range(int(rng.integers(2, 5)))
            ]
            for user in range(kind.users)
        ]

    def session(self, rng: np.random.Generator) -> Iterator[tuple[Project, float]]:
        """A project and the run time of each of its jobs."""
        user = int(rng.choice(self._kind.users, p=self._activity))
        project = self._projects[user][int(rng.integers(len(self._projects[user])))]
        middle_s = 60.0 * project.limit_minutes * project.share
        together = rng.lognormal(0.0, project.spread)
        for _ in range(int(rng.geometric(1 / project.bulk))):
            yield project, _run_s(rng, middle_s * together, project.limit_minutes)

    def submissions(
        self, rng: np.random.Generator, until_s: float, load: float
    ) -> list[Submission]:
        """In order of time; as much work as keeps ``load`` of the cluster busy."""
        rate = load * self._kind.capacity / self._work_of_session_s(rng)
        found: list[Submission] = []
        at_s = 0.0
        while (at_s := at_s + rng.exponential(1 / (rate * (1 + RHYTHM)))) < until_s:
            # Busiest at 15 h, quietest at 3 h.
            pace = 1 + RHYTHM * np.sin(2 * np.pi * (at_s / DAY_S - 0.375))
            if rng.random() < pace / (1 + RHYTHM):
                for place, (project, run_s) in enumerate(self.session(rng)):
                    found.append(Submission(round(at_s) + 5.0 * place, project, run_s))
        return sorted(found, key=lambda one: one.at_s)

    def _work_of_session_s(self, rng: np.random.Generator) -> float:
        work = [
            project.work * min(run_s, 60.0 * project.limit_minutes)
            for _ in range(SAMPLED)
            for project, run_s in self.session(rng)
        ]
        return sum(work) / SAMPLED


def request_of(project: Project, kind: Kind) -> Request:
    """As its user would ask for it; nobody names the partition that Slurm takes anyway."""
    default = next(p.name for p in kind.facts.partitions if p.is_default)
    return Request(
        user=f"u{project.user}",
        account=account_of(project.user, kind),
        qos=project.qos,
        partitions=() if project.partition == default else (project.partition,),
        nodes=project.nodes,
        ntasks=project.nodes,
        cpus=_cpus(project),
        mem_mib=_mem_mib(project),
        gpus=project.nodes * project.gpus,
        gpu_type=project.gpu_type,
        limit_minutes=project.limit_minutes,
        name=project.name,
    )


def queued(job_id: int, project: Project, kind: Kind, **more: Any) -> slurm.QueuedJob:
    """As squeue shows a job of the project."""
    gpus = {project.gpu_type: project.gpus} if project.gpu_type else {}
    return slurm.QueuedJob(
        job_id=job_id,
        user=f"u{project.user}",
        name=project.name,
        account=account_of(project.user, kind),
        partitions=(project.partition,),
        qos=project.qos,
        limit_minutes=project.limit_minutes,
        node_count=project.nodes,
        ntasks=project.nodes,
        cpus=project.nodes * _cpus(project),
        mem_mib=_mem_mib(project),
        tres_per_node=slurm.Tres(gpus=project.gpus or None, gpus_by_type=gpus),
        **more,
    )


def tres(project: Project) -> slurm.Tres:
    gpus = project.nodes * project.gpus
    return slurm.Tres(
        cpus=project.nodes * _cpus(project),
        mem_mib=project.nodes * (_mem_mib(project) or 0) or None,
        nodes=project.nodes,
        gpus=gpus or None,
        gpus_by_type={project.gpu_type: gpus} if project.gpu_type else {},
    )


def _cpus(project: Project) -> int:
    return project.gpus * (CORES // GPUS) if project.gpus else 1


def _mem_mib(project: Project) -> int | None:
    return project.gpus * (MEM_MIB // GPUS) if project.gpus else None


def _project(
    kind: Kind, user: int, place: int, rng: np.random.Generator, *, has_express: bool
) -> Project:
    shapes = kind.shapes
    shape = int(rng.choice(len(shapes.odds), p=np.array(shapes.odds) / sum(shapes.odds)))
    odds = np.array(shapes.limit_odds) / sum(shapes.limit_odds)
    limit_minutes = int(rng.choice(shapes.limits_minutes, p=odds))
    is_short = limit_minutes <= kind.short_minutes and shapes.nodes[shape] <= 8
    long = list(kind.long)
    partition = str(rng.choice(long, p=list(kind.long.values())))
    if is_short and rng.random() < 0.5:
        partition = kind.short
    return Project(
        user=user,
        name=f"p{user}-{place}",
        nodes=shapes.nodes[shape],
        gpus=shapes.gpus[shape],
        gpu_type=kind.gpu_types.get(partition) if rng.random() < 0.3 else None,
        partition=partition,
        qos="express" if has_express and rng.random() < 0.15 else "normal",
        limit_minutes=limit_minutes,
        share=float(rng.beta(1.2, 2.2)),
        spread=float(rng.uniform(0.1, 0.8)),
        bulk=float(rng.choice([1.0, 1.5, 4.0])),
    )


def _run_s(rng: np.random.Generator, middle_s: float, limit_minutes: int) -> float:
    chance = rng.random()
    if chance < FAILS:
        return float(np.ceil(rng.uniform(5.0, 120.0)))
    if chance > 1.0 - RUNS_OVER:
        return 60.0 * limit_minutes * 2.0
    return float(np.ceil(max(5.0, middle_s * rng.lognormal(0.0, LIKE_A_SWEEP))))
