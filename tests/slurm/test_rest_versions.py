"""v0.0.39 and later, reconstructed from the source of Slurm: no such server was seen."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from tracker.slurm.client import parse
from tracker.slurm.rest.document import quantity
from tracker.slurm.transports import Output

AT = datetime(2026, 11, 25, tzinfo=UTC)
INFINITE = {"set": False, "infinite": True, "number": 0}
UNSET = {"set": False, "infinite": False, "number": 0}


def number(value: int) -> dict[str, Any]:
    return {"set": True, "infinite": False, "number": value}


def told(name: str, key: str, item: dict[str, Any], version: int = 40):
    plugin = {"type": "openapi/slurmctld", "data_parser": f"data_parser/v0.0.{version}"}
    text = json.dumps({"meta": {"plugin": plugin}, "errors": [], key: [item]})
    (record,) = parse(Output(name, ("GET", "/"), text, "", 0, AT, 0.1))
    return record


JOB: dict[str, Any] = {
    "job_id": 12, "user_name": "ada", "name": "train", "job_state": ["RUNNING"],
    "array_job_id": number(0), "array_task_id": UNSET, "array_task_string": "",
    "time_limit": INFINITE, "submit_time": number(1_795_624_721), "end_time": number(0),
    "start_time": number(1_795_624_725), "cpus": number(8), "node_count": number(1),
    "memory_per_cpu": number(2000), "memory_per_node": UNSET, "shared": ["none"],
    "exit_code": {"status": ["SUCCESS"], "return_code": number(0), "signal": {"id": UNSET}},
    "state_reason": "None", "partition": "gpu,cpu", "scheduled_nodes": "gpu01",
}  # fmt: skip


def test_numbers_that_are_objects_are_read() -> None:
    job = told("squeue", "jobs", JOB)
    assert (job.limit_minutes, job.cpus, job.mem_mib, job.mem_per_cpu) == (math.inf, 8, 2000, True)
    assert job.start_at == datetime(2026, 11, 25, 16, 38, 45, tzinfo=UTC)
    assert (job.end_at, job.array_job_id, job.exclusive) == (None, None, True)
    assert (job.partitions, job.scheduled_nodes) == (("gpu", "cpu"), "gpu01")


def test_a_limit_that_is_not_set_is_not_unlimited() -> None:
    assert told("squeue", "jobs", JOB | {"time_limit": UNSET}).limit_minutes is None


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("RUNNING", "RUNNING"),  # v0.0.39
        (["COMPLETED", "COMPLETING"], "COMPLETING"),
        (["PENDING", "REQUEUED"], "REQUEUED"),
        (["RUNNING", "POWER_UP_NODE"], "RUNNING"),
        (["FAILED"], "FAILED"),
    ],
)
def test_a_state_of_several_words_is_the_one_that_squeue_shows(state: Any, shown: str) -> None:
    assert told("squeue", "jobs", JOB | {"job_state": state}).state == shown


@pytest.mark.parametrize(
    ("code", "signal", "wait_status"), [(number(7), UNSET, 1792), (UNSET, number(9), 9)]
)
def test_an_exit_taken_apart_is_put_together(code: Any, signal: Any, wait_status: int) -> None:
    exit_code = {"status": ["ERROR"], "return_code": code, "signal": {"id": signal, "name": ""}}
    assert told("squeue", "jobs", JOB | {"exit_code": exit_code}).exit_code == wait_status


ATTEMPT: dict[str, Any] = {
    "job_id": 12, "user": "ada", "name": "train",
    "state": {"current": ["FAILED"], "reason": "None"},
    "exit_code": {"status": ["ERROR"], "return_code": number(7), "signal": {"id": UNSET}},
    "time": {"start": 1_795_624_725, "end": 1_795_624_790, "elapsed": 65, "limit": INFINITE},
    "array": {"job_id": 3, "task_id": number(5), "task": ""},
    "het": {"job_id": 0, "job_offset": UNSET}, "reservation": {"id": 4, "name": "course"},
    "tres": {"allocated": [{"type": "gres", "name": "gpu:a100", "id": 1002, "count": 2}]},
    "flags": ["CLEAR_SCHEDULING", "STARTED_ON_BACKFILL", "START_RECEIVED"],
}  # fmt: skip


def test_exit_codes_are_believed_since_v0_0_40() -> None:
    since = told("sacct", "jobs", ATTEMPT)
    assert (since.state, since.exit_code, since.exit_signal) == ("FAILED", 7, 0)
    before = told("sacct", "jobs", ATTEMPT | {"exit_code": {"status": "SUCCESS"}}, version=39)
    assert before.exit_code is None


def test_accounting_of_later_versions_is_read() -> None:
    attempt = told("sacct", "jobs", ATTEMPT)
    assert (attempt.array_job_id, attempt.array_task_id, attempt.het_job_id) == (3, 5, None)
    assert (attempt.limit_minutes, attempt.reservation) == (math.inf, "course")
    assert attempt.alloc_tres.gpus_by_type == {"a100": 2}
    assert attempt.flags == ("SchedBackfill", "StartRecieved")


def test_nodes_have_their_states_in_one_list() -> None:
    node = told(
        "nodes",
        "nodes",
        {"name": "gpu01", "state": ["MIXED", "DRAIN"], "cpus": 64, "effective_cpus": 62,
         "real_memory": 512_000, "specialized_memory": 2_000, "gres": "gpu:a100:4",
         "features": ["gpu", "a100"], "partitions": ["gpu"]},
    )  # fmt: skip
    assert (node.state, node.cpus, node.mem_mib) == ("MIXED+DRAIN", 62, 510_000)
    assert node.features == {"gpu", "a100"}


def test_partitions_have_their_limits_in_groups() -> None:
    part = told(
        "partitions",
        "partitions",
        {"name": "gpu", "nodes": {"configured": "gpu[01-12]", "total": 12}, "cpus": {"total": 640},
         "partition": {"state": ["DRAIN"]}, "maximums": {"time": number(60), "nodes": INFINITE},
         "defaults": {"time": UNSET, "partition_memory_per_cpu": number(2000)},
         "priority": {"tier": 10, "job_factor": 20}, "qos": {"assigned": "normal", "allowed": ""},
         "accounts": {"allowed": "nlp,vision", "deny": ""}, "groups": {"allowed": ""},
         "tres": {"billing_weights": "CPU=1.0"}},
        version=42,
    )  # fmt: skip
    assert (part.node_list, part.total_nodes, part.state) == ("gpu[01-12]", 12, "DRAIN")
    assert (part.max_minutes, part.max_nodes, part.default_minutes) == (60, math.inf, None)
    assert (part.def_mem_per_cpu_mib, part.priority_tier, part.qos) == (2000, 10, "normal")
    assert part.allow_accounts == {"nlp", "vision"}
    assert (part.allow_qos, part.billing_weights) == (None, {"cpu": 1.0})


def test_qos_are_under_a_small_letter_key() -> None:
    qos = told("qos", "qos", {"name": "high", "priority": number(100), "usage_factor": number(1),
                              "flags": ["OVERRIDE_PARTITION_QOS"]})  # fmt: skip
    assert (qos.priority, qos.usage_factor, qos.flags) == (100, 1.0, {"OverPartQOS"})


@pytest.mark.parametrize(
    ("value", "meant"),
    [(5, 5), (0, 0), (None, None), (-1, math.inf), (4_294_967_294, None), (4_294_967_295, math.inf),
     (number(5), 5), (UNSET, None), (INFINITE, math.inf), ({}, None)],
)  # fmt: skip
def test_every_way_to_write_a_number(value: Any, meant: float | None) -> None:
    assert quantity(value) == meant


@pytest.mark.parametrize("value", [True, "5", [5], number("5"), 1e999])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        quantity(value)
