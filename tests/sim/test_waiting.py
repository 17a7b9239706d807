"""The first of a queue that fits, against a look at all of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.sim.waiting import Waiting

EST_S = np.array([50.0, 20.0, 20.0, 90.0, 10.0])
PROCS = [4, 2, 4, 2, 4]


def all_of(procs: list[int], est_s: np.ndarray) -> Waiting:
    waiting = Waiting(procs, est_s)
    for job in range(len(procs)):
        waiting.join(job)
    return waiting


@pytest.mark.parametrize(
    ("free", "extra", "until_s", "first"),
    [
        (4, 4, 0.0, 0),  # any may run for ever
        (4, 2, 0.0, 1),  # those of two processors may
        (4, 0, 20.0, 1),
        (4, 0, 10.0, 4),
        (4, 0, 9.0, None),
        (1, 1, 99.0, None),
    ],
)
def test_the_first_is_small_enough_or_short_enough(
    free: int, extra: int, until_s: float, first: int | None
) -> None:
    assert all_of(PROCS, EST_S).first(free, extra, 0.0, until_s) == first


def test_who_left_is_not_found() -> None:
    waiting = all_of(PROCS, EST_S)
    found = []
    while (job := waiting.first(4, 4, 0.0, 0.0)) is not None:
        waiting.leave(job)
        found.append(job)
    assert found == [0, 1, 2, 3, 4]


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_joins_leaves_and_looks_in_any_order_find_what_a_look_at_all_finds(
    data: st.DataObject,
) -> None:
    jobs = data.draw(st.integers(1, 40))
    procs = data.draw(st.lists(st.integers(1, 3), min_size=jobs, max_size=jobs))
    est_s = np.array(data.draw(st.lists(st.integers(0, 9), min_size=jobs, max_size=jobs)), float)
    waiting, there = Waiting(procs, est_s), []
    for job in range(jobs):
        waiting.join(job)
        there.append(job)
        for gone in data.draw(st.lists(st.sampled_from(there), max_size=2, unique=True)):
            waiting.leave(gone)
            there.remove(gone)
        if not there:
            break
        free, extra = data.draw(st.integers(0, 4)), data.draw(st.integers(-1, 4))
        until_s = data.draw(st.integers(-1, 10))
        fits = [
            job
            for job in there
            if procs[job] <= free and (procs[job] <= extra or est_s[job] <= until_s)
        ]
        assert waiting.first(free, extra, 0.0, float(until_s)) == min(fits, default=None)


def test_many_alike_are_no_long_way_down() -> None:
    jobs = 20_000  # a tree that is a list would take minutes
    waiting = all_of([1] * jobs, np.full(jobs, 60.0))
    for job in range(jobs):
        assert waiting.first(1, 0, 0.0, 60.0) == job
        waiting.leave(job)
