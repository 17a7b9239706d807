"""The recorded cluster as a world: numbers checked by hand against scontrol's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import inf

import numpy as np
import pytest

from planner.sim.engine import Simulation
from planner.sim.jobs import Job, NodeShare
from planner.snapshot import Snapshot, build, read_facts
from tests.planner.recorded import recorded_facts, recorded_slurm, row, with_rows
from tracker.slurm.errors import SlurmError
from tracker.slurm.records import Tres


@pytest.fixture(scope="module")
def recorded() -> Snapshot:
    return build(recorded_facts())


def jobs(snapshot: Snapshot) -> dict[object, Job]:
    return {job.key: job for job in snapshot.world.jobs}


def blocked(snapshot: Snapshot) -> dict[str, str | None]:
    return {pending.key: pending.blocked for pending in snapshot.pending}


def notes_about(snapshot: Snapshot, about: str) -> list[str]:
    return [note.what for note in snapshot.notes if note.about == about]


def test_what_is_in_use_on_each_node_is_what_scontrol_counts(recorded: Snapshot) -> None:
    use = {node.name: node for node in Simulation(recorded.world).nodes()}
    differing = {
        node.name: (use[node.name].cpus, node.cpus_alloc)
        for node in recorded_facts().nodes
        if (use[node.name].cpus, use[node.name].mem_mib) != (node.cpus_alloc, node.mem_alloc_mib)
    }
    # Job 859 (1 CPU) was in the queue and gone a second later, when the nodes were asked for.
    assert differing == {"cpu02": (31, 30)}
    in_use = {name: {k: n for k, n in node.gpus.items() if n} for name, node in use.items()}
    assert in_use == {node.name: node.gpus_alloc_by_type for node in recorded_facts().nodes}


def test_drained_and_failed_nodes_take_no_work(recorded: Snapshot) -> None:
    nodes = recorded.world.nodes
    gone = [nodes.names[i] for i in np.flatnonzero(~nodes.usable_now)]
    assert gone == ["cpu07", "gpu11"]
    assert (nodes.usable_now == nodes.usable_in_plan).all()


@pytest.mark.parametrize(
    ("flags", "now", "later"),
    [
        ({"COMPLETING"}, False, True),
        ({"REBOOT_ISSUED"}, False, True),
        ({"PLANNED"}, True, True),
        ({"POWERED_DOWN"}, True, True),
        ({"NOT_RESPONDING"}, False, False),
        ({"POWERING_DOWN"}, False, False),
    ],
)
def test_a_nodes_flags_say_when_it_takes_work(flags: set[str], now: bool, later: bool) -> None:
    facts = recorded_facts()
    first = replace(facts.nodes[0], flags=frozenset(flags))
    nodes = build(replace(facts, nodes=[first, *facts.nodes[1:]])).world.nodes
    assert (bool(nodes.usable_now[0]), bool(nodes.usable_in_plan[0])) == (now, later)


def test_the_priorities_of_the_queue_are_met_without_help(recorded: Snapshot) -> None:
    told = {pending.key: pending.record.priority for pending in recorded.pending}
    for waiting in Simulation(recorded.world).queue():
        if waiting.priority:
            assert waiting.priority == told[str(waiting.job.key)]
    # Before the correction none was off by more than the ageing since the last calc period.
    assert notes_about(recorded, "priorities") == []
    helped = {job.key: job.site_factor for job in recorded.world.jobs if job.site_factor}
    assert helped == {"802": 8}  # Slurm counts one more node than its row shows


def test_the_share_tree_gives_the_factors_that_sshare_shows(recorded: Snapshot) -> None:
    told = {
        (share.account, share.user): share.fair_share
        for share in recorded_facts().shares
        if share.user is not None
    }
    for use in Simulation(recorded.world).shares():
        if use.association.user is not None:
            key = use.association.account, use.association.user
            assert use.fair_share == pytest.approx(told[key], abs=1e-6)


def test_an_array_is_one_job_a_task_with_its_throttle(recorded: Snapshot) -> None:
    tasks = [job for job in recorded.world.jobs if str(job.key).startswith("1072_")]
    assert [job.key for job in tasks] == [f"1072_{task}" for task in range(1, 7)]
    assert {(job.array_id, job.array_throttle) for job in tasks} == {(1072, 3)}


def test_dependencies_are_tied_to_the_jobs_seen(recorded: Snapshot) -> None:
    one = jobs(recorded)
    assert [(d.kind, d.keys) for d in one["1077"].dependencies] == [("afterok", ("919",))]
    assert blocked(recorded)["1083"] == (
        "It starts only if job 1075_* fails, which no plan can tell."
    )
    assert one["1083"].held == "Dependency"


def test_a_dependency_on_a_job_that_is_not_seen_gives_no_start() -> None:
    snapshot = build(with_rows(replace(row(1077), dependency="afterok:77777(unfulfilled)")))
    assert "77777" in (blocked(snapshot)["1077"] or "")


def test_what_waits_for_a_job_without_a_start_has_none_either() -> None:
    snapshot = build(with_rows(replace(row(1077), dependency="afterany:794(unfulfilled)")))
    assert blocked(snapshot)["1077"] == "It waits for job 794, which has no start itself."


def test_a_reservation_keeps_its_nodes_and_times(recorded: Snapshot) -> None:
    course = next(r for r in recorded.world.reservations if r.name == "course")
    assert (course.start_s, course.end_s) == (-138.0, 1062.0)
    assert np.flatnonzero(course.nodes).tolist() == [7]


def test_a_job_of_two_nodes_that_differ_is_split_as_the_nodes_count() -> None:
    facts = recorded_facts()
    of_two = next(job for job in facts.queue if job.job_id == 962)  # 8 CPUs on each of cpu[04-05]
    count = {"cpu04": 4, "cpu05": -4}  # more on one, fewer on the other
    nodes = [
        replace(node, cpus_alloc=node.cpus_alloc + count.get(node.name, 0)) for node in facts.nodes
    ]
    snapshot = build(replace(facts, nodes=nodes))
    shares = {share.node: share.cpus for share in jobs(snapshot)["962"].allocation}
    assert of_two.cpus == 16
    assert shares == {"cpu04": 12, "cpu05": 4}


def test_gpus_of_two_types_lie_on_the_nodes_that_have_them() -> None:
    two_kinds = Tres(cpus=16, mem_mib=2000, nodes=2, gpus=6, gpus_by_type={"a100": 4, "v100": 2})
    changed = replace(row(962), node_list="gpu[01,11]", tres_alloc=two_kinds)
    shares = jobs(build(with_rows(changed)))["962"].allocation
    assert {share.node: share.gpus for share in shares} == {
        "gpu01": {"a100": 4},
        "gpu11": {"v100": 2},
    }


@pytest.mark.parametrize("missing", ["qos", "assoc", "sshare", "sprio", "sdiag", "config"])
def test_a_capture_without_one_of_the_accounts_still_makes_a_world(missing: str) -> None:
    snapshot = build(read_facts(recorded_slurm(without=(missing,))))
    assert len(snapshot.pending) == 221
    if missing != "sdiag":
        assert len(notes_about(snapshot, missing)) == 1


def test_without_any_accounting_the_queues_priorities_still_order_the_jobs() -> None:
    bare = ("qos", "assoc", "sshare", "sprio", "sdiag", "reservations")
    snapshot = build(read_facts(recorded_slurm(without=bare)))
    told = {pending.key: pending.record.priority for pending in snapshot.pending}
    order = [w for w in Simulation(snapshot.world).queue() if w.priority]
    assert all(w.priority == told[str(w.job.key)] for w in order)
    assert "the queue's own are used" in notes_about(snapshot, "priorities")[0]


@pytest.mark.parametrize("needed", ["squeue", "nodes", "partitions"])
def test_without_queue_nodes_or_partitions_there_is_no_world(needed: str) -> None:
    with pytest.raises(SlurmError, match=needed):
        read_facts(recorded_slurm(without=(needed,)))


@pytest.mark.parametrize(
    "odd",
    [
        {"partitions": ("gone",)},
        {"features": "a100&!old"},
        {"required_nodes": "nowhere[1-2]"},
        {"required_nodes": "broken[1-"},
        {"tres_per_node": Tres(gpus=1, gpus_by_type={"h200": 1})},
        {"node_count": 2, "cpus": 8, "tres_per_job": Tres(gpus=2, gpus_by_type={"h200": 2})},
    ],
)
def test_a_job_that_cannot_be_read_is_noted_and_answered(odd: dict[str, object]) -> None:
    snapshot = build(with_rows(replace(row(988), **odd)))
    assert len(snapshot.pending) == 221
    assert "988" not in jobs(snapshot)
    assert (blocked(snapshot)["988"] or "").startswith("It is not simulated: ")
    assert len(notes_about(snapshot, "job 988")) == 1


def test_a_job_in_a_reservation_that_is_gone_is_held() -> None:
    snapshot = build(with_rows(replace(row(988), reservation="past")))
    assert jobs(snapshot)["988"].held == "ReservationInvalid"


def test_use_by_jobs_that_privatedata_hides_counts_for_good() -> None:
    facts = recorded_facts()
    assert facts.config is not None
    hiding = replace(facts.config, private_data=frozenset({"jobs"}))
    own = [job for job in facts.queue if job.user == "alice"]
    snapshot = build(replace(facts, config=hiding, queue=own))
    hidden = jobs(snapshot)["hidden on gpu04"]  # bob's job 801
    assert hidden.allocation == (NodeShare("gpu04", 16, 65536, {"a100": 4}),)
    assert hidden.limit_s == inf
    use = {node.name: node.cpus for node in Simulation(snapshot.world).nodes()}
    assert use == {node.name: node.cpus_alloc for node in facts.nodes}


def test_a_completing_job_frees_its_nodes_at_once_in_the_plan() -> None:
    snapshot = build(with_rows(replace(row(801), state="COMPLETING")))
    job = jobs(snapshot)["801"]
    assert job.start_s is not None
    assert job.limit_s is not None
    assert job.start_s + job.limit_s == 1


def test_a_begin_time_is_kept_and_a_past_one_changes_nothing(recorded: Snapshot) -> None:
    assert jobs(recorded)["795"].eligible_s == 7063.0
    assert row(795).eligible_at == recorded.taken_at + timedelta(seconds=7063)


def test_the_sites_own_scheduler_parameters_are_used(recorded: Snapshot) -> None:
    config = recorded.world.config
    assert (config.bf_interval_s, config.bf_resolution_s, config.bf_window_s) == (10, 10, 86_400)
    assert (config.bf_max_job_test, config.main_queue_depth) == (1000, 200)
    assert (config.bf_continue, config.enforce_limits) == (True, True)
    assert (config.plan_to_window_end, config.hold_to_slot_end) == (True, False)  # 22.05
    assert config.priority.weight_fair_share == 10_000


def test_a_parameter_that_is_no_number_gives_the_default_and_a_note() -> None:
    facts = recorded_facts()
    assert facts.config is not None
    odd = replace(facts.config, scheduler_parameters={"bf_interval": "often"})
    snapshot = build(replace(facts, config=odd))
    assert snapshot.world.config.bf_interval_s == 30
    assert notes_about(snapshot, "SchedulerParameters bf_interval=often") == [
        "is not a number; 30 is assumed"
    ]
