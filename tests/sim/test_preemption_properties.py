"""Random worlds with tiers: what preemption must never do, whatever the jobs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.sim.admission import Admission
from planner.sim.cluster import Partition, World
from planner.sim.config import PreemptionConfig, PreemptMode
from planner.sim.engine import Simulation
from planner.sim.eviction import victims_of
from planner.sim.fairshare import ShareTree
from planner.sim.jobs import Job
from planner.sim.needs import Need
from planner.sim.occupancy import allocation_of
from planner.sim.queue import Pending
from planner.sim.state import Running, State
from planner.sim.views import EndedJob, RunningJob
from tests.sim.worlds import FINE, job, nodes, running, view, world

LONG_S = 10_000.0  # jobs of a world last an hour one by one; some go back to the queue
small = settings(max_examples=25, deadline=None)


@st.composite
def requests(draw: st.DrawFn, key: int) -> Job:
    limit_s = float(draw(st.integers(60, 300)))
    return job(
        key,
        partitions=(draw(st.sampled_from(["low", "low", "mid", "high"])),),
        submit_s=float(draw(st.integers(0, 200))),
        limit_s=limit_s,
        run_s=draw(st.none() | st.just(limit_s / 2)),
        nodes=draw(st.sampled_from([None, 1])),
        tasks=draw(st.integers(1, 6)),
        mem_mib_per_node=draw(st.sampled_from([0, 20_000])),
        gpus_per_node=draw(st.sampled_from([{}, {"x": 1}])),
        exclusive=draw(st.booleans()),
        requeues=draw(st.booleans()),
    )


@st.composite
def preempting(draw: st.DrawFn) -> World:
    """Three tiers on a few nodes, the middle one not on all of them."""
    cpus = draw(st.lists(st.integers(2, 6), min_size=1, max_size=3))
    of = nodes(*cpus, gpus={"x": [draw(st.integers(0, 2)) for _ in cpus]})
    grace_s = draw(st.sampled_from([0.0, 25.0]))
    preemption = PreemptionConfig(
        mode=draw(st.sampled_from([PreemptMode.CANCEL, PreemptMode.REQUEUE])),
        exempt_s=draw(st.sampled_from([0.0, 40.0])),
        youngest_first=draw(st.booleans()),
        strict_order=draw(st.booleans()),
        reorder_count=draw(st.integers(0, 2)),
    )
    return world(
        of,
        *(draw(requests(key)) for key in range(draw(st.integers(5, 12)))),
        partitions=(
            view(of, name="low", grace_s=grace_s),
            view(of, 0, name="mid", priority_tier=2, grace_s=grace_s),
            view(of, name="high", priority_tier=3),
        ),
        config=replace(FINE, preemption=preemption),
    )


class Witness:
    """Runs the world to its end and keeps every stretch that a job ran."""

    def __init__(self, of: World) -> None:
        self.ran: list[EndedJob] = []
        self.started: list[RunningJob] = []
        self.simulation = Simulation(
            of,
            on_start=self.started.append,
            on_end=self.ran.append,
            on_requeue=self.ran.append,
        )
        simulation = self.simulation
        while simulation.now_s < LONG_S and (simulation.running() or simulation.may_start()):
            simulation.run(simulation.now_s + 500.0)


def tiers(of: World) -> dict[str, Partition]:
    return {partition.name: partition for partition in of.partitions}


@small
@given(preempting())
def test_no_node_is_ever_oversubscribed_and_all_is_free_in_the_end(of: World) -> None:
    witness = Witness(of)
    stretches = [(one.start_s, one) for one in witness.ran if one.start_s is not None]
    for instant_s, _ in stretches:
        together = [one for start_s, one in stretches if start_s <= instant_s < one.end_s]
        for index, name in enumerate(of.nodes.names):
            here = [share for one in together for share in one.allocation if share.node == name]
            assert sum(share.cpus for share in here) <= of.nodes.cpus[index]
            assert sum(share.mem_mib for share in here) <= of.nodes.mem_mib[index]
    assert witness.simulation.running() == []
    assert all(use.cpus == use.jobs == 0 for use in witness.simulation.nodes())


@small
@given(preempting())
def test_nobody_gives_way_but_to_a_higher_tier_that_waits_for_its_nodes(of: World) -> None:
    witness, partition = Witness(of), tiers(of)
    preemption = of.config.preemption
    assert preemption is not None
    for gone in (one for one in witness.ran if one.evicted):
        assert gone.start_s is not None
        grace_s = partition[gone.partition].grace_s
        preempted_s = gone.end_s - grace_s
        assert preempted_s >= gone.start_s + preemption.exempt_s
        nodes_of_gone = {share.node for share in gone.allocation}
        assert any(
            partition[name].priority_tier > partition[gone.partition].priority_tier
            and other.submit_s <= preempted_s
            and nodes_of_gone
            & {of.nodes.names[i] for i in np.flatnonzero(partition[name].nodes).tolist()}
            for other in of.jobs
            for name in other.partitions
        )


@small
@given(preempting())
def test_every_job_ends_once_and_runs_whole_when_it_does(of: World) -> None:
    witness = Witness(of)
    ends = [one for one in witness.ran if not one.evicted]
    assert len({one.job.key for one in ends}) == len(ends)
    for one in ends:
        assert one.start_s is not None
        run_s = one.job.limit_s if one.job.run_s is None else one.job.run_s
        assert run_s is not None
        assert one.end_s == one.start_s + run_s
    assert len(witness.started) == len(witness.ran)
    over = {one.job.key for one in witness.ran}
    waiting = {one.job.key for one in witness.simulation.queue()}
    assert over | waiting == {one.key for one in of.jobs}


@small
@given(preempting())
def test_the_same_world_gives_the_same_course(of: World) -> None:
    assert Witness(of).ran == Witness(of).ran


@small
@given(preempting())
def test_where_no_tier_is_higher_preemption_changes_nothing(of: World) -> None:
    flat = replace(of, partitions=tuple(replace(p, priority_tier=1) for p in of.partitions))
    without = replace(flat, config=replace(flat.config, preemption=None))
    assert Witness(flat).ran == Witness(without).ran


@st.composite
def crowds(draw: st.DrawFn) -> World:
    """Nodes with running jobs on one or two of them, and one request."""
    sizes = draw(st.lists(st.integers(2, 6), min_size=1, max_size=3))
    free = dict(zip((f"n{i}" for i in range(len(sizes))), sizes, strict=True))
    jobs = []
    for key in range(draw(st.integers(1, 7))):
        on = draw(st.dictionaries(st.sampled_from(list(free)), st.integers(1, 3), max_size=2))
        held = {name: min(cpus, free[name]) for name, cpus in on.items() if free[name]}
        if held:
            free = {name: left - held.get(name, 0) for name, left in free.items()}
            jobs.append(running(key, on=held))
    count = draw(st.integers(1, len(sizes)))
    return world(nodes(*sizes), *jobs, job("new", nodes=count, tasks=draw(st.integers(count, 8))))


def taken_over(of: World) -> tuple[State, Need]:
    """The state with the running jobs in place, and the need of the last job."""
    state, admission = State(of), Admission(of, ShareTree(()))
    for sequence, one in enumerate(of.jobs):
        pending = Pending(one, sequence, None)
        admission.admit(pending)
        record = pending.records[0]
        if one.start_s is not None:
            allocation = allocation_of(one.allocation, of.nodes)
            state.take(Running(record, one.start_s, record.limit_s, allocation, {}, 0.0))
    return state, record.need


@settings(max_examples=100, deadline=None)
@given(crowds(), st.integers(0, 3), st.booleans())
def test_victims_are_enough_on_the_chosen_nodes_and_not_all_superfluous(
    of: World, reorder_count: int, strict: bool
) -> None:
    state, need = taken_over(of)
    everywhere = (1 << len(of.nodes)) - 1
    assume(state.place(need, everywhere) is None)
    preemptees = list(state.running.values())
    config = PreemptionConfig(reorder_count=reorder_count, strict_order=strict)
    found = victims_of(need, state, preemptees, everywhere, config)
    if found is None:
        assert state.without(preemptees).place(need, everywhere) is None
        return
    chosen = set(found.allocation.nodes.tolist())
    assert all(chosen & set(victim.allocation.nodes.tolist()) for victim in found.victims)
    room = state.without(found.victims).room
    room.take(found.allocation)
    assert (room.cpus >= 0).all()
    others = [[other for other in found.victims if other is not one] for one in found.victims]
    assert any(state.without(rest).place(need, everywhere) is None for rest in others)
