from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.slurm.recordings import LOADED_CLUSTER, SMALL_CLUSTER, recorded
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.config import parse_config
from tracker.slurm.errors import ParseError
from tracker.slurm.records import Node
from tracker.slurm.scontrol import parse_nodes, parse_partitions, parse_reservations


@pytest.fixture(scope="module")
def nodes() -> dict[str, Node]:
    return {node.name: node for node in parse_nodes(recorded("nodes.txt"))}


def test_a_gpu_node_has_its_size_use_and_place(nodes: dict[str, Node]) -> None:
    assert nodes["gpu01"] == Node(
        name="gpu01", base_state="MIXED", cpus=64, cpus_alloc=16, mem_mib=512_000,
        mem_alloc_mib=65_536, gpus_by_type={"a100": 4}, gpus_alloc_by_type={"a100": 4},
        features=frozenset({"gpu", "a100"}), weight=10, partitions=("gpu",),
    )  # fmt: skip


def test_states_come_apart_into_base_and_flags(nodes: dict[str, Node]) -> None:
    assert len(nodes) == 22
    assert (nodes["cpu07"].base_state, nodes["cpu07"].flags) == ("MIXED", {"DRAIN"})
    assert nodes["gpu11"].state == "IDLE+FAIL"
    assert "RESERVED" in nodes["cpu08"].flags


def test_a_reason_keeps_its_words_and_loses_who_and_when(nodes: dict[str, Node]) -> None:
    assert nodes["cpu07"].reason == "ECC errors on DIMM B2, ticket 4711"
    assert nodes["cpu01"].reason is None


def test_one_line_nodes_read_as_many_line_nodes(nodes: dict[str, Node]) -> None:
    assert {node.name: node for node in parse_nodes(recorded("nodes_oneline.txt"))} == nodes


def test_a_reason_that_looks_like_keys_changes_nothing_else() -> None:
    small = {node.name: node for node in Slurm(read_capture(SMALL_CLUSTER).transport).nodes()}
    assert small["cpu02"].reason == "a=b State=IDLE, c"
    assert (small["cpu02"].base_state, small["cpu02"].flags) == ("IDLE", {"DRAIN"})


def test_memory_kept_for_the_system_is_not_usable() -> None:
    small = {node.name: node for node in Slurm(read_capture(SMALL_CLUSTER).transport).nodes()}
    assert small["gpu01"].mem_mib == 63_000


def test_gpus_in_use_come_from_gres_used_before_alloc_tres() -> None:
    text = "NodeName=n1 CPUTot=8 RealMemory=1\n   Gres=gpu:a100:2,gpu:v100:2\n   State=MIXED\n"
    assert parse_nodes(text + "   AllocTRES=cpu=1,gres/gpu=2")[0].gpus_alloc_by_type == {"": 2}
    used = "   GresUsed=gpu:a100:0(IDX:N/A),gpu:v100:2(IDX:0-1)\n   AllocTRES=gres/gpu=2"
    assert parse_nodes(text + used)[0].gpus_alloc_by_type == {"v100": 2}


def test_untyped_gpus_in_use_are_of_the_only_type_there_is() -> None:
    text = "NodeName=n1 CPUTot=8\n Gres=gpu:a100:4\n State=MIXED\n AllocTRES=cpu=1,gres/gpu=3"
    assert parse_nodes(text)[0].gpus_alloc_by_type == {"a100": 3}


def test_partitions_have_limits_weights_and_access() -> None:
    partitions = {p.name: p for p in parse_partitions(recorded("partitions.txt"))}
    assert list(partitions) == ["cpu", "gpu", "highmem", "debug"]
    gpu = partitions["gpu"]
    assert (gpu.max_minutes, gpu.default_minutes) == (3 * 1440, 10)
    assert (gpu.priority_tier, gpu.priority_job_factor) == (10, 20)
    assert gpu.billing_weights == {"cpu": 1.0, "mem": 0.25, "gres/gpu": 16.0}
    assert (gpu.def_mem_per_cpu_mib, gpu.def_mem_per_node_mib) == (2000, None)
    assert (gpu.allow_accounts, gpu.qos, gpu.max_nodes) == (None, None, math.inf)
    assert [p.name for p in partitions.values() if p.is_default] == ["cpu"]
    assert partitions["highmem"].max_minutes == math.inf


def test_hidden_partitions_are_listed_and_marked() -> None:
    partitions = Slurm(read_capture(SMALL_CLUSTER).transport).partitions()
    hidden = {p.name: p for p in partitions}["hid"]
    assert (hidden.hidden, hidden.default_minutes) == (True, None)


def test_restricted_partitions_name_who_may_use_them() -> None:
    text = (
        "PartitionName=p\n   AllowGroups=lab AllowAccounts=a,b DenyQos=low\n"
        "   MaxNodes=4 MaxCPUsPerNode=16 DefMemPerNode=4000 QoS=part\n"
    )
    (partition,) = parse_partitions(text)
    assert partition.allow_accounts == {"a", "b"}
    assert (partition.allow_groups, partition.deny_qos) == ({"lab"}, {"low"})
    assert (partition.max_nodes, partition.max_cpus_per_node) == (4, 16)
    assert (partition.def_mem_per_node_mib, partition.qos) == (4000, "part")


def test_partitions_say_what_becomes_of_preempted_jobs_and_when() -> None:
    text = "PartitionName=p\n   DisableRootJobs=NO GraceTime=90\n   PreemptMode=GANG,SUSPEND\n"
    (partition,) = parse_partitions(text)
    assert (partition.preempt_mode, partition.grace_s) == (("GANG", "SUSPEND"), 90)
    gpu = next(p for p in parse_partitions(recorded("partitions.txt")) if p.name == "gpu")
    assert (gpu.preempt_mode, gpu.grace_s) == (("OFF",), 0)


def test_reservations_have_times_nodes_and_people() -> None:
    maintenance, course = parse_reservations(recorded("reservations.txt"))
    assert maintenance.start_at == datetime(2026, 11, 23, 12, 57, 55, tzinfo=UTC)
    assert maintenance.flags == {"MAINT", "IGNORE_JOBS", "SPEC_NODES"}
    assert (maintenance.node_list, maintenance.users) == ("highmem01", {"root"})
    assert (course.accounts, course.users, course.state) == ({"edu"}, set(), "ACTIVE")


def test_a_system_without_reservations_has_an_empty_list() -> None:
    assert parse_reservations("No reservations in the system\n") == []


@pytest.mark.parametrize("parse", [parse_nodes, parse_partitions, parse_reservations])
def test_text_before_any_block_is_an_error(parse: Callable[[str], object]) -> None:
    with pytest.raises(ParseError, match="start of a block"):
        parse("Unable to contact slurm controller\n")


def test_the_configuration_gives_what_the_model_reads() -> None:
    config = parse_config(recorded("config.txt"))
    assert (config.cluster_name, config.slurm_version) == ("lab", "22.05.8")
    assert config.scheduler_parameters["bf_interval"] == "10"
    assert config.scheduler_parameters["bf_continue"] == ""
    assert config.priority_weights == {
        "age": 1000, "assoc": 0, "fair_share": 10_000, "job_size": 500, "partition": 2000,
        "qos": 5000,
    }  # fmt: skip
    assert config.priority_tres_weights == {"cpu": 200, "mem": 100, "gres/gpu": 500}
    assert (config.priority_max_age_s, config.priority_decay_half_life_s) == (7200, 3600)
    assert (config.priority_calc_period_s, config.min_job_age_s) == (60, 300)
    assert (config.kill_wait_s, config.over_time_limit_minutes) == (5, 0)
    assert config.enforce == {"associations", "limits", "qos"}
    assert config.private_data == frozenset()
    assert config.def_mem_per_node_mib is None
    assert config.values["SelectTypeParameters"] == "CR_CORE_MEMORY"


def test_private_data_and_unlimited_overtime_are_read() -> None:
    text = "ClusterName = c\nPrivateData = jobs,usage\nOverTimeLimit = UNLIMITED\nKillWait = 30 sec"
    config = parse_config(text)
    assert config.private_data == {"jobs", "usage"}
    assert config.over_time_limit_minutes == math.inf


def test_what_is_no_configuration_is_an_error() -> None:
    with pytest.raises(ParseError, match="ClusterName"):
        parse_config("scontrol: error\n")


def test_the_loaded_capture_agrees_with_the_recording(nodes: dict[str, Node]) -> None:
    captured = {node.name: node for node in Slurm(read_capture(LOADED_CLUSTER).transport).nodes()}
    assert captured == nodes
