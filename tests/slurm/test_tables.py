"""The smaller tables: sinfo, sshare, sprio, sacctmgr, sdiag, and node states."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from tests.slurm.recordings import LOADED_CLUSTER, SMALL_CLUSTER, recorded
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.errors import ParseError
from tracker.slurm.nodestates import parse_node_state
from tracker.slurm.records import Tres
from tracker.slurm.sacctmgr import parse_qos
from tracker.slurm.sdiag import parse_sdiag
from tracker.slurm.sinfo import parse_sinfo
from tracker.slurm.sprio import parse_sprio

SHORT = ("job", "partition", "user", "priority", "nice")


@pytest.fixture(scope="module")
def loaded() -> Slurm:
    return Slurm(read_capture(LOADED_CLUSTER).transport)


@pytest.fixture(scope="module")
def small() -> Slurm:
    return Slurm(read_capture(SMALL_CLUSTER).transport)


@pytest.mark.parametrize(
    ("text", "base", "flags"),
    [
        ("MIXED+DRAIN", "MIXED", {"DRAIN"}),
        ("allocated+completing+drain", "ALLOCATED", {"COMPLETING", "DRAIN"}),
        ("DOWN*+DRAIN", "DOWN", {"NOT_RESPONDING", "DRAIN"}),
        ("unknown+not_responding", "UNKNOWN", {"NOT_RESPONDING"}),
        ("idle~", "IDLE", {"POWERED_DOWN"}),
        ("mix-", "MIXED", {"PLANNED"}),
        ("drng", "MIXED", {"DRAIN"}),
        ("drained*", "IDLE", {"DRAIN", "NOT_RESPONDING"}),
        ("resv", "IDLE", {"RESERVED"}),
        ("inval", "DOWN", {"INVALID_REG"}),
        ("maint", "IDLE", {"MAINTENANCE"}),
        ("fail", "IDLE", {"FAIL"}),
        ("IDLE+CLOUD+POWERED_DOWN", "IDLE", {"CLOUD", "POWERED_DOWN"}),
        ("FUTURE", "FUTURE", set()),
    ],
)
def test_node_states_come_apart_in_every_spelling(text: str, base: str, flags: set[str]) -> None:
    assert parse_node_state(text) == (base, flags)


def test_sinfo_lists_a_node_once_with_all_its_partitions(loaded: Slurm) -> None:
    nodes = {node.name: node for node in loaded.sinfo()}
    assert len(nodes) == 22
    assert nodes["cpu01"].partitions == ("cpu", "debug")
    assert nodes["cpu07"].reason == "ECC errors on DIMM B2, ticket 4711"
    assert nodes["gpu01"].gpus_alloc_by_type == {"a100": 4}


def test_sinfo_agrees_with_scontrol_on_what_both_say(small: Slurm) -> None:
    nodes = {node.name: node for node in small.nodes()}
    for node in small.sinfo():
        same = nodes[node.name]
        assert (node.flags, node.cpus, node.cpus_alloc) == (same.flags, same.cpus, same.cpus_alloc)
        assert (node.gpus_by_type, node.gpus_alloc_by_type) == (
            same.gpus_by_type, same.gpus_alloc_by_type,
        )  # fmt: skip
        assert (node.reason, node.partitions) == (same.reason, same.partitions)


def test_sinfo_of_20_11_knows_no_complete_state_and_its_short_one_is_read() -> None:
    row = ("n1", "cpu*", "drained*", "", "0/0/8/8", "100", "0", "(null)", "gpu:0", "x", "1", "1")
    (node,) = parse_sinfo("\x1f".join((*row, "broken fan")))
    assert (node.base_state, node.flags) == ("IDLE", {"DRAIN", "NOT_RESPONDING"})
    assert node.reason == "broken fan"


def test_the_share_tree_keeps_its_depth(loaded: Slurm) -> None:
    shares = [(share.depth, share.account, share.user) for share in loaded.shares()]
    assert shares[:4] == [(0, "root", None), (1, "root", "root"), (1, "bio", None),
                          (2, "bio", "erin")]  # fmt: skip
    alice = next(share for share in loaded.shares() if share.user == "alice")
    assert (alice.raw_shares, alice.raw_usage, alice.fair_share) == (30, 409_864, 0.428571)
    assert alice.depth == 3


def test_infinite_and_absent_fair_share_levels_differ(loaded: Slurm) -> None:
    by_name = {(share.account, share.user): share.level_fs for share in loaded.shares()}
    assert by_name["root", "root"] == math.inf
    assert by_name["root", None] is None


def test_a_parents_share_is_none(small: Slurm) -> None:
    bob = next(share for share in small.shares() if share.user == "bob")
    assert bob.raw_shares is None


def test_priorities_are_the_sum_of_their_parts(loaded: Slurm) -> None:
    factors = loaded.priorities()
    assert len(factors) == 186
    for job in factors:
        parts = [job.age, job.assoc, job.fair_share, job.job_size, job.partition_factor, job.qos]
        total = sum(part or 0 for part in parts) + sum(job.tres.values())
        assert job.priority == pytest.approx(total, abs=5)  # each part is cut to an integer


def test_priorities_show_all_of_the_tres_column(loaded: Slurm) -> None:
    job = next(job for job in loaded.priorities() if job.job_id == 1070)
    assert job.tres == {"cpu": 2, "mem": 1, "gres/gpu": 25}
    assert (job.fair_share_norm, job.nice) == (0.5714286, 0)


def test_a_job_in_two_partitions_has_a_priority_in_each(small: Slurm) -> None:
    both = [(job.partition, job.priority) for job in small.priorities() if job.job_id == 14]
    assert both == [("gpu", 2273), ("cpu", 2136)]


def test_negative_nice_is_read() -> None:
    (job,) = parse_sprio("3|cpu|alice|27|-7|", fields=[*SHORT, "tres"], separator="|")
    assert (job.nice, job.tres) == (-7, {})


def test_qos_say_whom_they_preempt_and_how(loaded: Slurm) -> None:
    empty = "|" * 13  # from GrpTRES to MaxSubmitPU
    (urgent,) = parse_qos(f"urgent|50||1.0{empty}low,normal|00:01:30|requeue|00:05:00\n")
    assert urgent.preempt == ("low", "normal")
    assert urgent.preempt_mode == ("REQUEUE",)
    assert (urgent.grace_s, urgent.preempt_exempt_s) == (90, 300)
    assert {(q.preempt_mode, q.grace_s, q.preempt_exempt_s) for q in loaded.qos()} == {
        ((), 0, None)
    }


def test_qos_of_a_recording_without_the_newest_fields_are_read(small: Slurm) -> None:
    high = next(one for one in small.qos() if one.name == "high")
    assert (high.preempt, high.preempt_mode, high.grace_s) == (("normal",), (), 0)


def test_qos_limits_are_resources_counts_and_minutes(loaded: Slurm, small: Slurm) -> None:
    qos = {one.name: one for one in loaded.qos()}
    assert qos["high"].max_tres_per_user == Tres(cpus=96, gpus=8)
    assert (qos["high"].max_jobs_per_user, qos["high"].max_submit_per_user) == (6, 200)
    assert (qos["low"].usage_factor, qos["low"].priority) == (0.5, 0)
    assert qos["normal"].max_wall_minutes is None
    limited = {one.name: one for one in small.qos()}["high"]
    assert (limited.max_wall_minutes, limited.grp_wall_minutes) == (1440, 100)
    assert limited.grp_tres == Tres(cpus=100, mem_mib=102_400)
    assert limited.preempt == ("normal",)


def test_associations_form_the_account_tree(loaded: Slurm, small: Slurm) -> None:
    parents = {a.account: a.parent_account for a in loaded.associations() if a.user is None}
    assert parents == {
        "root": None, "bio": "root", "edu": "root", "ml": "root", "nlp": "ml", "vision": "ml",
    }  # fmt: skip
    frank = next(a for a in loaded.associations() if a.user == "frank")
    assert (frank.shares, frank.qos, frank.default_qos) == (10, ("low", "normal"), "normal")
    by_user = {a.user: a for a in small.associations()}
    assert by_user["bob"].shares is None
    assert (by_user["alice"].max_jobs, by_user["alice"].max_wall_minutes) == (50, 10)
    assert by_user["alice"].grp_tres == Tres(cpus=64)


def test_the_controllers_load_and_last_backfill_are_read() -> None:
    load = parse_sdiag(recorded("sdiag.txt"))
    assert (load.server_threads, load.agent_queue_size) == (3, 0)
    assert (load.jobs_pending, load.jobs_running) == (225, 49)
    assert load.last_backfill_at == datetime(2026, 11, 23, 12, 30, 9, tzinfo=UTC)


def test_what_is_no_diagnosis_is_an_error() -> None:
    with pytest.raises(ParseError, match="sdiag"):
        parse_sdiag("nothing of the kind")
