"""A recorded run, and the same jobs in the model: from the same submissions and run times.

Jobs are known by their place in the scene and their array task, so that one job can be found in
every run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from planner.sim.cluster import World
from planner.sim.engine import Simulation
from planner.sim.jobs import Dependency, Job
from planner.sim.views import RunningJob
from planner.snapshot import Facts, build, read_facts
from tests.cluster.fidelity_run import BASE, REQUESTS, Submitted, read_submissions
from tests.cluster.outcomes import read_truth
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.records import AccountedJob

HORIZON_S = 2 * 3600.0
CUT_S = 0.5  # what a time of accounting, cut to whole seconds, lacks in the mean
_BEGIN = re.compile(r"--begin=now\+(\d+)")


@dataclass(frozen=True, order=True, slots=True)
class Known:
    """One job of the scene; ``task`` 0 is that of a job without an array."""

    place: int
    task: int

    def __str__(self) -> str:
        return f"{self.place}_{self.task}" if self.task else str(self.place)


@dataclass(frozen=True, slots=True)
class Seen:
    """What accounting tells of a job that started; seconds from the run's begin."""

    submit_s: float
    start_s: float
    run_s: float | None  # None: it still ran when the run was over
    succeeded: bool
    job_id: str  # as squeue shows it


@dataclass(frozen=True)
class Run:
    name: str
    begin_at: datetime
    submissions: Sequence[Submitted]
    facts: Facts  # of the empty cluster
    asked: Mapping[Known, Job]  # as if submitted at once
    seen: Mapping[Known, Seen]  # those that started
    folder: Path

    @classmethod
    def read(cls, folder: Path) -> Run:
        begin_at, submissions = read_submissions(folder)
        truth = read_truth(folder)
        seen: dict[Known, Seen] = {}
        for place, one in enumerate(submissions):
            for known, job_id in _ids(place, one, one.job_id):
                if job_id in truth.started:
                    seen[known] = _seen(truth.started[job_id], begin_at, job_id)
        facts = read_facts(Slurm(read_capture(folder / BASE).transport))
        return cls(
            folder.name, begin_at, submissions, facts, _asked(folder, submissions), seen, folder
        )

    @cached_property
    def cluster(self) -> World:
        """The empty cluster; time counts from its capture."""
        return build(self.facts).world

    @property
    def origin_s(self) -> float:
        """The world's origin, from the run's begin."""
        return (self.facts.taken_at - self.begin_at).total_seconds()

    @property
    def interval_s(self) -> float:
        return self.cluster.config.bf_interval_s

    def as_measured(self) -> World:
        """Submitted and run as accounting has it: a start of a job costs slurmd some time. What
        never started in Slurm is left out, as nothing is known of its run."""
        jobs = []
        for known, job in self.asked.items():
            if (seen := self.seen.get(known)) is not None:
                timed = replace(job, run_s=seen.run_s, succeeds=seen.succeeded)
                jobs.append(self._submitted(known, timed, seen.submit_s + CUT_S))
        return self._world(jobs)

    def as_meant(self) -> World:
        """Submitted and run as the scene says."""
        jobs = []
        for known, job in self.asked.items():
            made = self.submissions[known.place].made
            run_s = min(made.runs_s[max(known.task - 1, 0)], job.limit_s or math.inf)
            jobs.append(self._submitted(known, replace(job, run_s=run_s), made.at_s))
        return self._world(jobs)

    def _submitted(self, known: Known, job: Job, at_s: float) -> Job:
        submit_s = at_s - self.origin_s
        begin = _BEGIN.search(" ".join(self.submissions[known.place].made.words))
        eligible_s = submit_s + float(begin[1]) if begin else None
        return replace(job, submit_s=submit_s, eligible_s=eligible_s)

    def _world(self, jobs: list[Job]) -> World:
        """Times told are whole seconds: within one, the order of the scene is that of the ids."""
        return replace(self.cluster, jobs=tuple(sorted(jobs, key=lambda job: job.submit_s)))


def starts_of(run: Run, world: World) -> dict[Known, float]:
    """Of the model, in whole seconds from the run's begin, cut as accounting cuts them."""
    starts: dict[Known, float] = {}

    def note(started: RunningJob) -> None:
        key = started.job.key
        assert isinstance(key, Known)
        starts[key] = math.floor(started.start_s + run.origin_s)

    Simulation(world, on_start=note, keeps_plan=False).run(HORIZON_S)
    return starts


def _ids(place: int, one: Submitted, job_id: int) -> list[tuple[Known, str]]:
    if len(one.made.runs_s) == 1:
        return [(Known(place, 0), str(job_id))]
    tasks = range(1, len(one.made.runs_s) + 1)
    return [(Known(place, task), f"{job_id}_{task}") for task in tasks]


def _seen(job: AccountedJob, begin_at: datetime, job_id: str) -> Seen:
    if job.submit_at is None or job.start_at is None:
        raise ValueError(f"accounting tells no times of job {job_id}")
    return Seen(
        (job.submit_at - begin_at).total_seconds(),
        (job.start_at - begin_at).total_seconds(),
        None if job.end_at is None or job.elapsed_s is None else float(job.elapsed_s),
        job.state == "COMPLETED",
        job_id,
    )


def _asked(folder: Path, submissions: Sequence[Submitted]) -> dict[Known, Job]:
    """Read as a snapshot reads any waiting job, once they are no longer held."""
    facts = read_facts(Slurm(read_capture(folder / REQUESTS).transport))
    free = [replace(row, priority=None, reason="None") for row in facts.queue]
    jobs = {str(job.key): job for job in build(replace(facts, queue=free)).world.jobs}
    known_of = {
        job_id: known
        for place, one in enumerate(submissions)
        for known, job_id in _ids(place, one, one.asked_id)
    }
    if missing := known_of.keys() - jobs.keys():
        raise ValueError(f"{folder}: the model cannot read {len(missing)} jobs, as {min(missing)}")
    return {known: _renamed(jobs[job_id], known, known_of) for job_id, known in known_of.items()}


def _renamed(job: Job, known: Known, known_of: Mapping[str, Known]) -> Job:
    return replace(
        job,
        key=known,
        held=None,
        array_id=known.place if known.task else None,
        dependencies=tuple(
            Dependency(one.kind, tuple(known_of[str(key)] for key in one.keys))
            for one in job.dependencies
        ),
    )
