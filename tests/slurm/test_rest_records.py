"""slurmrestd's recorded answers, read into the records that the commands' output gives."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.slurm.recordings import LOADED_CLUSTER
from tests.slurm.restd import answer
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm, parse
from tracker.slurm.errors import ParseError
from tracker.slurm.records import AccountedJob, Partition, Qos, QueuedJob, Tres
from tracker.slurm.transports import Output

ASKED_AT = datetime(2026, 11, 23, 12, 30, 25, tzinfo=UTC)
CAPTURED = Slurm(read_capture(LOADED_CLUSTER).transport)  # of the same cluster, by commands


def told(name: str, recording: str):
    path = f"/slurm/v0.0.38/{recording}"
    return parse(Output(name, ("GET", path), answer(recording), "", 0, ASKED_AT, 0.1))


@pytest.fixture(scope="module")
def queue() -> dict[int, QueuedJob]:
    return {job.job_id: job for job in told("squeue", "slurm_38_jobs")}


@pytest.fixture(scope="module")
def attempts() -> list[AccountedJob]:
    return told("sacct", "slurmdb_38_jobs")


def attempt(attempts: list[AccountedJob], job_id: int) -> AccountedJob:
    return next(one for one in attempts if one.job_id == job_id)


def differing(told: Any, by_command: Any) -> set[str]:
    names = (field.name for field in fields(told))
    return {name for name in names if getattr(told, name) != getattr(by_command, name)}


def test_every_job_of_the_queue_is_read(queue: dict[int, QueuedJob]) -> None:
    assert Counter(job.state for job in queue.values()) == {
        "PENDING": 37, "COMPLETED": 14, "RUNNING": 12, "FAILED": 9, "TIMEOUT": 2, "CANCELLED": 2,
    }  # fmt: skip


def test_the_queue_is_that_of_squeue(queue: dict[int, QueuedJob]) -> None:
    by_command = {job.job_id: job for job in CAPTURED.queue()}
    # The nodes planned are not told, nor the CPUs of jobs that ended without nodes; squeue does not
    # tell memory per CPU from memory per node; and the scheduler went on between the questions.
    may_differ = {"scheduled_nodes", "cpus", "mem_per_cpu", "reason", "start_at", "end_at"}
    both = [differing(queue[job_id], by_command[job_id]) for job_id in queue.keys() & by_command]
    assert set().union(*both) <= may_differ
    assert sum(not one for one in both) >= 40


def test_an_array_has_tasks_and_throttle(queue: dict[int, QueuedJob]) -> None:
    rest = queue[1070]
    assert (rest.array_job_id, rest.array_task_id, rest.array_tasks) == (
        1070,
        None,
        tuple(range(1, 7)),
    )
    assert rest.array_throttle == 3
    task = queue[848]
    assert (task.array_job_id, task.array_task_id, task.array_tasks) == (831, 5, ())


def test_heterogeneous_components_know_their_leader(queue: dict[int, QueuedJob]) -> None:
    assert [(queue[job].het_job_id, queue[job].het_offset) for job in (834, 835, 796)] == [
        (834, 0), (834, 1), (None, None),
    ]  # fmt: skip


def test_what_did_not_happen_is_none_and_no_limit_is_infinite(queue: dict[int, QueuedJob]) -> None:
    held = queue[326]
    assert (held.start_at, held.eligible_at, held.node_list) == (None, None, None)
    endless = [job for job in queue.values() if job.limit_minutes == math.inf]
    assert endless
    assert [job.end_at for job in endless if job.state == "RUNNING"] == [None]


def test_gpus_asked_and_held_are_told_apart_by_type(queue: dict[int, QueuedJob]) -> None:
    assert queue[1070].tres_per_node == Tres(gpus=2, gpus_by_type={"v100": 2})
    assert queue[1070].tres_alloc.cpus == 8
    assert queue[1165].tres_alloc.gpus == queue[1165].tres_per_node.gpus


def test_the_queue_has_the_wait_status(queue: dict[int, QueuedJob]) -> None:
    assert queue[807].exit_code is not None
    assert queue[807].exit_code >> 8 > 0


def test_an_attempt_has_its_times_resources_and_place(attempts: list[AccountedJob]) -> None:
    done = attempt(attempts, 1)
    assert (done.state, done.exit_code, done.exit_signal) == ("COMPLETED", 0, 0)
    assert done.start_at == datetime(2026, 11, 25, 16, 38, 41, tzinfo=UTC)
    assert (done.elapsed_s, done.limit_minutes, done.node_list) == (1, 10, "cpu01")
    assert done.alloc_tres == Tres(cpus=1, mem_mib=2000, nodes=1, billing=1)
    assert done.flags == ("SchedBackfill",)


def test_an_exit_code_that_22_05_loses_is_unknown_and_not_0(attempts: list[AccountedJob]) -> None:
    failed, killed = attempt(attempts, 2), attempt(attempts, 4)
    assert (failed.state, failed.exit_code, failed.exit_signal) == ("FAILED", None, 0)
    assert (killed.state, killed.exit_code, killed.exit_signal) == ("FAILED", 0, 9)


def test_a_requeued_job_has_both_attempts(attempts: list[AccountedJob]) -> None:
    both = [one for one in attempts if one.job_id == 15]
    assert [one.state for one in both] == ["REQUEUED", "COMPLETED"]
    assert both[0].submit_at < both[1].submit_at


def test_a_job_that_never_started_has_an_end_only(attempts: list[AccountedJob]) -> None:
    cancelled = attempt(attempts, 16)
    assert (cancelled.state, cancelled.start_at) == ("CANCELLED", None)
    assert (cancelled.node_list, cancelled.end_at) == (
        None,
        datetime(2026, 11, 25, 17, 2, 33, tzinfo=UTC),
    )


def test_an_arrays_rest_has_the_tasks_of_its_bits(attempts: list[AccountedJob]) -> None:
    rest = attempt(attempts, 32)  # 0xD
    assert (rest.array_job_id, rest.array_task_id, rest.array_tasks) == (32, None, (0, 2, 3))
    task = attempt(attempts, 17)
    assert (task.array_job_id, task.array_task_id, task.array_tasks) == (5, 1, ())


def test_no_limit_of_a_job_that_ran_is_unlimited(
    attempts: list[AccountedJob],
) -> None:
    assert attempt(attempts, 24).limit_minutes == math.inf


def test_the_version_that_puts_eligible_for_start_is_not_believed() -> None:
    old = told("sacct", "slurmdb_37_jobs")
    unlimited = attempt(old, 24)
    assert unlimited.end_at - unlimited.start_at == timedelta(seconds=unlimited.elapsed_s)
    assert unlimited.start_at > unlimited.eligible_at
    assert attempt(old, 16).start_at is None  # its eligible time is after its end


def test_nodes_are_those_of_scontrol_but_for_what_ran_meanwhile() -> None:
    by_command = {node.name: node for node in CAPTURED.nodes()}
    nodes = told("nodes", "slurm_38_nodes")
    assert len(nodes) == len(told("sinfo", "slurm_38_nodes")) == 22
    moving = {"base_state", "cpus_alloc", "mem_alloc_mib", "gpus_alloc_by_type"}
    assert set().union(*(differing(node, by_command[node.name]) for node in nodes)) <= moving
    assert {"DRAIN", "FAIL", "RESERVED"} <= set().union(*(node.flags for node in nodes))


def test_v0_0_36_knows_less_of_a_node() -> None:
    nodes = {node.name: node for node in told("nodes", "slurm_36_nodes")}
    assert nodes["gpu03"].gpus_alloc_by_type == {"a100": 4}
    assert (nodes["gpu03"].partitions, nodes["gpu03"].flags) == ((), frozenset())


def test_partitions_are_those_of_scontrol() -> None:
    assert told("partitions", "slurm_38_partitions") == CAPTURED.partitions()


def test_partitions_of_v0_0_36_lack_only_the_default_limit_and_state() -> None:
    old: list[Partition] = told("partitions", "slurm_36_partitions")
    assert [part.default_minutes for part in old] == [None] * 4
    assert [part.def_mem_per_cpu_mib for part in old] == [2000] * 4
    assert [part.max_minutes for part in old] == [
        part.max_minutes for part in CAPTURED.partitions()
    ]


def test_reservations_are_active_by_the_time_of_the_question() -> None:
    assert told("reservations", "slurm_38_reservations") == CAPTURED.reservations()


def test_qos_are_those_of_sacctmgr() -> None:
    assert told("qos", "slurmdb_38_qos") == CAPTURED.qos()


def test_v0_0_36_keeps_the_limit_of_running_jobs_elsewhere() -> None:
    high: Qos = next(qos for qos in told("qos", "slurmdb_36_qos") if qos.name == "high")
    assert (high.max_jobs_per_user, high.max_submit_per_user) == (6, None)


def test_associations_are_those_of_sacctmgr_in_another_order() -> None:
    rows = told("assoc", "slurmdb_38_associations")
    assert sorted(rows, key=repr) == sorted(CAPTURED.associations(), key=repr)


def test_the_load_is_that_of_sdiag() -> None:
    load = told("sdiag", "slurm_38_diag")
    assert (load.jobs_pending, load.jobs_running, load.server_threads) == (225, 49, 3)
    assert load.last_backfill_at == datetime(2026, 11, 23, 12, 30, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"meta": {"plugin": {"type": "openapi/v0.0.38"}}}',
        '{"meta": {"plugin": {"type": "openapi/v0.0.38"}}, "jobs": [12]}',
        '{"meta": {"plugin": {"type": "openapi/v0.0.38"}}, "jobs": [{"job_id": NaN}]}',
        '{"meta": {"plugin": {"type": "openapi/v0.0.38"}}, "jobs": [{"job_id": "twelve"}]}',
    ],
)
def test_what_is_no_answer_is_a_parse_error_that_shows_it(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(Output("squeue", ("GET", "/"), text, "", 0, ASKED_AT, 0.1))
    assert caught.value.command == "squeue"
    assert caught.value.problem
