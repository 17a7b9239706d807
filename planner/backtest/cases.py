"""The jobs that were asked about, as columns: what a learner may look back on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.backtest.asking import Answers
from planner.calibration import Told
from planner.quantiles import Quantiles
from planner.traces.jobs import Trace

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

LEARNT_FROM = 6_000  # jobs, at most, besides the targets
FEWEST = 2_000
DEPTH = 200.0  # jobs that a job meets in its partition, with which still so many are asked about


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """In the order of the trace. What came of a case may be looked at from a later case only,
    and only as far as it had happened by then: that is what ``told`` and ``started`` are for."""

    submit_s: FloatArray
    waited_s: FloatArray  # until the start or a cancellation; inf: waits at the end of the trace
    is_cancelled: BoolArray
    partition: IntArray
    group: IntArray  # that is calibrated together: partition, and whether a queue was met
    said_s: Mapping[str, FloatArray]  # (3, cases) by method; nan: not said
    features: FloatArray  # (cases, features)
    names: tuple[str, ...]  # of the features

    @classmethod
    def of(cls, trace: Trace, asked: Sequence[int], answers: Sequence[Answers]) -> Cases:
        """``asked``: rising indices of the trace's jobs, answered with their features."""
        jobs = [trace.jobs[place] for place in asked]
        waited_s = [job.cancelled_wait_s if job.wait_s is None else job.wait_s for job in jobs]
        codes: dict[str, int] = {}
        partition = np.array(
            [codes.setdefault(job.asked.partition, len(codes)) for job in jobs], dtype=np.int64
        )
        expects_queue = np.array([answer.expects_queue for answer in answers], dtype=np.int64)
        rows = [answer.features or {} for answer in answers]
        return cls(
            submit_s=np.array([job.asked.submit_s for job in jobs], dtype=np.float64),
            waited_s=np.array([np.inf if each is None else each for each in waited_s]),
            is_cancelled=np.array([job.wait_s is None for job in jobs]),
            partition=partition,
            group=2 * partition + expects_queue,
            said_s={
                name: as_columns([answer.said[name] for answer in answers])
                for name in answers[0].said
            },
            features=np.array([list(row.values()) for row in rows]),
            names=tuple(rows[0]),
        )

    def __len__(self) -> int:
        return int(self.submit_s.size)

    def started(self, case: int) -> IntArray:
        """Earlier cases that had started by the submission of this one."""
        start_s = np.where(self.is_cancelled, np.inf, self.submit_s + self.waited_s)[:case]
        return np.flatnonzero(start_s <= self.submit_s[case])

    def told(self, said_s: FloatArray, case: int) -> Told:
        """What had been said of earlier cases; as of the submission of this one, outcomes are."""
        return Told(
            issued_s=self.submit_s[:case],
            p10_s=said_s[0, :case],
            p50_s=said_s[1, :case],
            p90_s=said_s[2, :case],
            waited_s=self.waited_s[:case],
            is_censored=self.is_cancelled[:case],
            group=self.group[:case],
        ).as_of(float(self.submit_s[case]))


def learnt_from(trace: Trace, targets: Sequence[int]) -> list[int]:
    """Targets and jobs before, between and among them, evenly spaced: rising indices.

    Chosen by their place, never by what came of them; fewer where queues had been deep before the
    first target, since to ask about a job takes as long as the queue before it is deep.
    """
    share = min(1.0, DEPTH / max(1.0, _depth(trace, targets[0])))
    most = max(FEWEST, round(LEARNT_FROM * share))
    spaced = np.linspace(0, targets[-1], min(most, targets[-1] + 1)).round()
    return sorted({*spaced.astype(np.int64).tolist(), *targets})


def _depth(trace: Trace, target: int) -> float:
    """Jobs that a job met in its partition on average, waiting or running, before the target: by
    Little's law the time that jobs spent there, over the time it took."""
    now_s, first_s = (trace.jobs[place].asked.submit_s for place in (target, 0))
    spent_s: dict[str, float] = defaultdict(float)
    jobs: dict[str, int] = defaultdict(int)
    for job in trace.jobs[:target]:
        if job.wait_s is not None:
            age_s = now_s - job.asked.submit_s
            run_s = np.inf if job.run_s is None else job.run_s
            spent_s[job.asked.partition] += min(age_s, job.wait_s + run_s)
            jobs[job.asked.partition] += 1
    met_s = sum(jobs[partition] * spent_s[partition] for partition in spent_s)
    return met_s / max(1.0, sum(jobs.values())) / max(1.0, now_s - first_s)


def as_columns(said: Sequence[Quantiles | None]) -> FloatArray:
    """(3, n): p10, p50, p90; nan: not said."""
    unsaid = Quantiles(None, None, None)
    rows = [(each.p10_s, each.p50_s, each.p90_s) for each in (one or unsaid for one in said)]
    return np.array(rows, dtype=np.float64).reshape(len(said), 3).T


def as_quantiles(said_s: FloatArray) -> list[Quantiles | None]:
    """Of (3, n); None where the middle is not said."""
    return [None if np.isnan(column[1]) else Quantiles(*map(float, column)) for column in said_s.T]
