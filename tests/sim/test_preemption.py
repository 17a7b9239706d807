"""Preemption by hand: who gives way, when the other starts, and what becomes of the first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planner.sim.cluster import Nodes, Qos, World
from planner.sim.config import PreemptMode
from planner.sim.engine import Simulation
from planner.sim.jobs import Dependency, Job, Key
from tests.sim.tiers import evicted_of, high, log_of, low, rules, two_tiers
from tests.sim.worlds import FINE, job, nodes, running, view, world


def test_a_job_of_a_higher_tier_takes_the_place_of_one_that_then_runs_again_in_full() -> None:
    of = two_tiers(
        nodes(4),
        low("old", on={"n0": 4}, limit_s=1000.0, run_s=500.0),
        high("new", tasks=4, submit_s=10.0, run_s=50.0),
    )
    assert log_of(of) == [
        (10.0, "requeued", "old"),
        (10.0, "started", "new"),
        (60.0, "ended", "new"),
        (180.0, "started", "old"),  # eligible 121 s after it was preempted: the next periodic pass
        (680.0, "ended", "old"),
    ]


def test_the_preemptor_starts_at_the_next_pass_and_not_in_the_one_that_preempts() -> None:
    slow = rules(replace(FINE, main_min_delay_s=3.0, main_defers=True))
    of = two_tiers(
        nodes(4), low("old", on={"n0": 4}), high("new", tasks=4, submit_s=10.0), config=slow
    )
    assert log_of(of, 20.0) == [(10.0, "requeued", "old"), (13.0, "started", "new")]


@pytest.mark.parametrize(
    ("mode", "may_requeue"), [(PreemptMode.CANCEL, True), (PreemptMode.REQUEUE, False)]
)
def test_a_job_that_is_cancelled_has_failed_for_those_that_wait_for_it(
    mode: PreemptMode, may_requeue: bool
) -> None:
    of = two_tiers(
        nodes(4),
        low("old", on={"n0": 4}, requeues=may_requeue),
        high("new", tasks=4, run_s=10.0),
        high("child", dependencies=(Dependency("afternotok", ("old",)),), run_s=10.0),
        config=rules(mode=mode),
    )
    assert log_of(of) == [
        (0.0, "evicted", "old"),
        (0.0, "started", "new"),
        (10.0, "ended", "new"),
        (10.0, "started", "child"),
        (20.0, "ended", "child"),
    ]


@pytest.mark.parametrize(
    "of",
    [
        two_tiers(nodes(4), low("old", on={"n0": 4}), high("new", tasks=4), config=FINE),
        two_tiers(
            nodes(4),
            low("old", on={"n0": 4}),
            high("new", tasks=4),
            low={"preempt_mode": PreemptMode.OFF},
        ),
        two_tiers(nodes(4), low("old", on={"n0": 4}), job("new", partitions=("low",), tasks=4)),
    ],
    ids=["without preemption", "partition with PreemptMode=OFF", "the same tier"],
)
def test_nobody_gives_way_who_need_not(of: World) -> None:
    assert log_of(of) == [
        (100.0, "ended", "old"),
        (100.0, "started", "new"),
        (200.0, "ended", "new"),
    ]


def test_a_partitions_own_mode_counts_before_the_clusters() -> None:
    of = two_tiers(
        nodes(4),
        low("old", on={"n0": 4}),
        high("new", tasks=4),
        low={"preempt_mode": PreemptMode.CANCEL},
    )
    assert log_of(of, 50.0) == [(0.0, "evicted", "old"), (0.0, "started", "new")]


def test_a_tier_counts_only_where_partitions_share_nodes() -> None:
    of = nodes(4, 4)
    apart = (view(of, 0, name="low"), view(of, 1, name="high", priority_tier=2))
    one = world(of, low("old", on={"n0": 4}), high("new", tasks=4, nodes=1, exclusive=True),
                high("more", tasks=4), partitions=apart, config=rules())  # fmt: skip
    assert evicted_of(one, 90.0) == []


def test_a_job_that_would_not_fit_all_the_same_preempts_nobody() -> None:
    of = two_tiers(
        nodes(4, 4),
        low("old", on={"n0": 4}),
        running("firm", on={"n1": 1}, partitions=("high",)),
        high("new", nodes=2, tasks=8),
    )
    assert log_of(of, 150.0) == [
        (100.0, "ended", "old"),
        (100.0, "ended", "firm"),
        (100.0, "started", "new"),
    ]


def test_free_nodes_are_used_before_anyone_has_to_go() -> None:
    of = two_tiers(nodes(4, 4), low("old", on={"n0": 4}), high("new", tasks=4))
    assert log_of(of, 50.0) == [(0.0, "started", "new")]


# Quality of service.

LEVELS = (
    Qos("scavenger", 0),
    Qos("normal", 10),
    Qos("urgent", 5, preempts=frozenset({"scavenger"})),
)


def by_qos(*jobs: Job, of: Nodes | None = None, qos: Any = LEVELS, **options: Any) -> World:
    return world(of or nodes(4), *jobs, qos=qos, config=rules(by_qos=True, **options))


def test_a_qos_preempts_those_on_its_list_whatever_their_priority() -> None:
    of = by_qos(
        running("listed", on={"n0": 2}, qos="scavenger", tasks=2),
        running("other", on={"n0": 2}, qos="normal", tasks=2),
        job("new", qos="urgent", tasks=2),
        job("more", qos="urgent", tasks=2),
    )
    assert log_of(of, 50.0) == [(0.0, "requeued", "listed"), (0.0, "started", "new")]


def test_a_job_without_a_qos_neither_preempts_nor_is_preempted() -> None:
    of = by_qos(running("old", on={"n0": 4}), job("a", qos="urgent", tasks=4), job("b", tasks=4))
    assert evicted_of(of, 90.0) == []


def test_preemptors_stand_before_what_they_may_preempt_whatever_its_priority() -> None:
    of = by_qos(
        running("block", on={"n0": 4}, qos="normal"),
        job("listed", qos="scavenger", fixed_priority=1000),
        job("first", qos="urgent", fixed_priority=10),
        job("other", qos="normal", fixed_priority=2000),
    )
    assert [one.job.key for one in Simulation(of).queue()] == ["other", "first", "listed"]


@pytest.mark.parametrize(("priority", "evicted"), [(20, ["old"]), (5, [])])
def test_with_the_flag_priority_only_the_more_important_preempts(
    priority: int, evicted: list[Key]
) -> None:
    of = by_qos(
        running("old", on={"n0": 4}, qos="scavenger", fixed_priority=10),
        job("new", qos="urgent", tasks=4, fixed_priority=priority),
        by_priority=True,
    )
    assert evicted_of(of) == evicted


@pytest.mark.parametrize("within", [False, True])
def test_with_the_flag_within_a_qos_preempts_its_own_jobs_by_priority(within: bool) -> None:
    of = by_qos(
        running("old", on={"n0": 2}, qos="normal", fixed_priority=10, tasks=2),
        running("peer", on={"n0": 2}, qos="normal", fixed_priority=20, tasks=2),
        job("new", qos="normal", tasks=4, fixed_priority=20),
        job("small", qos="normal", tasks=2, fixed_priority=15, limit_s=50.0),
        within_qos=within,
    )
    assert evicted_of(of) == (["old"] if within else [])


# Grace and exemption.


def test_a_job_in_its_grace_time_runs_on_and_then_goes() -> None:
    of = two_tiers(
        nodes(4),
        low("old", on={"n0": 4}, limit_s=1000.0),
        high("new", tasks=4, submit_s=10.0),
        low={"grace_s": 45.0},
    )
    assert log_of(of, 60.0) == [(55.0, "requeued", "old"), (55.0, "started", "new")]


def test_a_job_that_ends_within_its_grace_time_is_not_requeued() -> None:
    of = two_tiers(
        nodes(4), low("old", on={"n0": 4}, run_s=30.0), high("new", tasks=4), low={"grace_s": 45.0}
    )
    assert log_of(of, 90.0) == [(30.0, "ended", "old"), (30.0, "started", "new")]


def test_no_more_jobs_are_preempted_while_the_first_are_in_their_grace_time() -> None:
    of = nodes(4, 4)
    partitions = (
        view(of, 0, name="slow", grace_s=35.0),
        view(of, 1, name="fast", priority_tier=2),
        view(of, name="high", priority_tier=3),
    )
    one = world(
        of,
        running("a", on={"n0": 4}, partitions=("slow",), tasks=4, limit_s=1000.0),
        running("b", on={"n1": 4}, partitions=("fast",), tasks=4, limit_s=1000.0),
        high("new", tasks=4, nodes=1),
        partitions=partitions,
        config=rules(),
    )
    assert log_of(one, 200.0)[:2] == [(35.0, "requeued", "a"), (35.0, "started", "new")]
    assert evicted_of(one, 90.0) == ["a"]


def test_the_plan_counts_on_the_end_of_the_grace_time() -> None:
    of = two_tiers(
        nodes(4, 4),
        low("old", on={"n0": 4, "n1": 4}, limit_s=1000.0),
        high("new", tasks=4, nodes=1),
        job("last", partitions=("low",), tasks=4),
        low={"grace_s": 45.0},
    )
    simulation = Simulation(of)
    simulation.run(0.0)
    planned = {one.job.key: one.planned_start_s for one in simulation.queue()}
    assert planned == {"new": 0.0, "last": 45.0}


@pytest.mark.parametrize(
    ("qos", "partition_qos", "start_s"),
    [
        (Qos("q"), None, 60.0),  # exempt up to 55: the periodic pass sees it
        (Qos("q", exempt_s=20.0), None, 60.0),
        (Qos("q", exempt_s=20.0), Qos("of partition", exempt_s=0.0), 0.0),
        (Qos("q", exempt_s=20.0, over_part_qos=True), Qos("of partition", exempt_s=0.0), 60.0),
    ],
)
def test_a_job_is_exempt_for_a_while_after_its_start(
    qos: Qos, partition_qos: Qos | None, start_s: float
) -> None:
    own = {"qos": partition_qos.name} if partition_qos else {}
    of = two_tiers(
        nodes(4),
        low("old", on={"n0": 4}, start_s=-5.0, qos="q", limit_s=1000.0),
        high("new", tasks=4),
        low=own,
        qos=(qos, partition_qos) if partition_qos else (qos,),
        config=rules(exempt_s=60.0),
    )
    assert log_of(of, 90.0) == [(start_s, "requeued", "old"), (start_s, "started", "new")]
