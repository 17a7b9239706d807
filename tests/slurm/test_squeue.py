from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime

import pytest

from tests.data.slurm.make_capture import SQUEUE_RECORDED
from tests.slurm.recordings import LOADED_CLUSTER, SMALL_CLUSTER, recorded
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.records import QueuedJob, Tres
from tracker.slurm.squeue import parse_squeue


@pytest.fixture(scope="module")
def loaded() -> dict[int, QueuedJob]:
    return {job.job_id: job for job in Slurm(read_capture(LOADED_CLUSTER).transport).queue()}


@pytest.fixture(scope="module")
def small() -> dict[int, QueuedJob]:
    return {job.job_id: job for job in Slurm(read_capture(SMALL_CLUSTER).transport).queue()}


def test_every_job_of_the_loaded_cluster_is_there(loaded: dict[int, QueuedJob]) -> None:
    assert Counter(job.state for job in loaded.values()) == {
        "PENDING": 204, "RUNNING": 55, "COMPLETED": 113, "FAILED": 11, "TIMEOUT": 2, "CANCELLED": 2,
    }  # fmt: skip


def test_a_running_gpu_job_has_its_times_needs_and_nodes(loaded: dict[int, QueuedJob]) -> None:
    job = next(
        job for job in loaded.values() if job.state == "RUNNING" and job.tres_per_node.gpus == 2
    )
    assert job.tres_alloc.gpus == 2
    assert sum(job.tres_alloc.gpus_by_type.values()) == 2
    assert job.node_list is not None
    assert job.start_at is not None
    assert job.submit_at is not None
    assert job.submit_at.tzinfo is UTC
    assert job.limit_minutes is not None
    assert job.work_dir == "/var/lib/slurm-test/work"


def test_an_untyped_request_stays_untyped_while_pending(loaded: dict[int, QueuedJob]) -> None:
    pending = [
        job for job in loaded.values() if job.state == "PENDING" and job.tres_per_node.gpus == 4
    ]
    untyped = [job for job in pending if not job.tres_per_node.gpus_by_type]
    assert untyped
    assert all(job.tres_alloc.gpus == 4 and not job.tres_alloc.gpus_by_type for job in untyped)


def test_the_unsplit_rest_of_an_array_is_one_row(loaded: dict[int, QueuedJob]) -> None:
    job = loaded[1070]
    assert (job.array_job_id, job.array_task_id) == (1070, None)
    assert (job.array_tasks, job.array_throttle) == ((1, 2, 3, 4, 5, 6), 3)
    assert job.scheduled_nodes == "gpu09"
    assert job.start_at == datetime(2026, 11, 23, 12, 43, 30, tzinfo=UTC)


def test_an_array_task_has_a_raw_id_of_its_own(loaded: dict[int, QueuedJob]) -> None:
    assert (loaded[1138].array_job_id, loaded[1138].array_task_id) == (1074, 3)
    assert (loaded[1074].array_job_id, loaded[1074].array_task_id) == (1074, 4)


def test_a_job_outside_arrays_has_no_array_id(loaded: dict[int, QueuedJob]) -> None:
    assert loaded[952].array_job_id is None


def test_components_of_a_heterogeneous_job_name_their_leader(
    loaded: dict[int, QueuedJob],
) -> None:
    assert (loaded[835].het_job_id, loaded[835].het_offset) == (834, 1)


def test_what_slurm_does_not_say_is_none(loaded: dict[int, QueuedJob]) -> None:
    held = next(job for job in loaded.values() if job.reason == "JobHeldUser")
    assert (held.start_at, held.eligible_at, held.node_list) == (None, None, None)
    assert (held.comment, held.dependency, held.reservation) == (None, None, None)
    assert held.priority == 0


def test_unlimited_is_infinite_and_not_unknown(loaded: dict[int, QueuedJob]) -> None:
    assert [job.limit_minutes for job in loaded.values()].count(math.inf) == 1


def test_reasons_with_commas_and_words_stay_whole(loaded: dict[int, QueuedJob]) -> None:
    reasons = {job.reason for job in loaded.values()}
    assert "ReqNodeNotAvail, May be reserved for other job" in reasons
    assert "job requeued in held state" in reasons


def test_memory_per_cpu_is_told_from_memory_per_node(small: dict[int, QueuedJob]) -> None:
    array = small[6]
    assert (array.cpus, array.mem_mib, array.mem_per_cpu) == (4, 500, True)


def test_memory_per_node_is_not_per_cpu(loaded: dict[int, QueuedJob]) -> None:
    job = next(job for job in loaded.values() if job.mem_mib == 65_536 and job.node_count == 2)
    assert not job.mem_per_cpu


def test_names_and_comments_with_newlines_and_bars_are_whole(small: dict[int, QueuedJob]) -> None:
    assert (small[12].name, small[12].comment) == ("two\nlines", "x\ny")
    assert (small[13].name, small[13].comment) == ("odd|name", "a|b")


def test_a_job_pending_in_several_partitions_has_them_all(small: dict[int, QueuedJob]) -> None:
    assert small[13].partitions == ("gpu", "cpu")
    assert small[16].partitions == ("gpu",)


def test_array_steps_and_throttles_are_read(small: dict[int, QueuedJob]) -> None:
    assert small[6].array_tasks == tuple(range(7, 41, 3))
    assert small[6].array_throttle == 2


def test_gpus_asked_per_job_task_and_node_stay_apart(small: dict[int, QueuedJob]) -> None:
    assert small[1].tres_per_job == Tres(gpus=4)
    assert small[18].tres_per_task == Tres(gpus=2, gpus_by_type={"a100": 2})
    assert small[16].tres_per_node == Tres(gpus=1, gpus_by_type={"a100": 1})


def test_task_counts_that_mean_nothing_are_none(small: dict[int, QueuedJob]) -> None:
    assert small[11].ntasks is None
    assert small[15].ntasks == 2


def test_exclusive_jobs_constraints_and_named_nodes_are_kept(small: dict[int, QueuedJob]) -> None:
    assert small[15].exclusive
    assert not small[12].exclusive
    assert (small[16].features, small[16].required_nodes) == ("gpu&a100", "gpu01")


def test_states_between_running_and_gone_are_seen(small: dict[int, QueuedJob]) -> None:
    assert (small[1].state, small[3].state) == ("PREEMPTED", "COMPLETING")
    assert small[5].state == "SUSPENDED"


def test_a_requeued_job_counts_its_restarts(small: dict[int, QueuedJob]) -> None:
    assert small[4].restarts == 1


def test_exit_codes_are_raw_wait_statuses(small: dict[int, QueuedJob]) -> None:
    assert small[2].exit_code == 3 << 8


def test_a_recording_with_other_fields_and_delimiter_reads_the_same(
    loaded: dict[int, QueuedJob],
) -> None:
    lines = recorded("squeue_O.txt").splitlines()[1:]
    text = "\n".join(line for line in lines if "|a|b=c" not in line)
    jobs = parse_squeue(text, fields=SQUEUE_RECORDED, separator="|")
    assert len(jobs) == 386
    for job in jobs:
        assert job.submit_at == loaded[job.job_id].submit_at
        assert job.tres_alloc == loaded[job.job_id].tres_alloc
