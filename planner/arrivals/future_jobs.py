"""The submissions drawn, as jobs of the simulation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from planner.arrivals.blocks import Arrivals
from planner.runtimes import AskedRun
from planner.sim.jobs import Job, Key

ARRIVAL = "arrival"
# Which copy of the past it is in, the past job's key, and which of the tasks that share that key.
ArrivalKey = tuple[str, int, Key, int]


@dataclass(frozen=True, slots=True, eq=False)
class FutureJobs:
    """``prototypes`` by row of the past's submissions; what is known of their run times by key.

    A row without a prototype, which the simulator cannot take, does not come again.
    """

    arrivals: Arrivals
    prototypes: Mapping[int, Job]
    asked: Mapping[Key, AskedRun]

    @classmethod
    def of(
        cls, arrivals: Arrivals, templates: Mapping[int, Job], asked: Mapping[int, AskedRun]
    ) -> FutureJobs:
        """Both by row. A past job comes again as it was asked for, not as it fared: that it was
        held, waited for others or for its turn in an array, ran and ended is to come anew, if at
        all. Tasks that were submitted as one may share a key."""
        prototypes = {row: _anew(job) for row, job in templates.items()}
        by_key = {templates[row].key: one for row, one in asked.items() if row in templates}
        return cls(arrivals, prototypes, by_key)

    def jobs(self, rng: np.random.Generator, now_s: float, horizon_s: float) -> list[Job]:
        """In order of submission, which counts from ``now_s``; none knows how long it will run.

        The key of a job, an ``ArrivalKey``, is the same in the draws of two moments.
        """
        drawn = self.arrivals.draw(rng, now_s, horizon_s)
        rows = zip(drawn.submit_s.tolist(), drawn.row.tolist(), drawn.stretch.tolist(), strict=True)
        tasks: Counter[tuple[int, Key]] = Counter()
        jobs: list[Job] = []
        for submit_s, row, stretch in rows:
            prototype = self.prototypes.get(row)
            if prototype is not None:
                key: ArrivalKey = (ARRIVAL, stretch, prototype.key, tasks[stretch, prototype.key])
                tasks[stretch, prototype.key] += 1
                jobs.append(_arriving(prototype, key, submit_s - now_s))
        return jobs

    def asked_by(self, key: Key) -> AskedRun | None:
        """What was asked for by a job of ``jobs``; None: that is of no arrival, or not known."""
        match key:
            case ("arrival", int(), past_key, int()):
                return self.asked.get(past_key)
        return None


def _arriving(prototype: Job, key: ArrivalKey, submit_s: float) -> Job:
    array_id = None if prototype.array_id is None else (*key[:2], prototype.array_id)
    return replace(prototype, key=key, submit_s=submit_s, array_id=array_id)


def _anew(job: Job) -> Job:
    return replace(
        job,
        eligible_s=None,
        age_from_s=None,
        run_s=None,
        array_throttle=None,
        dependencies=(),
        held=None,
        fixed_priority=None,
        start_s=None,
        allocation=(),
    )
