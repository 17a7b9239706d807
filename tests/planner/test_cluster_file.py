"""A cluster file: what is read from it, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.clusterfile import ClusterFileError, kinds, read_cluster_file
from planner.snapshot import Facts, build

ROOT = Path(__file__).resolve().parents[2]
HERON = ROOT / "tests" / "data" / "clusters" / "heron.toml"
SMALL = """\
[[nodes]]
NodeName = "n[1-2]"
CPUs = 4

[[partitions]]
PartitionName = "p"
Nodes = "ALL"
"""


def read(tmp_path: Path, text: str) -> Facts:
    path = tmp_path / "small.toml"
    path.write_text(text)
    return read_cluster_file(path)


def test_the_example_is_the_one_in_the_documentation() -> None:
    assert HERON.read_text() in (ROOT / "docs" / "simulate.md").read_text()


def test_every_key_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "simulate.md").read_text()
    for kind in (*kinds.TABLES.values(), kinds.CONFIG):
        listed = ", ".join(f"`{key}`" for key in kind.keys)
        assert f"| `{kind.title}` | {listed} |" in text


def test_hardware_is_read_by_slurms_names() -> None:
    world = build(read_cluster_file(HERON)).world
    assert world.nodes.names == (*(f"cpu{i}" for i in range(1, 7)), "big1", "big2", "gpu1", "gpu2")
    assert world.nodes.cpus.tolist() == [32] * 8 + [64] * 2
    assert world.nodes.mem_mib.tolist() == [128_000] * 6 + [512_000] * 4
    assert world.nodes.weight.tolist() == [1] * 6 + [10] * 2 + [1] * 2
    assert world.nodes.gpu_types == ("a100",)
    assert world.nodes.gpus[:, 0].tolist() == [0] * 8 + [4] * 2
    assert world.nodes.features[0] == {"avx512"}
    assert world.nodes.usable_now.all()
    cpu, debug, gpu = world.partitions
    assert [int(one.nodes.sum()) for one in (cpu, debug, gpu)] == [8, 2, 2]
    assert (cpu.max_s, debug.max_s, gpu.max_s) == (3 * 86400, 1800, float("inf"))
    assert (cpu.priority_tier, debug.priority_tier) == (1, 2)
    assert gpu.billing_weights == {"cpu": 1.0, "gres/gpu": 16.0}
    (maintenance,) = world.reservations
    assert maintenance.nodes.all()
    assert maintenance.end_s - maintenance.start_s == 4 * 3600


def test_rules_are_read_by_slurms_names() -> None:
    world = build(read_cluster_file(HERON)).world
    assert (world.config.bf_window_s, world.config.bf_continue) == (2 * 86400, True)
    assert world.config.priority.weight_fair_share == 10_000
    assert world.config.priority.decay_half_life_s == 14 * 86400
    normal, urgent = world.qos
    assert normal.max_tres_per_user == {"gres/gpu": 6}
    assert (urgent.priority, urgent.max_jobs_per_user, urgent.usage_factor) == (100, 2, 2.0)
    tree = {(one.account, one.user): one for one in world.associations}
    assert tree["vision", None].parent == "root"
    assert tree["theory", None].grp_tres == {"cpu": 128}
    assert (tree["vision", None].shares, tree["vision", "alice"].shares) == (60, 3)


def test_limits_in_the_file_are_enforced_unless_it_says_what_is(tmp_path: Path) -> None:
    assert not build(read(tmp_path, SMALL)).world.config.enforce_limits
    limited = SMALL + '[[qos]]\nName = "normal"\n'
    assert build(read(tmp_path, limited)).world.config.enforce_limits
    lenient = limited + '[config]\nAccountingStorageEnforce = "associations"\n'
    assert not build(read(tmp_path, lenient)).world.config.enforce_limits


def test_keys_may_be_written_in_any_case(tmp_path: Path) -> None:
    facts = read(
        tmp_path, SMALL.replace("CPUs", "cpus") + "[config]\nPriorityWeightFairshare = 5\n"
    )
    assert [node.cpus for node in facts.nodes] == [4, 4]
    assert facts.config is not None
    assert facts.config.priority_weights["fair_share"] == 5


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (SMALL.replace("CPUs", "CPU"), r"\[\[nodes\]\] n\[1-2\]: CPU is no key here; is it CPUs\?"),
        (SMALL.replace("CPUs = 4", "Weight = 4"), r"n\[1-2\]: CPUs is missing; give it"),
        (SMALL.replace("CPUs = 4", "CPUs = 0"), "CPUs is 0; give 1 or more"),
        (SMALL.replace("= 4", '= "many"'), "CPUs: 'many' is not an amount"),
        (SMALL.replace("= 4", "= {}"), r"CPUs is \{\}; give a text, a number or a list"),
        (SMALL.replace("CPUs", 'RealMemory = "64G"\nCPUs'), "RealMemory is '64G'; give whole MiB"),
        (SMALL.replace("n[1-2]", "n[1-"), "a bracket is left open"),
        (SMALL.replace("n[1-2]", "n 1"), "NodeName is 'n 1'; Slurm allows no spaces"),
        (SMALL.replace('"n[1-2]"', '"n1,n1"'), "n1 was given before; give every node once"),
        (SMALL.replace('"ALL"', '"n3"'), "Nodes names n3, which no"),
        (SMALL + 'MaxTime = "soon"', "p: MaxTime: 'soon' is not a duration"),
        (SMALL + 'QOS = "gold"', "QOS gold is not in the file; add it as"),
        (SMALL + '[[partitions]]\nPartitionName = "p"\nNodes = "n1"', "p was given before"),
        (SMALL + '[[qos]]\nName = "a"\nPreempt = "b"', "Preempt names b; add it as"),
        (SMALL + '[[users]]\nUser = "u"\nAccount = "a"', "Account a is not in the file; add it"),
        (SMALL + '[[accounts]]\nAccount = "a"\nParentName = "b"', "ParentName b is not in the"),
        (SMALL + "[config]\nPriorityWeightAge = [1]", "PriorityWeightAge is "),
        (SMALL + "[config]\nPriorityWeightFairShares = 1", "is it PriorityWeightFairShare?"),
        (SMALL + "[[queues]]\n", "queues is no part of a cluster file"),
        (SMALL.replace("[[nodes]]", "[nodes]"), r"nodes: write each as a table of its own"),
        ("config = 1\n" + SMALL, r"config: write it as a table, \[config\]"),
        (SMALL.partition("[[partitions]]")[0], r"has no partitions; add \[\[partitions\]\]"),
        ("nodes = [", "is no TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_of(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ClusterFileError, match=problem) as refused:
        read(tmp_path, text)
    assert str(refused.value).startswith(str(tmp_path / "small.toml"))
