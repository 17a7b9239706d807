from __future__ import annotations

import numpy as np
import pytest

from planner.sim.choice import choose
from planner.sim.cluster import Nodes
from planner.sim.jobs import Job
from planner.sim.needs import Needs
from planner.sim.occupancy import Allocation, Room, shares_of
from planner.sim.placement import allocate, fit
from tests.sim.worlds import job, nodes, view


def placed(of: Nodes, request: Job, room: Room | None = None) -> Allocation | None:
    room = Room.of_idle(of) if room is None else room
    need = Needs(of).of(request, view(of))
    found = fit(need.grain, of, room)
    chosen = choose(need, of, found)
    return None if chosen is None else allocate(need, of, room, found, chosen)


def names(of: Nodes, request: Job, room: Room | None = None) -> list[str]:
    allocation = placed(of, request, room)
    return [] if allocation is None else [share.node for share in shares_of(allocation, of)]


def test_the_lowest_weight_is_used_first() -> None:
    assert names(nodes(4, 4, 4, weight=[3, 1, 2]), job(1)) == ["n1"]


def test_among_equal_weights_the_tightest_node_takes_the_job() -> None:
    assert names(nodes(16, 4, 8), job(1, tasks=3)) == ["n1"]


def test_tasks_without_a_node_count_use_as_few_nodes_as_they_need() -> None:
    of = nodes(4, 8, 4)
    assert names(of, job(1, tasks=10)) == ["n0", "n1"]
    assert names(of, job(1, tasks=17)) == []


def test_a_node_count_is_exact_and_every_node_gets_a_task() -> None:
    of = nodes(8, 8, 8)
    allocation = placed(of, job(1, nodes=3, tasks=4, cpus_per_task=2))
    assert allocation is not None
    assert allocation.cpus.tolist() == [4, 2, 2]
    assert names(of, job(1, nodes=4)) == []


def test_an_exact_count_takes_the_roomy_nodes_if_the_first_do_not_hold_all_tasks() -> None:
    assert names(nodes(2, 8, 2, 8), job(1, nodes=2, tasks=14)) == ["n1", "n3"]


def test_cpus_of_one_task_do_not_span_nodes() -> None:
    assert names(nodes(4, 4), job(1, cpus_per_task=6)) == []


def test_tasks_per_node_spreads_a_job() -> None:
    assert names(nodes(8, 8), job(1, tasks=4, tasks_per_node=2)) == ["n0", "n1"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (job(1, mem_mib_per_node=1001), []),
        (job(1, mem_mib_per_cpu=300, tasks=4), ["n0", "n1"]),
        (job(1, mem_mib_per_cpu=300, tasks=3), ["n0"]),
        (job(1, mem_mib_per_node=None), ["n0"]),
    ],
)
def test_memory_is_counted_per_node_and_per_cpu(request_: Job, expected: list[str]) -> None:
    assert names(nodes(4, 4, mem_mib=1000), request_) == expected


def test_all_of_the_memory_needs_a_node_where_none_is_taken() -> None:
    of = nodes(4, 4)
    room = Room.of_idle(of)
    room.mem_mib[0] -= 1
    allocation = placed(of, job(1, mem_mib_per_node=None), room)
    assert allocation is not None
    assert allocation.nodes.tolist() == [1]
    assert allocation.mem_mib.tolist() == [64_000]


def test_typed_gpus_come_from_their_type_and_untyped_ones_from_any() -> None:
    of = nodes(8, 8, gpus={"a100": [2, 0], "v100": [1, 4]})
    typed = placed(of, job(1, gpus_per_node={"v100": 3}))
    assert typed is not None
    assert (typed.nodes.tolist(), typed.gpus.tolist()) == ([1], [[0, 3]])
    untyped = placed(of, job(1, gpus_per_node={"": 3}))
    assert untyped is not None
    assert (untyped.nodes.tolist(), untyped.gpus.tolist()) == ([0], [[2, 1]])
    both = placed(of, job(1, gpus_per_node={"v100": 1, "": 2}))
    assert both is not None
    assert both.gpus.tolist() == [[2, 1]]
    assert placed(of, job(1, gpus_per_node={"a100": 3})) is None


def test_gpus_of_the_whole_job_may_split_over_nodes() -> None:
    of = nodes(8, 8, 8, gpus={"a100": [2, 1, 3]})
    allocation = placed(of, job(1, gpus_per_job={"a100": 5}))
    assert allocation is not None
    assert int(allocation.gpus.sum()) == 5
    assert (allocation.cpus > 0).all()
    assert placed(of, job(1, gpus_per_job={"a100": 7})) is None


def test_gpus_of_the_whole_job_are_of_one_type() -> None:
    with pytest.raises(ValueError, match="'a100', 'v100'"):
        job(1, gpus_per_job={"a100": 1, "v100": 1})


def test_whole_nodes_need_idle_ones_and_take_every_cpu() -> None:
    of = nodes(4, 8)
    room = Room.of_idle(of)
    room.take(
        Allocation(np.array([0]), np.array([1]), np.array([0]), np.zeros((1, 0), dtype=np.int64))
    )
    allocation = placed(of, job(1, exclusive=True), room)
    assert allocation is not None
    assert (allocation.nodes.tolist(), allocation.cpus.tolist()) == ([1], [8])
    assert placed(of, job(1, exclusive=True, nodes=2), room) is None


def test_every_node_has_all_features() -> None:
    of = nodes(4, 4, features=[frozenset({"gpu"}), frozenset({"gpu", "ib"})])
    assert names(of, job(1, features=frozenset({"gpu", "ib"}))) == ["n1"]


def test_required_nodes_are_among_the_chosen_and_excluded_ones_are_not() -> None:
    of = nodes(4, 4, 4)
    assert names(of, job(1, required_nodes=("n2",))) == ["n2"]
    assert names(of, job(1, nodes=2, required_nodes=("n2",))) == ["n0", "n2"]
    assert names(of, job(1, excluded_nodes=frozenset({"n0", "n1"}))) == ["n2"]
