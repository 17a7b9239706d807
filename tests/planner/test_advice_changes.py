"""What else to ask for: other limits and shapes, tried in the futures of the small world."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from planner.advice import Advice, Change, Option, smallest
from planner.advice.gains import Gain
from planner.advice.runs import OwnRun
from planner.advice.shapes import limits, shapes
from planner.asking.request import Request
from planner.ensemble import Past
from planner.quantiles import Quantiles
from planner.snapshot import Facts
from tests.planner.advice_world import (
    CPU_JOB,
    DAY_MINUTES,
    GPU_JOB,
    HOUR_S,
    NOW,
    adviser_of,
    past_of,
    pending,
    running,
    small_facts,
)
from tracker.slurm import records as slurm

LONG_JOB = replace(CPU_JOB, partitions=("idle",), limit_minutes=DAY_MINUTES)


@pytest.fixture
def facts() -> Facts:
    """As the small world, with maintenance of the idle node in 10 h, for 20 h."""
    maintenance = slurm.Reservation(
        "maint", NOW + timedelta(hours=10), NOW + timedelta(hours=30), node_list="idle1"
    )
    return replace(small_facts(), reservations=(maintenance,))


def full(facts: Facts, request: Request, past: Past | None = None) -> Advice:
    adviser = adviser_of(facts, past, replicas=8, horizon_s=48 * HOUR_S)
    return adviser.full(adviser.first(request))


def in_idle_alone(facts: Facts) -> Facts:
    """Without the other partitions, so that nothing is better than a smaller request."""
    return replace(facts, queue=[], partitions=facts.partitions[-1:], nodes=facts.nodes[-1:])


def of_field(found: Advice, field: str) -> list[Change]:
    return [change for change in found.changes if change.field == field]


def test_a_limit_that_ends_before_maintenance_helps_and_nothing_smaller_does(facts: Facts) -> None:
    found = full(in_idle_alone(facts), LONG_JOB, past_of(facts))
    change = smallest(found.changes)
    assert (change.field, change.before, change.after) == ("limit_minutes", DAY_MINUTES, 600)
    assert change.option.start.p50_s == 0.0 and 0.0 <= change.p_killed < 0.1
    assert change.gain_of == "finish"
    assert change.gain_s == pytest.approx(30 * HOUR_S, abs=120)
    assert change.sentence.startswith("Ask for a limit of 10 h in place of 24 h: it ends 30 h")
    assert "--time=10:00:00" in change.as_json()["option"]["sbatch_args"]


def test_no_limit_is_advised_that_more_than_one_in_ten_runs_exceeds(facts: Facts) -> None:
    runs_s = [11 * HOUR_S] * 8 + [HOUR_S] * 32
    found = of_field(full(in_idle_alone(facts), LONG_JOB, past_of(facts, runs_s)), "limit_minutes")
    assert found and all(change.p_killed <= 0.105 for change in found)


def test_a_change_that_is_simulated_too_keeps_its_place_if_it_helps(facts: Facts) -> None:
    alone = in_idle_alone(facts)
    adviser = adviser_of(alone, past_of(alone), replicas=8, horizon_s=48 * HOUR_S)
    found = adviser.full(adviser.first(LONG_JOB))
    best = adviser.inserted(found.options[0], [range(8)], 48 * HOUR_S)
    checked = adviser.checked(found, best, lambda: [range(8)])
    change = smallest(checked.changes)
    assert (change.field, change.after, change.option.approximate) == ("limit_minutes", 600, False)
    assert change.gain_s == pytest.approx(30 * HOUR_S, abs=300)
    assert len(checked.changes) == len(found.changes)


def test_a_change_that_does_not_help_when_it_is_simulated_makes_way(facts: Facts) -> None:
    """As if the best were simulated to start at once: then nothing can start sooner."""
    alone = in_idle_alone(facts)
    adviser = adviser_of(alone, past_of(alone), replicas=8, horizon_s=48 * HOUR_S)
    found = adviser.full(adviser.first(LONG_JOB))
    at_once = Quantiles(0.0, 1800.0, 3600.0)
    best = replace(found.options[0], p50_s=0.0, finish=at_once, approximate=False)
    simulated = [
        change
        for change in adviser.checked(found, best, lambda: [range(4)]).changes
        if not change.option.approximate
    ]
    assert len(simulated) == 2 and not any(change.helps for change in simulated)
    again = adviser.full(replace(found, options=(best,)))
    assert not any(change.helps for change in again.changes)


def test_of_a_user_without_runs_nobody_knows_how_many_a_limit_would_kill(facts: Facts) -> None:
    found = full(in_idle_alone(facts), LONG_JOB, past_of(facts, [HOUR_S] * 9))
    change = smallest(found.changes)
    assert (change.after, change.p_killed, change.gain_of) == (600, None, "start")
    assert "too few of your runs are known" in change.sentence
    assert min(one.after for one in of_field(found, "limit_minutes")) == DAY_MINUTES // 4
    assert all(point.p_killed is None for point in found.walltime)


def test_another_partition_gives_up_nothing_and_is_the_smallest_change(facts: Facts) -> None:
    found = full(facts, replace(CPU_JOB, partitions=("slow",)), past_of(facts))
    change = smallest(found.changes)
    assert (change.field, change.before, change.after) == ("partition", "slow", "idle")
    assert change.option.partition == "idle" and change.helps
    assert change.gain_s >= HOUR_S


def test_half_the_gpus_fit_beside_a_job_that_holds_the_others() -> None:
    half = slurm.Tres(cpus=4, mem_mib=1000, nodes=1, gpus=2, gpus_by_type={"a100": 2})
    facts = small_facts()
    shared = replace(
        facts,
        queue=[running(1, "gpu1", 2, partitions=("gpu",), tres_alloc=half, cpus=4)],
        partitions=facts.partitions[:1],
        nodes=facts.nodes[:1],
    )
    found = full(shared, replace(GPU_JOB, gpus=4))
    (fewer,) = of_field(found, "gpus")  # twice as many are more than there are
    assert (fewer.before, fewer.after, fewer.helps) == (4, 2, True)
    assert fewer.option.start.p50_s == 0.0 and fewer.option.finish.p50_s is None
    assert fewer.option.request.cpus == 2 and fewer.option.request.mem_mib == 500
    assert fewer.gain_of == "start" and "if it runs on fewer GPUs" in fewer.sentence


def test_a_refused_request_gets_the_change_that_makes_it_allowed(facts: Facts) -> None:
    found = full(in_idle_alone(facts), replace(LONG_JOB, limit_minutes=3000))
    assert found.best is None and not found.walltime
    change = smallest(found.changes)
    assert (change.field, change.after, change.gain_s) == ("limit_minutes", DAY_MINUTES, None)
    assert "as asked it is refused" in change.sentence


def test_what_does_not_help_is_listed_behind_what_does(facts: Facts) -> None:
    found = full(in_idle_alone(facts), replace(LONG_JOB, mem_mib=2000), past_of(facts))
    helps = [change.helps for change in found.changes]
    assert helps == sorted(helps, reverse=True) and set(helps) == {True, False}
    gains = [change.gain_s for change in found.changes if change.helps]
    assert gains == sorted(gains, reverse=True)
    (less,) = of_field(found, "mem_mib")
    assert not less.helps and less.gain_s == 0.0


def test_a_start_beyond_the_horizon_is_explained_all_the_same(facts: Facts) -> None:
    """Two jobs come first, each for two days."""
    ahead = [
        pending(number, "gpu", priority=4_000_000_000 - number, limit_minutes=2 * DAY_MINUTES)
        for number in (3, 4)
    ]
    crowded = replace(facts, queue=[*facts.queue, *ahead], partitions=facts.partitions[:1])
    adviser = adviser_of(crowded)
    found = adviser.full(adviser.first(replace(GPU_JOB, limit_minutes=180)))
    assert found.options[0].later_than_horizon == ("p50",) and found.best is None
    assert found.why.standing.ahead == 2


def test_what_starts_before_the_horizon_is_at_least_so_much_sooner_than_what_does_not() -> None:
    late = Option("gpu", GPU_JOB, 60, None, later_than_horizon=("p50", "p90"))
    early = Option("gpu", GPU_JOB, 60, None, p50_s=HOUR_S)
    gain = Gain.of(late, early, "start", horizon_s=24 * HOUR_S)
    assert (gain.gain_s, gain.helps) == (23 * HOUR_S, True)
    assert gain.words == "it starts at least 23 h sooner"


@pytest.mark.parametrize(
    ("gain_s", "wait_s", "helps"),
    [(599.0, 600.0, False), (600.0, 3600.0, True), (3599.0, 36_000.0, False)],
)
def test_a_change_helps_from_ten_minutes_and_a_tenth_of_the_wait_on(
    gain_s: float, wait_s: float, helps: bool
) -> None:
    before, after = (
        Option("gpu", GPU_JOB, 60, None, p50_s=at_s) for at_s in (wait_s, wait_s - gain_s)
    )
    assert Gain.of(before, after, "start", horizon_s=24 * HOUR_S).helps is helps


def test_what_a_limit_loses_by_the_runs_it_kills_must_be_gained_first() -> None:
    before, after = (Option("gpu", GPU_JOB, 60, None, p50_s=at_s) for at_s in (HOUR_S, 0.0))
    gains = [
        Gain.of(before, after, "start", 24 * HOUR_S, lost_s=lost_s) for lost_s in (0.0, 3100.0)
    ]
    assert [gain.helps for gain in gains] == [True, False]
    assert {gain.gain_s for gain in gains} == {HOUR_S}


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"gpus": 4, "gpu_type": "a100", "cpus": 8}, "gpus", {2: {"cpus": 4}, 8: {"cpus": 16}}),
        ({"gpus": 4, "ntasks": 4}, "gpus", {2: {"ntasks": 2}, 8: {"ntasks": 8}}),
        (
            {"gpus": 8, "nodes": 2, "ntasks": 2},
            "gpus",
            {4: {"nodes": 1, "ntasks": 1}, 16: {"nodes": 4, "ntasks": 4}},
        ),
        ({"nodes": 2, "ntasks": 8}, "nodes", {1: {"ntasks": 8}, 4: {"ntasks": 8}}),
        ({"cpus": 5}, "cpus", {3: {}}),
        ({"mem_mib": 4000}, "mem_mib", {2000: {}}),
    ],
)
def test_what_goes_along_with_a_change_keeps_the_proportions(
    changes: dict, field: str, expected: dict
) -> None:
    request = replace(Request(user="alice"), **changes)
    tried = {shape.after: shape.request for shape in shapes(request) if shape.field == field}
    assert tried.keys() == expected.keys()
    for after, others in expected.items():
        assert tried[after] == replace(request, **{field: after}, **others)


def test_every_shape_is_one_that_sbatch_takes() -> None:
    """Tasks fill the nodes, and GPUs spread evenly where they are asked for by node."""
    for nodes in (1, 2, 3, 4, 6):
        for tasks in (nodes, 2 * nodes, 4 * nodes):
            for per_node in (0, 1, 2, 3):
                request = Request(
                    nodes=nodes, ntasks=tasks, gpus=nodes * per_node, gpus_option="gpus-per-node",
                    cpus=3, mem_mib=1001,
                )  # fmt: skip
                for shape in shapes(request):
                    other = shape.request
                    assert other.ntasks >= other.nodes >= 1 and other.gpus % other.nodes == 0
                    assert other.cpus >= 1 and other.mem_mib >= 1
                    assert shape.before != shape.after and shape.size > 0


def own_run(*runs_s: float, limit_s: float, is_known: bool = True) -> OwnRun:
    values = np.array(sorted(runs_s), dtype=np.float64)
    return OwnRun(values, values, limit_s, is_known)


def test_runs_beyond_a_limit_are_killed_and_have_no_end() -> None:
    run = own_run(60.0, 600.0, 3600.0, 7200.0, limit_s=7200.0)
    assert run.p_killed(3601.0) == 0.25  # one that runs into its own limit
    assert run.p_killed(600.0) == 0.75
    assert run.p_killed(9000.0) is None  # how long that one would run on nobody knows
    assert run.ends_s(np.zeros(4), 900.0).tolist() == [60.0, 600.0, np.inf, np.inf]
    assert run.ends_s(np.zeros(4), 7200.0).tolist() == [60.0, 600.0, 3600.0, 7200.0]
    assert run.lost_s(600.0, 100.0) == (0.75 - 0.25) * 700.0
    seldom = own_run(*[60.0] * 19, 7200.0, limit_s=7200.0)
    assert seldom.p_killed(9000.0) == 0.05  # at most


def test_the_chance_to_meet_a_deadline_counts_every_start_with_every_run() -> None:
    run = own_run(60.0, 600.0, limit_s=7200.0)
    starts_s = np.array([0.0, 500.0, np.inf])
    assert run.p_done_by(700.0, starts_s) == pytest.approx((2 + 1 + 0) / 6)


def test_limits_to_try_are_those_that_people_ask_for() -> None:
    run = own_run(*[1800.0] * 9, 3000.0, limit_s=8 * HOUR_S)
    tried = limits(480, 10_000, run)
    assert tried[0] == 360 and tried == sorted(tried, reverse=True) and tried[-1] >= 30
    assert limits(480, 300, own_run(60.0, limit_s=8 * HOUR_S, is_known=False))[0] == 300
