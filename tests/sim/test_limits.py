from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from planner.sim.cluster import Association, Partition, Qos, World
from planner.sim.engine import Simulation
from planner.sim.limits import Ledger, checks_of, holders_of
from tests.sim.worlds import FINE, job, nodes, reasons, running, starts, view, world

QOS_LIMITS: list[tuple[Mapping[str, Any], str]] = [
    ({"grp_tres": {"cpu": 5}}, "QOSGrpCpuLimit"),
    ({"grp_tres": {"mem": 5000}}, "QOSGrpMemLimit"),
    ({"grp_tres": {"node": 1}}, "QOSGrpNodeLimit"),
    ({"grp_tres": {"gres/gpu": 3}}, "QOSGrpGRES"),
    ({"grp_tres": {"billing": 5}}, "QOSGrpBilling"),
    ({"grp_jobs": 1}, "QOSGrpJobsLimit"),
    ({"max_tres_per_user": {"cpu": 5}}, "QOSMaxCpuPerUserLimit"),
    ({"max_tres_per_user": {"gres/gpu:a100": 3}}, "QOSMaxGRESPerUser"),
    ({"max_tres_per_user": {"mem": 5000}}, "QOSMaxMemoryPerUser"),
    ({"max_jobs_per_user": 1}, "QOSMaxJobsPerUserLimit"),
    ({"max_tres_per_account": {"cpu": 5}}, "MaxCpuPerAccount"),
    ({"max_jobs_per_account": 1}, "MaxJobsPerAccount"),
    ({"max_tres_per_job": {"cpu": 2}}, "QOSMaxCpuPerJobLimit"),
    ({"max_tres_per_job": {"gres/gpu": 1}}, "QOSMaxGRESPerJob"),
    ({"max_wall_s": 99.0}, "QOSMaxWallDurationPerJobLimit"),
]
ASSOC_LIMITS: list[tuple[Mapping[str, Any], str]] = [
    ({"grp_tres": {"cpu": 5}}, "AssocGrpCpuLimit"),
    ({"grp_tres": {"gres/gpu": 3}}, "AssocGrpGRES"),
    ({"grp_jobs": 1}, "AssocGrpJobsLimit"),
    ({"max_jobs": 1}, "AssocMaxJobsLimit"),
    ({"max_tres_per_job": {"cpu": 2}}, "AssocMaxCpuPerJobLimit"),
    ({"max_wall_s": 99.0}, "AssocMaxWallDurationPerJobLimit"),
]
ASK: Mapping[str, Any] = {
    "qos": "q",
    "nodes": 1,
    "tasks": 3,
    "mem_mib_per_node": 3000,
    "gpus_per_node": {"a100": 2},
    "exclusive": False,
}


def second_of_two(
    qos: Qos | None, associations: tuple[Association, ...] = (), **partition: Any
) -> World:
    """Two equal jobs of one user on two nodes with room for both."""
    of = nodes(4, 4, gpus={"a100": [2, 2]})
    return world(
        of,
        job("one", **ASK),
        job("two", **ASK),
        partitions=(view(of, **partition),),
        qos=() if qos is None else (qos,),
        associations=associations,
    )


def tree(**of_user: Any) -> tuple[Association, ...]:
    return Association("root"), Association("a", parent="root"), Association("a", "u", **of_user)


@pytest.mark.parametrize(("limit", "reason"), QOS_LIMITS)
def test_a_qos_limit_keeps_the_second_job_waiting_with_slurms_reason(
    limit: Mapping[str, Any], reason: str
) -> None:
    assert reasons(second_of_two(Qos("q", **limit)))["two"] == reason


@pytest.mark.parametrize(("limit", "reason"), ASSOC_LIMITS)
def test_an_association_limit_keeps_the_second_job_waiting(
    limit: Mapping[str, Any], reason: str
) -> None:
    assert reasons(second_of_two(None, tree(**limit)))["two"] == reason


def test_limits_are_not_looked_at_where_they_are_not_enforced() -> None:
    one = second_of_two(Qos("q", max_jobs_per_user=1))
    assert starts(replace(one, config=replace(FINE, enforce_limits=False)), until_s=0.0) == {
        "one": 0.0,
        "two": 0.0,
    }


def test_a_limit_clears_when_the_first_job_ends() -> None:
    assert starts(second_of_two(Qos("q", max_jobs_per_user=1))) == {"one": 0.0, "two": 100.0}


def test_a_limit_of_the_account_above_binds_its_users_together() -> None:
    of = nodes(4, 4)
    one = world(
        of,
        job("one", user="x", tasks=3),
        job("two", user="y", tasks=3),
        associations=(
            Association("root"),
            Association("a", parent="root", grp_tres={"cpu": 4}),
            Association("a", "x"),
            Association("a", "y"),
        ),
    )
    assert reasons(one) == {"two": "AssocGrpCpuLimit"}


def test_max_jobs_of_an_account_is_each_users_own_default() -> None:
    of = nodes(4, 4)
    associations = (
        Association("root"),
        Association("a", parent="root", max_jobs=1),
        Association("a", "x"),
        Association("a", "y"),
    )
    jobs = [job("x1", user="x"), job("x2", user="x"), job("y1", user="y")]
    assert reasons(world(of, *jobs, associations=associations)) == {"x2": "AssocMaxJobsLimit"}


def test_the_partitions_qos_goes_before_the_jobs_own() -> None:
    wide, narrow = {"max_jobs_per_user": 9}, {"max_jobs_per_user": 1}
    of = nodes(4, 4)

    def of_two(partition_qos: Mapping[str, int], own: Mapping[str, int], **flags: bool) -> World:
        return world(
            of,
            job("one", qos="own"),
            job("two", qos="own"),
            partitions=(view(of, qos="part"),),
            qos=(Qos("part", **partition_qos), Qos("own", **own, **flags)),
        )

    assert reasons(of_two(wide, narrow)) == {}
    assert reasons(of_two(narrow, wide)) == {"two": "QOSMaxJobsPerUserLimit"}
    assert reasons(of_two(narrow, wide, over_part_qos=True)) == {}


def test_a_qos_limit_takes_the_place_of_the_associations() -> None:
    associations = tree(grp_tres={"cpu": 4})
    assert reasons(second_of_two(Qos("q"), associations)) == {"two": "AssocGrpCpuLimit"}
    assert reasons(second_of_two(Qos("q", grp_tres={"cpu": 99}), associations)) == {}


def test_a_node_limit_counts_a_shared_node_once() -> None:
    of = nodes(8)
    qos = Qos("q", max_tres_per_user={"node": 1})
    checks = checks_of([qos], [], "u", "a")
    ledger = Ledger()
    holders = [("qos", "q", "user", "u")]
    ledger.charge(holders, {"cpu": 1, "node": 1}, [3])
    assert ledger.refusal(checks, {"node": 1}, [3]) is None
    assert ledger.refusal(checks, {"node": 1}, [4]) == "QOSMaxNodePerUserLimit"
    assert len(of) == 1


def test_a_whole_node_counts_with_all_its_cpus() -> None:
    of = nodes(4, 4)
    one = world(of, job("whole", exclusive=True, qos="q"), qos=(Qos("q", grp_tres={"cpu": 3}),))
    assert reasons(one) == {"whole": "QOSGrpCpuLimit"}


def test_what_is_charged_can_be_taken_back() -> None:
    ledger = Ledger()
    holder = ("qos", "q")
    ledger.charge([holder], {"cpu": 2}, [0, 1])
    ledger.charge([holder], {"cpu": 3}, [1])
    assert (ledger.used(holder, "cpu"), ledger.used(holder, "node")) == (5, 2)
    ledger.release([holder], {"cpu": 2}, [0, 1])
    assert (ledger.used(holder, "cpu"), ledger.used(holder, "node")) == (3, 1)
    ledger.release([holder], {"cpu": 3}, [1])
    assert (ledger.used(holder, "cpu"), ledger.used(holder, "jobs")) == (0, 0)


@pytest.mark.parametrize(
    ("partition", "reason"),
    [
        ({"max_s": 99.0}, "PartitionTimeLimit"),
        ({"max_nodes": 0}, "PartitionNodeLimit"),
        ({"min_nodes": 2}, "PartitionNodeLimit"),
        ({"deny_accounts": frozenset({"a"})}, "AccountNotAllowed"),
        ({"allow_accounts": frozenset({"b"})}, "AccountNotAllowed"),
        ({"allow_qos": frozenset({"r"})}, "QOSNotAllowed"),
        ({"up": False}, "PartitionDown"),
    ],
)
def test_a_partition_refuses_with_slurms_reason(partition: Mapping[str, Any], reason: str) -> None:
    assert reasons(second_of_two(None, **partition))["one"] == reason


def test_a_job_without_a_limit_gets_the_partitions_default() -> None:
    of = nodes(1)

    def after(*, default_s: float | None, max_s: float) -> float:
        partition: Partition = view(of, default_s=default_s, max_s=max_s)
        first = replace(running("first", on={"n0": 1}), limit_s=None)
        return starts(world(of, first, job("next"), partitions=(partition,)))["next"]

    assert after(default_s=70.0, max_s=200.0) == 70.0
    assert after(default_s=None, max_s=200.0) == 200.0


def test_a_job_without_any_limit_is_planned_for_a_year() -> None:
    simulation = Simulation(world(nodes(1), replace(job("j"), limit_s=None)))
    simulation.run(0.0)
    assert [one.limit_s for one in simulation.running()] == [365 * 86400.0]


def test_usage_that_nobody_limits_is_not_counted() -> None:
    order = [Qos("free"), Qos("few", max_jobs_per_user=2)]
    chain = [
        (7, Association("a", "u", "a")),
        (3, Association("a", parent="root", grp_tres={"cpu": 9})),
        (0, Association("root")),
    ]
    assert holders_of(order, chain, "u", "a") == (("assoc", 3), ("qos", "few", "user", "u"))
    chain[2] = (0, Association("root", max_jobs=5))  # each user's own, if nothing else is said
    assert ("assoc", 7) in holders_of(order, chain, "u", "a")
