"""No method may answer from what came later: two pasts alike, two futures, one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pytest

from planner.backtest.answering import said, to_ask
from planner.backtest.asking import Answers, Round
from planner.backtest.known import Known, Method
from planner.backtest.methods import METHODS, SHIPPED
from planner.backtest.processes import ask
from planner.backtest.report import Said
from planner.backtest.walk import Walk
from planner.quantiles import Quantiles
from planner.traces.jobs import Asked, Trace, TraceJob
from tests.planner.trace_world import HOUR_S, MINUTE_S, outcome_after, random_job, random_trace

PARTITIONS = ("cpu", "gpu")
PAIRS = 12  # of random traces
TARGETS = 4  # looked at in each
JOBS = 120
LEARNING_JOBS = 180
LEARNING_PAIRS = 2

MethodOf = Callable[[Trace], Method]  # an honest one does not look at the trace


def with_another_future(
    past: Trace, target: int, rng: np.random.Generator, later: int = 20
) -> Trace:
    """The same trace up to the submission of the target; whatever happened afterwards differs.

    Other run times of jobs that run, other waits of those that wait, another outcome of the target,
    other jobs after it: some in its very second, in a partition never heard of.
    """
    now_s = past.jobs[target].asked.submit_s
    known = [_continued(job, now_s, rng) for job in past.jobs[:target]]
    own = outcome_after(rng, past.jobs[target].asked, now_s)
    submit_s = now_s + np.sort(rng.integers(0, 5, later)) * MINUTE_S
    news = [
        random_job(rng, f"new-{number}", float(at), (*PARTITIONS, "new"))
        for number, at in enumerate(submit_s)
    ]
    return replace(past, jobs=(*known, own, *news))


def _continued(job: TraceJob, now_s: float, rng: np.random.Generator) -> TraceJob:
    asked, just_later_s = job.asked, now_s + MINUTE_S
    if job.wait_s is None or asked.submit_s + job.wait_s > now_s:
        left_s = job.cancelled_wait_s
        if left_s is not None and asked.submit_s + left_s <= now_s:
            return job
        return outcome_after(rng, asked, just_later_s)
    start_s = asked.submit_s + job.wait_s
    if job.run_s is not None and start_s + job.run_s <= now_s:
        return job
    still_s = float(rng.integers(1, 300)) * MINUTE_S
    return replace(job, run_s=None if rng.random() < 0.2 else now_s - start_s + still_s)


def pairs() -> Iterator[tuple[Trace, Trace, int]]:
    for seed in range(PAIRS):
        rng = np.random.default_rng([20261123, seed])
        partitions = PARTITIONS[: 1 + seed % 2]
        past = random_trace(rng, JOBS, partitions=partitions, processors=[None, 16][seed % 2])
        for target in rng.integers(JOBS // 3, JOBS, TARGETS):
            yield past, with_another_future(past, int(target), rng), int(target)


def answers(method_of: MethodOf, trace: Trace, target: int) -> Answers:
    return Round(trace, {"asked": method_of(trace)}).ask([target])[0]


def is_caught(method_of: MethodOf) -> bool:
    """Whether some answer differs, in any bit, though nothing known by then does."""
    return any(
        answers(method_of, one, target) != answers(method_of, other, target)
        for one, other, target in pairs()
    )


@pytest.mark.parametrize("name", METHODS)
def test_it_answers_the_same_whatever_the_future_brings(name: str) -> None:
    assert not is_caught(lambda _: METHODS[name])


@pytest.mark.parametrize("name", METHODS)
def test_it_is_asked_so_often_that_it_does_answer(name: str) -> None:
    answered = [
        answers(lambda _: METHODS[name], one, target).said["asked"] for one, _, target in pairs()
    ]
    assert sum(each is not None for each in answered) > len(answered) / 2


def learners() -> Iterator[tuple[Trace, Trace, list[int]]]:
    """Long enough that forests have been grown before the last targets."""
    for seed in range(LEARNING_PAIRS):
        rng = np.random.default_rng([20261127, seed])
        past = random_trace(rng, LEARNING_JOBS, partitions=PARTITIONS[: 1 + seed])
        targets = [LEARNING_JOBS // 2, LEARNING_JOBS - 30, LEARNING_JOBS - 29]
        yield past, with_another_future(past, targets[-1], rng), targets


def learnt(trace: Trace, targets: list[int]) -> Said:
    asked = list(to_ask(trace, [SHIPPED], targets))
    answered = list(chain.from_iterable(ask(trace, [SHIPPED], asked, 1)))
    return said(trace, [SHIPPED], targets, answered, seed=1, processes=1)


def test_whoever_learns_from_earlier_jobs_learns_nothing_of_later_ones() -> None:
    for one, other, targets in learners():
        mine, theirs = learnt(one, targets).layers, learnt(other, targets).layers
        last = {name: each[-1] for name, each in mine.items()}
        assert last == {name: each[-1] for name, each in theirs.items()}
        assert last["hybrid"] != last["ensemble"]  # it has learnt by then
        assert last["hybrid"] != last["hybrid_calibrated"]


@dataclass(frozen=True)
class Leaky:
    """Keeps the whole trace, which no method is given."""

    trace: Trace
    peek: Callable[[Trace, Asked, Known], float | None]

    def forecast(self, target: Asked, known: Known) -> Quantiles | None:
        found = self.peek(self.trace, target, known)
        return None if found is None else Quantiles.point(found)


def the_true_wait(trace: Trace, target: Asked, _: Known) -> float | None:
    return next(job.wait_s for job in trace.jobs if job.asked.job_id == target.job_id)


def the_true_end_of_a_running_job(trace: Trace, _: Asked, known: Known) -> float:
    run_s = {job.asked.job_id: job.run_s for job in trace.jobs}
    ends = [one.start_s + (run_s[one.asked.job_id] or HOUR_S) for one in known.running]
    return min(ends, default=known.now_s) - known.now_s


def run_times_of_jobs_that_end_later(trace: Trace, _: Asked, known: Known) -> float:
    started = [
        job
        for job in trace.jobs
        if job.wait_s is not None and job.asked.submit_s + job.wait_s <= known.now_s
    ]
    return float(np.mean([job.run_s for job in started if job.run_s is not None] or [0.0]))


def the_queue_an_hour_later(trace: Trace, target: Asked, _: Known) -> float:
    ahead_s = [job.asked.submit_s - target.submit_s for job in trace.jobs]
    return float(sum(0.0 < each_s <= HOUR_S for each_s in ahead_s))


def the_waits_of_the_pending(trace: Trace, _: Asked, known: Known) -> float:
    waiting = {one.job_id for one in known.pending}
    return float(sum(job.wait_s or 0.0 for job in trace.jobs if job.asked.job_id in waiting))


def later_jobs_of_the_same_second(trace: Trace, target: Asked, _: Known) -> float:
    return float(sum(job.asked.submit_s == target.submit_s for job in trace.jobs))


@pytest.mark.parametrize(
    "peek",
    [
        the_true_wait,
        the_true_end_of_a_running_job,
        run_times_of_jobs_that_end_later,
        the_queue_an_hour_later,
        the_waits_of_the_pending,
        later_jobs_of_the_same_second,
    ],
)
def test_one_that_knows_what_came_later_is_caught(
    peek: Callable[[Trace, Asked, Known], float | None],
) -> None:
    assert is_caught(lambda trace: Leaky(trace, peek))


def what_lies_behind_the_arrays(_: Trace, __: Asked, known: Known) -> float:
    total = 0.0
    for arrays in (known.waits, known.ended):
        for name in arrays.__slots__:
            behind = getattr(arrays, name).base
            total += float(np.nansum(behind[behind >= 0]))
    return total


def test_even_one_that_reads_the_memory_behind_the_arrays_finds_nothing_of_later() -> None:
    assert not is_caught(lambda trace: Leaky(trace, what_lies_behind_the_arrays))


def test_everything_known_is_the_same_before_two_futures() -> None:
    for one, other, target in pairs():
        mine, theirs = Walk(one).at(target), Walk(other).at(target)
        assert mine.pending == theirs.pending
        assert mine.running == theirs.running
        for part in ("waits", "ended"):
            for name in getattr(mine, part).__slots__:
                here, there = (
                    getattr(getattr(mine, part), name),
                    getattr(getattr(theirs, part), name),
                )
                np.testing.assert_array_equal(here, there)
        for partition in ("cpu", "gpu", "new"):
            assert mine.capacity(partition) == theirs.capacity(partition)
            assert mine.partition_code(partition) == theirs.partition_code(partition)


def test_the_two_futures_do_differ() -> None:
    for one, other, target in pairs():
        assert one.jobs[:target] != other.jobs[:target]
        assert one.jobs[target + 1 :] != other.jobs[target + 1 :]
