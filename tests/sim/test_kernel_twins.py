"""The compiled search against the plain one: the same starts, nodes and holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.sim.cluster import BoolArray, IntArray, Nodes, Partition, Qos, Reservation, World
from planner.sim.config import SchedulerConfig
from planner.sim.engine import Simulation
from planner.sim.holds import Holds
from planner.sim.jobs import Job
from planner.sim.search import PlainSearch
from planner.sim.views import RunningJob
from tests.sim.strategies import worlds
from tests.sim.worlds import FINE

pytest.importorskip("numba", reason="the compiled form is not there without numba")

from planner.sim.kernel import holds as compiled_holds
from planner.sim.kernel import rows as compiled_rows
from planner.sim.kernel.joining import join
from planner.sim.kernel.places import CompiledPlaces
from planner.sim.kernel.search import CompiledSearch
from planner.sim.kernel.words import set_of_words, words_of

NODES = 70  # more than a word
MASKS = st.integers(0, 2**NODES - 1)
SPANS = st.tuples(st.integers(0, 20), st.integers(1, 10)).map(lambda s: (s[0], s[0] + s[1]))
CONFIGS = st.builds(
    SchedulerConfig,
    main_min_delay_s=st.just(0.0),
    bf_resolution_s=st.sampled_from([1.0, 60.0]),
    bf_window_s=st.sampled_from([500.0, 86400.0]),
    bf_window_linear_s=st.sampled_from([0.0, 20.0]),
    plan_to_window_end=st.booleans(),
    hold_to_slot_end=st.booleans(),
)
quick = settings(max_examples=60, deadline=None)


def _busy_world(rng: np.random.Generator) -> World:
    """Whole nodes, shared ones and GPUs; more jobs than have room."""
    count = 150
    place = np.arange(count)
    of = Nodes(
        names=tuple(f"n{i}" for i in range(count)),
        cpus=rng.choice([8, 16], count),
        mem_mib=rng.choice([1000, 2000], count),
        gpu_types=("x", "y"),
        gpus=rng.integers(0, 3, (count, 2)),
        weight=np.sort(rng.integers(1, 4, count)),
        features=(frozenset[str](),) * count,
        usable_now=place != 77,
        usable_in_plan=place != 78,
    )
    partitions = (
        Partition("whole", place < 100, exclusive=True),
        Partition("shared", place >= 70),
    )
    jobs = []
    for key in range(400):
        nodes = int(rng.integers(1, 9))
        cpus = int(rng.choice([1, 1, 2, 4]))
        limit_s = float(rng.integers(1, 4000))
        jobs.append(
            Job(
                key=key,
                user=f"u{rng.integers(5)}",
                account="a",
                partitions=("whole",) if rng.random() < 0.5 else ("shared",),
                submit_s=float(rng.integers(-100, 4000)) if key > 150 else -float(key),
                limit_s=limit_s,
                run_s=float(rng.integers(1, int(limit_s) + 1)),
                nodes=nodes if rng.random() < 0.7 else None,
                tasks=nodes * int(rng.integers(1, 5)),
                cpus_per_task=cpus,
                tasks_per_node=int(rng.integers(4, 9)) if rng.random() < 0.3 else None,
                mem_mib_per_cpu=int(rng.choice([0, 50, 100])),
                gpus_per_node={"x": 1} if rng.random() < 0.1 else {},
                gpus_per_job={"": nodes} if rng.random() < 0.1 else {},
                required_nodes=("n75",) if rng.random() < 0.05 else (),
                array_id=f"array {key % 3}" if rng.random() < 0.1 else None,
            )
        )
    config = replace(FINE, bf_resolution_s=60.0)
    return World(nodes=of, partitions=partitions, jobs=tuple(jobs), config=config)


def _limited_world(rng: np.random.Generator) -> World:
    """Limits that starts use up, throttled arrays, and jobs that go wherever they start first."""
    busy = _busy_world(rng)
    jobs = []
    for one in busy.jobs:
        more: dict[str, Any] = {"qos": "few"} if rng.random() < 0.7 else {}
        if one.array_id is not None:
            more["array_throttle"] = 2
        if rng.random() < 0.3:
            more["partitions"] = ("shared", "whole")
        jobs.append(replace(one, **more))
    few = Qos("few", 1, max_jobs_per_user=6, max_tres_per_user={"node": 20}, grp_tres={"cpu": 900})
    return replace(busy, jobs=tuple(jobs), qos=(few,))


@quick
@given(worlds(), CONFIGS, st.lists(st.tuples(SPANS, st.integers(1, 15)), max_size=2))
def test_every_job_of_a_cycle_is_planned_alike(
    of: World, config: SchedulerConfig, reserved: list[tuple[tuple[int, int], int]]
) -> None:
    count = len(of.nodes)
    reservations = tuple(
        Reservation(f"r{i}", _mask(nodes, count), 10.0 * begin_s, 20.0 * end_s)
        for i, ((begin_s, end_s), nodes) in enumerate(reserved)
    )
    one = replace(of, config=config, reservations=reservations, origin_s=1_000_000_010.0)
    for until_s in (0.0, 130.0):
        _plan_alike(one, until_s)


@pytest.mark.parametrize("seed", range(6))
def test_plans_are_alike_on_many_nodes(seed: int) -> None:
    _plan_alike(_busy_world(np.random.default_rng(seed)), 0.0)


@pytest.mark.parametrize("made", [_busy_world, _limited_world])
@pytest.mark.parametrize("seed", range(3))
def test_starts_are_alike_in_a_long_run(
    seed: int, made: Callable[[np.random.Generator], World]
) -> None:
    of = made(np.random.default_rng(100 + seed))

    def starts(*, keeps_plan: bool) -> list[tuple[object, float, object]]:
        found: list[tuple[object, float, object]] = []

        def note(one: RunningJob) -> None:
            found.append((one.job.key, one.start_s, one.allocation))

        Simulation(of, on_start=note, keeps_plan=keeps_plan).run(20_000.0)
        return found

    # Nobody's plan is wanted: that is the compiled walk.
    assert starts(keeps_plan=False) == starts(keeps_plan=True)


@pytest.mark.parametrize("made", [_busy_world, _limited_world])
@pytest.mark.parametrize("seed", range(3))
def test_a_need_takes_the_same_of_what_is_free(
    seed: int, made: Callable[[np.random.Generator], World]
) -> None:
    rng = np.random.default_rng(300 + seed)
    simulation = Simulation(made(rng))
    fitted = 0
    for until_s in (0.0, 900.0, 2500.0):
        simulation.run(until_s)
        state = simulation._state
        compiled = CompiledPlaces(state)
        everywhere = (1 << len(state.nodes)) - 1
        for record in simulation._queue.in_order():
            some = everywhere & ~int.from_bytes(rng.bytes(4), "little")
            for allowed in (everywhere, some):
                # Of a picture of the state, lest one form knows what the other found not to fit.
                expected = state.without(()).place(record.need, allowed)
                found = compiled.place(record.need, allowed)
                assert (found is None) == (expected is None)
                if found is not None and expected is not None:
                    fitted += 1
                    for column in ("nodes", "cpus", "mem_mib", "gpus"):
                        given = getattr(found, column).tolist()
                        assert given == getattr(expected, column).tolist()
    assert fitted > 50


@pytest.mark.parametrize("seed", range(6))
def test_a_job_that_joins_the_rows_leaves_them_as_if_it_had_been_there(seed: int) -> None:
    rng = np.random.default_rng(200 + seed)
    held: list[tuple[float, IntArray]] = []
    for _ in range(40):
        nodes = np.sort(rng.choice(NODES, int(rng.integers(1, 6)), replace=False))
        held.append((float(rng.integers(1, 30)), nodes))
    joined = _rows_of(held[:20])
    for over_s, nodes in held[20:]:
        assert join(joined, over_s, nodes, nodes + 1, nodes + 2, _gpus(nodes))
    expected = _rows_of(held)
    count, entries = len(held), int(expected.first[-1])
    assert joined.ends[0] == count
    assert (joined.first == expected.first).all()
    for name in ("ends_s", "on", "on_first", "on_after", "idle_by"):
        rows = count + (name == "idle_by")
        assert (getattr(joined, name)[:rows] == getattr(expected, name)[:rows]).all()
    for name in ("row", "given_cpus", "given_mem_mib", "given_gpus"):
        assert (getattr(joined, name)[:entries] == getattr(expected, name)[:entries]).all()


def _rows_of(held: list[tuple[float, IntArray]]) -> compiled_rows.Rows:
    nodes = np.concatenate([of for _, of in held])
    begins = np.cumsum([0, *(len(of) for _, of in held)])
    ends_s = np.array([end_s for end_s, _ in held])
    arranged = compiled_rows.arrange(
        ends_s, begins, nodes, nodes + 1, nodes + 2, _gpus(nodes), NODES, 2
    )
    nothing = np.zeros(NODES, dtype=np.int64)
    return compiled_rows.Rows(
        0.0,
        0.0,
        0.0,
        nothing,
        nothing,
        _gpus(nothing),
        np.zeros((1, NODES), dtype=np.int64),
        np.zeros((1, 2), dtype=np.uint64),
        np.array([len(held)]),
        *arranged,
    )


def _gpus(nodes: IntArray) -> IntArray:
    return np.stack([nodes % 3, nodes % 5], axis=1)


@quick
@given(st.lists(st.tuples(SPANS, MASKS), max_size=8), SPANS, MASKS)
def test_holds_are_alike(
    held: list[tuple[tuple[int, int], int]], span: tuple[int, int], asked: int
) -> None:
    plain, table = Holds(0.0), compiled_holds.table_for(32, 2)
    compiled_holds.clear(table, 0.0)
    for (start_s, end_s), nodes in held:
        plain.hold(float(start_s), float(end_s), nodes)
        compiled_holds.hold(table, words_of(nodes, 2), float(start_s), float(end_s))
    start_s, end_s = (float(at_s) for at_s in span)
    out = np.zeros(2, dtype=np.uint64)
    retry_s = compiled_holds.free(table, words_of(asked, 2), start_s, end_s, out)
    free, plain_retry_s = plain.free(asked, start_s, end_s)
    assert (set_of_words(out), retry_s) == (
        free,
        np.inf if plain_retry_s is None else plain_retry_s,
    )
    is_free = compiled_holds.all_free(table, words_of(asked, 2), start_s, end_s)
    assert is_free == plain.all_free(asked, start_s, end_s)


@quick
@given(st.integers(1, 12), st.integers(1, 6))
def test_a_table_of_holds_keeps_them_as_it_grows(count: int, more: int) -> None:
    table = compiled_holds.table_for(26, 2)
    compiled_holds.clear(table, 0.0)
    for place in range(count):
        compiled_holds.hold(table, words_of(1 << place, 2), 10.0 * place, 10.0 * place + 5)
    larger = compiled_holds.extended(table, 20 * more)
    out, again = np.zeros(2, dtype=np.uint64), np.zeros(2, dtype=np.uint64)
    everything = words_of(2**NODES - 1, 2)
    compiled_holds.free(table, everything, 0.0, 55.0, out)
    compiled_holds.free(larger, everything, 0.0, 55.0, again)
    assert (out == again).all()
    assert larger.edges_s.size >= int(table.segments[0]) + 20 * more


def _plan_alike(of: World, until_s: float) -> None:
    simulation = Simulation(of)
    simulation.run(until_s)
    state, now_s = simulation._state, simulation.now_s
    plain, compiled = PlainSearch(state, now_s), CompiledSearch(state, now_s)
    for record in simulation._queue.in_order():
        if record.never:
            continue
        assert compiled.open_now(record) == plain.open_now(record)
        expected, found = plain.plan(record), compiled.plan(record)
        if expected is None or found is None:
            assert expected is found
            continue
        assert found[0].start_s == expected[0].start_s
        assert found[0].nodes.tolist() == expected[0].nodes.tolist()
        assert found[1] == expected[1]


def _mask(nodes: int, count: int) -> BoolArray:
    return np.array([bool(nodes >> place & 1) for place in range(count)])
