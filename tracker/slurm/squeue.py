"""squeue: the queue as the controller sees it now."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.slurm.jobids import parse_job_id, parse_tasks
from tracker.slurm.records import QueuedJob
from tracker.slurm.rows import SEPARATOR, Row, read_rows
from tracker.slurm.states import parse_state
from tracker.slurm.tres import parse_count

# Names of `squeue -O`, all known from 20.11 to 25.11; free text last. JobID is the raw id,
# JobArrayID the one that people see (12_[4-9%2], 834+0).
FIELDS = (
    "JobID", "JobArrayID", "ArrayJobID", "ArrayTaskID", "State", "UserName", "Account",
    "Partition", "QOS", "PriorityLong", "SubmitTime", "EligibleTime", "StartTime", "EndTime",
    "TimeLimit", "NumNodes", "NumTasks", "NumCPUs", "MinCpus", "MinMemory", "tres-per-job",
    "tres-per-node", "tres-per-task", "tres-alloc", "NodeList", "SchedNodes", "ReqNodes",
    "Feature", "OverSubscribe", "Dependency", "Reservation", "RestartCnt", "exit_code", "Reason",
    "Comment", "Command", "WorkDir", "Name",
)  # fmt: skip
# A width of 0, as in "JobID:", prints the whole value; what follows the colon ends the field.
FORMAT = f"{f':{SEPARATOR},'.join(FIELDS)}:"


def parse_squeue(
    text: str, *, fields: Sequence[str] = FIELDS, separator: str = SEPARATOR
) -> list[QueuedJob]:
    """Jobs in the order printed; ParseError naming the row that is none."""
    return [_job(row) for row in read_rows(text, fields, command="squeue", separator=separator)]


def _job(row: Row) -> QueuedJob:
    job_id = row.integer("JobID")
    if job_id is None:
        raise row.error("JobID is empty")
    shown = row.read("JobArrayID", parse_job_id)
    task, tasks, throttle = _array_part(row)
    in_array = task is not None or bool(tasks)
    in_het_job = shown.het_offset is not None
    nodes, cpus, mem_mib = (
        _lower_end(row, "NumNodes"),
        row.integer("NumCPUs"),
        row.mem_mib("MinMemory"),
    )
    # While pending this field holds what is asked for, afterwards what is held.
    alloc = row.tres("tres-alloc")
    return QueuedJob(
        job_id=job_id,
        state=row.read("State", parse_state).name,
        user=row.raw("UserName").strip(),
        name=row.raw("Name"),
        account=row.text("Account"),
        partitions=row.words("Partition"),
        qos=row.text("QOS"),
        reason=row.text("Reason"),
        priority=row.integer("PriorityLong"),
        submit_at=row.time("SubmitTime"),
        eligible_at=row.time("EligibleTime"),
        start_at=row.time("StartTime"),
        end_at=row.time("EndTime"),
        limit_minutes=row.minutes("TimeLimit"),
        array_job_id=row.integer("ArrayJobID") if in_array else None,
        array_task_id=task,
        array_tasks=tasks,
        array_throttle=throttle,
        het_job_id=shown.base if in_het_job else None,
        het_offset=shown.het_offset,
        node_count=nodes,
        ntasks=row.integer("NumTasks"),
        cpus=cpus,
        min_cpus_per_node=row.integer("MinCpus"),
        mem_mib=mem_mib,
        mem_per_cpu=_is_per_cpu(mem_mib, alloc.mem_mib, cpus, nodes),
        tres_per_node=row.tres("tres-per-node"),
        tres_per_job=row.tres("tres-per-job"),
        tres_per_task=row.tres("tres-per-task"),
        tres_alloc=alloc,
        node_list=row.text("NodeList"),
        scheduled_nodes=row.text("SchedNodes"),
        required_nodes=row.text("ReqNodes"),
        features=row.text("Feature"),
        exclusive=row.raw("OverSubscribe").strip() == "NO",
        dependency=row.text("Dependency"),
        reservation=row.text("Reservation"),
        restarts=row.integer("RestartCnt"),
        exit_code=row.integer("exit_code"),
        comment=row.text("Comment"),
        command=row.text("Command"),
        work_dir=row.text("WorkDir"),
    )


def _array_part(row: Row) -> tuple[int | None, tuple[int, ...], int | None]:
    """Task id, or ids and throttle of the unsplit rest; plain jobs have ``N/A`` here."""
    text = row.text("ArrayTaskID")
    if text is None:
        return None, (), None
    if text.isascii() and text.isdigit():
        return int(text), (), None
    tasks, throttle = row.read("ArrayTaskID", parse_tasks)
    return None, tasks, throttle


def _lower_end(row: Row, field: str) -> int | None:
    """``2-4`` nodes are 2: the scheduler starts the job with as few."""
    return row.read(field, lambda text: parse_count(text.split("-")[0]))


def _is_per_cpu(
    mem_mib: int | None, total_mib: int | None, cpus: int | None, nodes: int | None
) -> bool:
    """squeue prints --mem and --mem-per-cpu alike; the total tells, rounded as it is (62.50G)."""
    if not (mem_mib and total_mib and cpus and nodes):
        return False
    return abs(total_mib - mem_mib * cpus) < abs(total_mib - mem_mib * nodes)
