"""Accounting as a trace: sacct dumps and NREL's table, one job per incarnation."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from planner.traces.accounting import YEAR_S
from planner.traces.cleaning import TraceError
from planner.traces.jobs import Trace
from planner.traces.reading import read_trace
from planner.traces.sacct_dump import HOW_TO, NEEDED

RECORDED = Path(__file__).parents[1] / "data" / "slurm" / "22.05" / "sacct_jobs.psv.gz"


def row(**said: str) -> str:
    usual = {
        "JobID": "12", "JobIDRaw": "12", "State": "COMPLETED", "User": "alice",
        "Account": "vision", "Partition": "cpu", "Submit": "1000", "Start": "1060",
        "End": "1360", "Timelimit": "00:10:00", "ReqCPUS": "8", "ReqTRES": "cpu=8,mem=16G,node=1",
        "NodeList": "cpu01",
    }  # fmt: skip
    return "|".join((usual | said)[name] for name in NEEDED)


def read(tmp_path: Path, *rows: str) -> Trace:
    path = tmp_path / "sacct.txt"
    path.write_text("\n".join(("|".join(NEEDED), *rows)) + "\n")
    return read_trace(path)


def test_a_row_is_an_incarnation(tmp_path: Path) -> None:
    (job,) = read(tmp_path, row()).jobs
    assert job.asked.job_id == "12"
    assert (job.asked.user, job.asked.group, job.asked.partition) == ("alice", "vision", "cpu")
    assert (job.asked.submit_s, job.wait_s, job.run_s) == (1000.0, 60.0, 300.0)
    assert (job.asked.procs, job.asked.limit_s) == (8, 600.0)


def test_a_requeued_job_waits_once_per_incarnation(tmp_path: Path) -> None:
    jobs = read(
        tmp_path,
        row(State="NODE_FAIL"),
        row(Submit="1361", Start="1400", End="1500"),
        row(JobID="12.batch", JobIDRaw="12.batch"),
    ).jobs
    assert [(job.asked.submit_s, job.wait_s) for job in jobs] == [(1000.0, 60.0), (1361.0, 39.0)]


@pytest.mark.parametrize("start", ["None", "1360"])
def test_a_job_cancelled_before_it_got_a_node_waited_at_least_so_long(
    tmp_path: Path, start: str
) -> None:
    gone = row(State="CANCELLED by 1001", Start=start, NodeList="None assigned")
    (job,) = read(tmp_path, gone).jobs
    assert job.cancelled_wait_s == 360.0
    assert (job.wait_s, job.run_s) == (None, None)


def test_what_still_waits_or_runs_has_no_outcome_yet(tmp_path: Path) -> None:
    waiting, running = read(
        tmp_path,
        row(State="PENDING", Start="Unknown", End="Unknown", NodeList="None assigned"),
        row(State="RUNNING", End="Unknown"),
    ).jobs
    assert (waiting.wait_s, waiting.run_s, waiting.cancelled_wait_s) == (None, None, None)
    assert (running.wait_s, running.run_s) == (60.0, None)


def test_sizes_are_gpus_where_most_jobs_of_the_partition_ask_for_them(tmp_path: Path) -> None:
    gpu = {"Partition": "gpu", "ReqTRES": "cpu=8,gres/gpu=2,gres/gpu:a100=2,mem=16G,node=1"}
    trace = read(
        tmp_path,
        row(**gpu),
        row(**gpu),
        row(Partition="gpu"),
        row(),
        row(ReqTRES=gpu["ReqTRES"]),
        row(),
    )
    sizes = [(job.asked.partition, job.asked.procs) for job in trace.jobs]
    assert sizes == [("gpu", 2), ("gpu", 2), ("cpu", 8), ("cpu", 8), ("cpu", 8)]
    assert "sizes in gpu are GPUs, as most of the jobs there ask for them" in trace.notes
    assert "jobs dropped, without a GPU in a partition where most ask for some: 1" in trace.notes


@pytest.mark.parametrize("limit", ["UNLIMITED", "Partition_Limit"])
def test_without_a_limit_a_year_is_planned_and_that_is_told(tmp_path: Path, limit: str) -> None:
    trace = read(tmp_path, row(Timelimit=limit))
    assert trace.jobs[0].asked.limit_s == YEAR_S
    assert "jobs without a time limit, for which Slurm plans a year: 1" in trace.notes


def test_rows_that_cannot_be_read_are_left_out_and_counted(tmp_path: Path) -> None:
    trace = read(tmp_path, row(), row(State="17"))
    assert len(trace.jobs) == 1
    assert any("rows that cannot be read, left out: 1" in note for note in trace.notes)


def test_a_dump_of_which_no_row_can_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="no row can be read"):
        read(tmp_path, row(State="17"))


def test_a_dump_without_a_needed_column_names_it_and_the_command(tmp_path: Path) -> None:
    path = tmp_path / "sacct.txt"
    path.write_text("JobID|State\n1|COMPLETED\n")
    with pytest.raises(TraceError) as refused:
        read_trace(path)
    assert "lacks JobIDRaw, User, Account" in str(refused.value)
    assert HOW_TO in str(refused.value)


def test_a_recorded_dump_of_a_real_cluster_is_read() -> None:
    trace = read_trace(RECORDED)
    records = gzip.decompress(RECORDED.read_bytes()).decode().count("\n")
    assert 0.95 * records < len(trace.jobs) < records
    assert {job.asked.partition for job in trace.jobs} == {"cpu", "gpu", "debug", "highmem"}
    assert all((job.wait_s or 0) >= 0 for job in trace.jobs)
    assert any(job.cancelled_wait_s is not None for job in trace.jobs)


EAGLE = (
    "job_id,user,account,partition,qos,wallclock_req,nodes_req,processors_req,gpus_req,mem_req,"
    "submit_time,start_time,end_time,run_time,state,name,work_dir,submit_line\n"
)
EAGLE_JOB = (
    "7,user0014,account0003,partition001,normal,172800.0,10,10,0,0.0,"
    "2019-01-01 08:55:55,2019-01-01 08:56:00,2019-01-01 09:56:00,3600.0,COMPLETED,n,w,s\n"
)


def test_nrels_table_is_read_with_nodes_as_sizes(tmp_path: Path) -> None:
    path = tmp_path / "eagle.csv"
    path.write_text(EAGLE + EAGLE_JOB)
    trace = read_trace(path, 2617)
    (job,) = trace.jobs
    assert (job.asked.procs, job.asked.limit_s) == (10, 172800.0)
    assert (job.asked.group, job.asked.partition) == ("account0003", "partition001")
    assert (job.wait_s, job.run_s) == (5.0, 3600.0)
    assert trace.processors == 2617
    assert "sizes are nodes, which this machine gives whole" in trace.notes


@pytest.mark.parametrize("was", ["2019-01-01 08:55:55", "172800.0"])
def test_a_row_of_nrels_table_that_cannot_be_read_is_named(tmp_path: Path, was: str) -> None:
    path = tmp_path / "eagle.csv"
    path.write_text(EAGLE + EAGLE_JOB + EAGLE_JOB.replace(was, "soon"))
    with pytest.raises(TraceError, match=r"eagle\.csv, line 3: .*soon.*; remove the line"):
        read_trace(path)


def test_nrels_published_sample() -> None:
    folder = os.environ.get("QUEUECAST_TRACES")
    name = "NREL-Eagle-sample-1000.csv.gz"
    if folder is None or not (path := Path(folder) / name).exists():
        pytest.skip(f"QUEUECAST_TRACES names no folder with {name}")
    assert len(read_trace(path).jobs) == 1000
