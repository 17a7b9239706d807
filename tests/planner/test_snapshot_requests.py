"""What squeue tells of a request, in the simulator's terms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.snapshot.dependencies import ties_of
from planner.snapshot.hardware import build_nodes, build_partitions
from planner.snapshot.requests import Site, feature_groups, request_fields
from planner.snapshot.tres import billing_weights, limits
from tests.planner.recorded import recorded_facts
from tracker.slurm.records import Partition, QueuedJob, Tres

JOB = QueuedJob(
    job_id=1,
    state="PENDING",
    user="u",
    name="n",
    partitions=("gpu",),
    node_count=1,
    ntasks=1,
    cpus=1,
)


@pytest.fixture(scope="module")
def site() -> Site:
    facts = recorded_facts()
    nodes = build_nodes(facts, [])
    return Site.of(facts, nodes, build_partitions(facts, nodes, None, []))


def test_cpus_are_tasks_times_cpus_per_task(site: Site) -> None:
    fields = request_fields(replace(JOB, node_count=2, ntasks=4, cpus=32), "gpu", site)
    assert (fields["nodes"], fields["tasks"], fields["cpus_per_task"]) == (2, 4, 8)


def test_cpus_that_do_not_divide_by_tasks_are_split_over_the_nodes(site: Site) -> None:
    fields = request_fields(replace(JOB, node_count=2, ntasks=3, cpus=8), "gpu", site)
    assert (fields["tasks"], fields["cpus_per_task"]) == (2, 4)


def test_more_cpus_than_a_node_has_are_spread_over_as_many_nodes_as_needed(site: Site) -> None:
    fields = request_fields(replace(JOB, ntasks=128, cpus=128), "gpu", site)
    assert (fields["nodes"], fields["tasks"], fields["cpus_per_task"]) == (None, 128, 1)


def test_hyperthreads_are_allotted_by_whole_cores(site: Site) -> None:
    threaded = replace(site, threads_per_core={"gpu": 2})
    assert request_fields(replace(JOB, cpus=3), "gpu", threaded)["cpus_per_task"] == 4


@pytest.mark.parametrize(
    ("mem_mib", "per_cpu", "expected"),
    [
        (4000, False, {"mem_mib_per_node": 4000}),
        (4000, True, {"mem_mib_per_node": 0, "mem_mib_per_cpu": 4000}),
        (0, False, {"mem_mib_per_node": None}),
        (None, False, {"mem_mib_per_node": 0, "mem_mib_per_cpu": 2000}),  # DefMemPerCPU
    ],
)
def test_memory_per_node_per_cpu_all_or_the_partitions_default(
    site: Site, mem_mib: int | None, per_cpu: bool, expected: dict[str, int | None]
) -> None:
    fields = request_fields(replace(JOB, mem_mib=mem_mib, mem_per_cpu=per_cpu), "gpu", site)
    assert {name: value for name, value in fields.items() if "mem" in name} == expected


def test_without_memory_or_default_the_job_takes_the_whole_nodes(site: Site) -> None:
    bare = replace(site, partitions={"gpu": Partition(name="gpu")})
    assert request_fields(JOB, "gpu", bare)["mem_mib_per_node"] is None
    uncounted = replace(bare, shares_memory=False)
    assert request_fields(JOB, "gpu", uncounted)["mem_mib_per_node"] == 0


@pytest.mark.parametrize(
    ("asked", "nodes", "per_node", "per_job"),
    [
        ({"tres_per_node": Tres(gpus=2, gpus_by_type={"a100": 2})}, 2, {"a100": 2}, {}),
        ({"tres_per_node": Tres(gpus=2)}, 1, {"": 2}, {}),
        ({"tres_per_job": Tres(gpus=4)}, 2, {}, {"": 4}),
        ({"tres_per_job": Tres(gpus=4)}, 1, {"": 4}, {}),
        ({"tres_per_task": Tres(gpus=1, gpus_by_type={"v100": 1})}, 2, {}, {"v100": 2}),
        ({"tres_alloc": Tres(gpus=3)}, 2, {}, {"": 3}),
    ],
)
def test_gpus_per_node_per_job_and_per_task(
    site: Site,
    asked: dict[str, Tres],
    nodes: int,
    per_node: dict[str, int],
    per_job: dict[str, int],
) -> None:
    job = replace(JOB, node_count=nodes, ntasks=nodes, cpus=nodes, **asked)
    fields = request_fields(job, "gpu", site)
    assert (fields["gpus_per_node"], fields.get("gpus_per_job", {})) == (per_node, per_job)


def test_a_choice_of_features_is_a_choice_of_nodes(site: Site) -> None:
    fields = request_fields(replace(JOB, features="v100|avx512"), "gpu", site)
    left = set(site.nodes.names) - fields["excluded_nodes"]
    assert left == {f"gpu{n:02}" for n in range(9, 13)} | {f"cpu{n:02}" for n in range(1, 9)}


@pytest.mark.parametrize(
    ("constraint", "groups"),
    [
        ("a100", [{"a100"}]),
        ("a100&ib", [{"a100", "ib"}]),
        ("a100&ib|h100", [{"a100", "ib"}, {"h100"}]),
        ("[rack1|rack2]", [{"rack1"}, {"rack2"}]),
        ("[rack1*2&rack2*4]", [{"rack1"}, {"rack2"}]),
        ("(intel&gpu)", [{"intel", "gpu"}]),
    ],
)
def test_constraints_as_alternatives(constraint: str, groups: list[set[str]]) -> None:
    assert feature_groups(constraint) == groups


@pytest.mark.parametrize("constraint", ["!old", "(a|b)&(c|d)", "", "a&&b"])
def test_constraints_that_are_not_modelled_say_so(constraint: str) -> None:
    with pytest.raises(ValueError, match="not modelled"):
        feature_groups(constraint)


KEYS = {7: ("7",), 9: ("9_1", "9_2")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("afterok:7(unfulfilled)", [("afterok", ("7",))]),
        ("afterany:9(unfulfilled)", [("afterany", ("9_1", "9_2"))]),
        ("afterany:9_*(unfulfilled)", [("afterany", ("9_1", "9_2"))]),
        ("after:9_2+10(unfulfilled)", [("after", ("9_2",))]),
        ("aftercorr:9(unfulfilled)", [("afterok", ("9_1",))]),
        ("singleton(unfulfilled)", [("afterany", ("5",))]),
        ("afterok:7,afterany:9_1", [("afterok", ("7",)), ("afterany", ("9_1",))]),
    ],
)
def test_dependencies_as_squeue_writes_them(
    text: str, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    ties = ties_of(text, task=1, namesakes=("5",), keys_by_id=KEYS)
    assert [(d.kind, d.keys) for d in ties.dependencies] == expected
    assert ties.unknown is None


@pytest.mark.parametrize(
    "text",
    [
        "afternotok:7(unfulfilled)",
        "afterok:7(failed)",
        "afterok:8(unfulfilled)",
        "afterok:7?afterok:9",
        "afterburstbuffer:7",
        "gibberish 1 2 3",
    ],
)
def test_dependencies_without_a_known_end_are_said_in_words(text: str) -> None:
    ties = ties_of(text, task=None, namesakes=(), keys_by_id=KEYS)
    assert ties.dependencies == ()
    assert ties.unknown is not None


def test_a_limit_of_one_gpu_type_does_not_limit_the_others() -> None:
    assert limits(Tres(gpus=4, gpus_by_type={"a100": 4})) == {"gres/gpu:a100": 4.0}
    assert limits(Tres(cpus=96, gpus=0)) == {"cpu": 96.0, "gres/gpu": 0.0}
    assert limits(Tres()) == {}


def test_billing_weights_of_memory_are_per_mib() -> None:
    assert billing_weights({"cpu": 1.0, "mem": 0.25}) == {"cpu": 1.0, "mem": 0.25 / 1024}
