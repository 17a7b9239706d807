"""Random workloads on one pool against the slow, obvious way to schedule them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.sim.pool import FloatArray, IntArray, Policy, Workload, starts_s

PROCESSORS = 8
POLICIES: tuple[Policy, ...] = ("fcfs", "easy")
thorough = settings(max_examples=150, deadline=None)


@st.composite
def workloads(draw: st.DrawFn, *, exact: bool = False, running: bool = True) -> Workload:
    """Small integers, so that much happens at the same instant."""
    count = draw(st.integers(1, 14))

    def column(low: int, high: int) -> IntArray:
        values = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
        return np.array(values, dtype=np.int64)

    run_s = column(1 if exact else 0, 9).astype(float)
    # Most end early, some outlive their estimate.
    est_s = run_s.copy() if exact else np.maximum(0.0, run_s + column(-2, 9))
    start_s = None
    if running:
        start_s = np.where(column(0, 3) == 0, -column(0, 9).astype(float), np.nan)
    return Workload(column(0, 12).astype(float), column(1, PROCESSORS), est_s, run_s, start_s)


def slow_starts_s(work: Workload, processors: int, policy: Policy) -> FloatArray:
    """The same schedule by looking at every job again at every instant."""
    start_s = np.full(len(work.submit_s), np.nan) if work.start_s is None else work.start_s.copy()
    queue = sorted(np.flatnonzero(np.isnan(start_s)), key=lambda job: work.submit_s[job])
    origin_s = min((work.submit_s[job] for job in queue), default=0.0)
    end_s = np.maximum(start_s + work.run_s, origin_s)
    instants = {*work.submit_s[queue].tolist(), *end_s[~np.isnan(end_s)].tolist()}
    while instants:
        now_s = min(instants)
        instants.remove(now_s)
        waiting = [job for job in queue if np.isnan(start_s[job]) and work.submit_s[job] <= now_s]
        expected_s = {
            int(job): start_s[job] + work.est_s[job]
            for job in np.flatnonzero((start_s <= now_s) & (now_s < end_s))
        }
        for job in slow_pass(work, policy, now_s, waiting, Using(work, processors, expected_s)):
            start_s[job] = now_s
            end_s[job] = now_s + work.run_s[job]
            instants.add(float(end_s[job]))
    return start_s


@dataclass
class Using:
    """Running jobs, and when each is expected to end."""

    work: Workload
    processors: int
    expected_s: dict[int, float]

    def free(self, by_s: float = -np.inf) -> int:
        """Processors free by then, those of now included, if nothing else starts."""
        held = [self.work.procs[job] for job, end_s in self.expected_s.items() if end_s > by_s]
        return self.processors - int(sum(held))


def slow_pass(
    work: Workload, policy: Policy, now_s: float, waiting: list[int], using: Using
) -> list[int]:
    """Jobs to start now."""
    begun: list[int] = []
    while waiting and work.procs[waiting[0]] <= using.free():
        using.expected_s[waiting[0]] = now_s + work.est_s[waiting[0]]
        begun.append(waiting.pop(0))
    if policy == "easy" and waiting:
        head, *others = waiting
        ends_s = using.expected_s.values()
        shadow_s = min(end_s for end_s in ends_s if using.free(end_s) >= work.procs[head])
        extra = using.free(shadow_s) - work.procs[head]
        for job in others:
            end_s = now_s + work.est_s[job]
            if work.procs[job] <= using.free() and (end_s <= shadow_s or work.procs[job] <= extra):
                using.expected_s[job] = end_s
                begun.append(job)
                extra -= work.procs[job] if end_s > shadow_s else 0
    return begun


@pytest.mark.parametrize("policy", POLICIES)
@given(work=workloads())
@thorough
def test_the_schedule_is_that_of_the_slow_way(policy: Policy, work: Workload) -> None:
    found_s = starts_s(work, PROCESSORS * 2, policy)
    np.testing.assert_array_equal(found_s, slow_starts_s(work, PROCESSORS * 2, policy))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_long_queue_is_scheduled_as_a_short_one(policy: Policy) -> None:
    rng = np.random.default_rng(8)
    count = 700
    run_s = rng.integers(1, 60, count).astype(float)
    work = Workload(
        submit_s=rng.integers(0, 40, count).astype(float),
        procs=rng.integers(1, PROCESSORS + 1, count),
        est_s=run_s * rng.integers(1, 5, count),
        run_s=run_s,
    )
    found_s = starts_s(work, 2 * PROCESSORS, policy)
    np.testing.assert_array_equal(found_s, slow_starts_s(work, 2 * PROCESSORS, policy))


def at_each_instant(work: Workload, start_s: FloatArray) -> Iterator[tuple[float, int]]:
    """(instant, processors in use once it is over) wherever a job starts or ends."""
    end_s = start_s + work.run_s
    for now_s in sorted({*start_s.tolist(), *end_s.tolist()}):
        yield now_s, int(work.procs[(start_s <= now_s) & (now_s < end_s)].sum())


@pytest.mark.parametrize("policy", POLICIES)
@given(work=workloads(running=False))
@thorough
def test_every_job_starts_after_its_submission_and_none_without_room(
    policy: Policy, work: Workload
) -> None:
    start_s = starts_s(work, PROCESSORS, policy)
    assert (start_s >= work.submit_s).all()
    assert all(in_use <= PROCESSORS for _, in_use in at_each_instant(work, start_s))


@pytest.mark.parametrize("policy", POLICIES)
@given(work=workloads(running=False))
@thorough
def test_the_first_that_waits_never_has_room(policy: Policy, work: Workload) -> None:
    start_s = starts_s(work, PROCESSORS, policy)
    order = np.argsort(work.submit_s, kind="stable")
    for now_s, in_use in at_each_instant(work, start_s):
        waiting = [job for job in order if work.submit_s[job] <= now_s < start_s[job]]
        assert not waiting or work.procs[waiting[0]] > PROCESSORS - in_use


@given(work=workloads(exact=True, running=False))
@thorough
def test_nobody_delays_the_first_that_waits_if_estimates_are_exact(work: Workload) -> None:
    """It starts as soon as there is room beside the jobs before it in the queue and those that
    had started out of turn before it came to be the first. Jobs of no duration are left out: they
    end within their instant, which then has two passes, and between them another may be first.
    """
    start_s = starts_s(work, PROCESSORS, "easy")
    end_s = start_s + work.run_s
    order = np.argsort(work.submit_s, kind="stable")
    for place, job in enumerate(order):
        before = order[:place]
        first_s = max(work.submit_s[job], *start_s[before], -np.inf)
        others = np.concatenate((before, [k for k in order[place + 1 :] if start_s[k] < first_s]))
        ends_s = [first_s, *(end_s[k] for k in others.astype(int) if end_s[k] > first_s)]
        promised_s = min(
            when_s
            for when_s in ends_s
            if work.procs[[k for k in others.astype(int) if end_s[k] > when_s]].sum()
            <= PROCESSORS - work.procs[job]
        )
        assert start_s[job] <= max(promised_s, first_s)


@pytest.mark.parametrize("policy", POLICIES)
@given(work=workloads(), data=st.data())
@thorough
def test_stopping_early_tells_the_same_starts(
    policy: Policy, work: Workload, data: st.DataObject
) -> None:
    whole_s = starts_s(work, PROCESSORS * 2, policy)
    waiting = np.flatnonzero(
        np.ones(len(whole_s)) if work.start_s is None else np.isnan(work.start_s)
    )
    if waiting.size:
        until = data.draw(st.sampled_from(waiting.tolist()))
        found_s = starts_s(work, PROCESSORS * 2, policy, until=until)
        told = ~np.isnan(found_s)
        assert told[until]
        assert (found_s[told] == whole_s[told]).all()
        assert (whole_s[~told] >= whole_s[until]).all()
