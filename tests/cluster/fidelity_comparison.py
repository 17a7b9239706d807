"""Recorded runs of one scene beside the model: the starts of the same jobs, run by run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from tests.cluster.fidelity_replay import Known, Run, starts_of
from tests.cluster.fidelity_scores import Apart, Floats, Ints, Primary, primary

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Comparison:
    """``jobs`` are those that started in each run and in the model of each; the arrays are runs x
    jobs, in seconds from the begin of the run."""

    runs: Sequence[Run]
    jobs: Sequence[Known]
    missing: Sequence[str]  # what one side did not start
    submits_s: Floats
    slurm_s: Floats
    measured_s: Floats  # the model, from what accounting measured in the same run
    meant_s: Floats  # the model, from what the scene says

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Comparison:
        slurm = {
            f"Slurm in {run.name}": {known: one.start_s for known, one in run.seen.items()}
            for run in runs
        }
        measured = {f"model of {run.name}": starts_of(run, run.as_measured()) for run in runs}
        meant = {f"model as meant {run.name}": starts_of(run, run.as_meant()) for run in runs}
        sides = slurm | measured | meant
        every = set.union(*(set(starts) for starts in sides.values()))
        jobs = sorted(known for known in every if all(known in of for of in sides.values()))
        missing = [
            f"{side}: {', '.join(map(str, sorted(every - starts.keys())))}"
            for side, starts in sides.items()
            if every - starts.keys()
        ]
        return cls(
            runs,
            jobs,
            missing,
            np.array([[run.seen[known].submit_s for known in jobs] for run in runs]),
            *(_table(starts, jobs) for starts in (slurm, measured, meant)),
        )

    @property
    def waits_s(self) -> Floats:
        """Of Slurm."""
        return self.slurm_s - self.submits_s

    @property
    def waited(self) -> Mask:
        """In some run, for a backfill interval or more."""
        waited: Mask = (self.waits_s >= self.runs[0].interval_s).any(axis=0)
        return waited

    @property
    def group(self) -> Ints:
        """The submission that each job came with."""
        return np.array([known.place for known in self.jobs], dtype=np.int64)

    def mask(self, of: Callable[[Known], bool]) -> Mask:
        return np.array([of(known) for known in self.jobs], dtype=np.bool_)

    def between_runs(self, rows: Mask | None = None) -> list[Apart]:
        """Slurm against itself: every pair of runs."""
        take = slice(None) if rows is None else rows
        return [
            Apart(
                f"{self.runs[i].name} and {self.runs[j].name}",
                (self.submits_s[i, take], self.submits_s[j, take]),
                (self.slurm_s[i, take], self.slurm_s[j, take]),
            )
            for i, j in combinations(range(len(self.runs)), 2)
        ]

    def of_model(self, starts_s: Floats, rows: Mask | None = None) -> list[Apart]:
        """The model against each run."""
        take = slice(None) if rows is None else rows
        return [
            Apart(
                f"model and {run.name}",
                (self.submits_s[i, take], self.submits_s[i, take]),
                (starts_s[i, take], self.slurm_s[i, take]),
            )
            for i, run in enumerate(self.runs)
        ]

    def primary(self, starts_s: Floats, rows: Mask | None = None) -> Primary:
        group = self.group if rows is None else self.group[rows]
        ours, theirs = self.of_model(starts_s, rows), self.between_runs(rows)
        return primary(ours, theirs, group, np.random.default_rng(0))


def _table(starts: Mapping[str, Mapping[Known, float]], jobs: Sequence[Known]) -> Floats:
    return np.array([[of[known] for known in jobs] for of in starts.values()])
