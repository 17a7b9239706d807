"""What jobs used, as sacct tells it by their steps.

The rows with memory are recorded (Slurm 22.05); those with CPU time and GPUs are reconstructed
after sacct's manual, since the recorded cluster gathered neither.
"""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slurm.recordings import FOLDER, table
from tracker.slurm.commands import USAGE, usage_argv
from tracker.slurm.errors import ParseError
from tracker.slurm.rest import usage as rest_usage
from tracker.slurm.rest.transport import accounting_query
from tracker.slurm.usage import FIELDS, JobUsage, parse_usage

SUBMIT_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
TRAINING = """\
900|900|1795435200|3600|billing=96,cpu=16,gres/gpu:a100=4,gres/gpu=4,mem=64G,node=2|08:00:00|||
900.batch|900.batch|1795435201|3600|cpu=8,mem=32G,node=1|00:00.250|3084K|cpu=00:00:00,mem=3084K|cpu=00:00:00,mem=3084K
900.extern|900.extern|1795435201|3600|cpu=16,mem=64G,node=2|00:00:00|0|cpu=00:00:00,mem=0|cpu=00:00:00,mem=0
900.0|900.0|1795435205|3590|cpu=16,mem=64G,node=2|07:59:59|8388608K|cpu=02:00:00,gres/gpumem=30G,gres/gpuutil=93,mem=8388608K|cpu=07:59:59,gres/gpumem=118G,gres/gpuutil=360,mem=30G
"""


def parsed(text: str) -> list[JobUsage]:
    return parse_usage(text, separator="|")


def test_the_steps_of_a_job_are_taken_together() -> None:
    (job,) = parsed(TRAINING)
    assert (job.job_id, job.submit_at, job.elapsed_s) == (900, SUBMIT_AT, 3600)
    assert (job.alloc_tres.cpus, job.alloc_tres.mem_mib, job.alloc_tres.gpus) == (16, 65536, 4)
    assert job.cpu_s == 7 * 3600 + 59 * 60 + 59 + 0.25
    assert (job.max_rss_mib, job.mem_mib) == (8192, 30720)
    assert (job.gpu_util_percent, job.gpu_mem_mib) == (93, 30720)


def test_each_attempt_of_a_requeued_job_has_the_steps_below_its_own_row() -> None:
    first, second = parsed(
        "12_3|14|1795435200|60|cpu=1|00:00:00|||\n"
        "12_3.batch|14.batch|1795435201|60|cpu=1|00:00:10|1G|mem=1G|mem=1G\n"
        "12_3|14|1795435300|90|cpu=1|00:00:00|||\n"
        "12_3.batch|14.batch|1795435301|90|cpu=1|00:00:20|2G|mem=2G|mem=2G\n"
    )
    assert (first.job_id, first.max_rss_mib, first.cpu_s) == (14, 1024, 10)
    assert (second.job_id, second.max_rss_mib, second.cpu_s) == (14, 2048, 20)
    assert first.submit_at != second.submit_at


def test_what_nobody_gathered_is_unknown_and_not_nothing() -> None:
    (job,) = parsed(
        "7|7|1795435200|2|cpu=1|00:00:00|||\n7.batch|7.batch|1795435200|2|cpu=1|00:00:00|||\n"
    )
    assert (job.cpu_s, job.max_rss_mib, job.mem_mib) == (None, None, None)
    assert (job.gpu_util_percent, job.gpu_mem_mib) == (None, None)


def test_time_is_believed_where_only_memory_came_too_late() -> None:
    (job,) = parsed(
        "7|7|1795435200|2|cpu=1|00:01.500|||\n7.batch|7.batch|1795435200|2|cpu=1|00:01.500|||\n"
    )
    assert (job.cpu_s, job.max_rss_mib) == (1.5, None)


def test_a_recorded_accounting_is_read_to_the_end() -> None:
    text, fields = table("sacct_steps.psv")
    jobs = parse_usage(text, fields=fields, separator="|")
    by_id = {job.job_id: job for job in jobs}
    assert by_id[4].max_rss_mib == 410  # 419132K: killed for it, of 60M asked
    assert by_id[11].max_rss_mib == 4  # 3084K
    assert by_id[1].max_rss_mib is None  # over within two seconds
    assert by_id[8].job_id == 8  # 6_1, by its raw id
    assert by_id[4].alloc_tres.mem_mib == 60


def test_numbers_that_no_machine_has_are_unknown() -> None:
    (job,) = parsed(
        "7|7|1795435200|2|cpu=1|||||\n"
        "7.0|7.0|1795435200|2|cpu=1|UNLIMITED|18446744073709551614|gres/gpuutil=-3|mem=x\n"
    )
    assert (job.cpu_s, job.max_rss_mib, job.gpu_util_percent, job.mem_mib) == (None,) * 4


def test_slurmrestd_tells_the_same_of_the_same_jobs() -> None:
    recording = FOLDER / "22.05-rest" / "slurmdb_38_jobs_steps.json.gz"
    told = rest_usage.parse_usage(gzip.decompress(recording.read_bytes()).decode())
    text, fields = table("sacct_steps.psv")
    printed = {job.job_id: job for job in parse_usage(text, fields=fields, separator="|")}
    assert [job.job_id for job in told] == [4, 11, 233]
    for job in told:
        shown = printed[job.job_id]
        assert (job.max_rss_mib, job.alloc_tres) == (shown.max_rss_mib, shown.alloc_tres)
    assert (told[0].mem_mib, told[0].cpu_s) == (410, 0.002642)
    assert (told[2].mem_mib, told[2].cpu_s) == (None, None)  # never started


def test_slurmrestd_is_asked_for_steps_only_here() -> None:
    assert accounting_query(usage_argv([12, 13])) == "?skip_steps=false&step=12%2C13"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([*"|\n=,:.-K", "900", "900.0", "mem=", "18446744073709551615"])))
def test_any_text_is_records_or_a_parse_error(pieces: list[str]) -> None:
    try:
        parsed("".join(pieces))
    except ParseError as error:
        assert error.problem


def test_steps_are_asked_for_by_few_ids_only() -> None:
    argv = usage_argv([12, 13])
    assert argv[:5] == ("sacct", "-a", "-D", "-n", "-P") and argv[-2:] == ("-j", "12,13")
    assert "-X" not in argv and argv[:-2] == USAGE.argv
    with pytest.raises(ValueError, match="at least one"):
        usage_argv([])
    with pytest.raises(ValueError, match="201 job ids"):
        usage_argv(range(201))


def test_fields_that_only_some_releases_know_are_not_asked() -> None:
    assert not {"Planned", "Reserved", "Restarts", "TRESUsageInMaxNode"} & set(FIELDS)
