"""squeue: -O and -o formats, filters, and the columns that people see."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from planner.demo.amounts import asked, gres_text, held, tres_text
from planner.demo.arguments import Arguments, parse
from planner.demo.calls import Answer, Call, mem_text, short_duration
from planner.demo.controller import Controller
from planner.demo.queueview import QueueRow, queue_rows
from planner.demo.refusal import SlurmRefusalError
from planner.demo.tables import Column, named_columns, percent_columns, table
from tracker.slurm.hostlist import compress
from tracker.slurm.states import LONG_BY_COMPACT

_SHORT = {
    "h": "noheader", "a": "all", "t:": "states", "o:": "format", "O:": "Format", "u:": "user",
    "j:": "jobs", "p:": "partition", "A:": "account", "n:": "name", "l": "long", "r": "array",
    "S:": "sort", "q:": "qos",
}  # fmt: skip
_COMPACT = {long: compact for compact, long in LONG_BY_COMPACT.items()}

_DEFAULT = "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R"
_LONG = "%.18i %.9P %.8j %.8u %.8T %.10M %.9l %.6D %R"
_START = "%.18i %.9P %.8j %.8u %.2t %.19S %.6D %20Y %R"
_LETTERS = {
    "i": "JobArrayID", "A": "JobID", "F": "ArrayJobID", "K": "ArrayTaskID", "P": "Partition",
    "j": "Name", "u": "UserName", "t": "StateCompact", "T": "State", "M": "TimeUsed",
    "L": "TimeLeft", "l": "TimeLimit", "D": "NumNodes", "C": "NumCPUs", "R": "ReasonList",
    "N": "NodeList", "r": "Reason", "S": "StartTime", "e": "EndTime", "V": "SubmitTime",
    "Q": "PriorityLong", "p": "Priority", "a": "Account", "q": "QOS", "b": "tres-per-node",
    "m": "MinMemory", "f": "Feature", "E": "Dependency", "v": "Reservation", "k": "Comment",
    "o": "Command", "Z": "WorkDir", "Y": "SchedNodes",
}  # fmt: skip
_HEADINGS = {
    "JobArrayID": "JOBID", "UserName": "USER", "StateCompact": "ST", "TimeUsed": "TIME",
    "TimeLimit": "TIME_LIMIT", "NumNodes": "NODES", "NumCPUs": "CPUS",
    "ReasonList": "NODELIST(REASON)", "StartTime": "START_TIME", "EndTime": "END_TIME",
    "TimeLeft": "TIME_LEFT", "SubmitTime": "SUBMIT_TIME", "PriorityLong": "PRIORITY",
    "MinMemory": "MIN_MEMORY", "tres-per-node": "TRES_PER_NODE", "Feature": "FEATURES",
    "WorkDir": "WORK_DIR", "ArrayJobID": "ARRAY_JOB_ID", "ArrayTaskID": "ARRAY_TASK_ID",
}  # fmt: skip


def run(controller: Controller, call: Call) -> Answer:
    options = parse(call, _SHORT, ("me", "start"))
    if options.words:
        raise SlurmRefusalError(f"squeue: error: Unrecognized option: {options.words[0]}")
    rows = _selected(controller, options)
    fields = _fields(call, controller.now_at)
    prefix, columns = _columns(options, fields)
    headings = {name: _HEADINGS.get(name, name.upper()) for name in fields}
    return Answer(
        table(
            columns,
            rows,
            fields,
            headings=None if "noheader" in options else headings,
            prefix=prefix,
        )
    )


def _columns(options: Arguments, known: Iterable[str]) -> tuple[str, list[Column]]:
    if "Format" in options:
        return "", named_columns(options.options["Format"], known, "squeue")
    default = _LONG if "long" in options else _START if "start" in options else _DEFAULT
    return percent_columns(options.options.get("format", default), _LETTERS, "squeue")


def _selected(controller: Controller, options: Arguments) -> list[QueueRow]:
    states = _states(options)
    wanted = {
        name: options.listed(name) for name in ("user", "partition", "account", "name", "qos")
    }
    if "me" in options:
        wanted["user"] = {controller.own_name}
    ids = options.listed("jobs")

    def keeps(row: QueueRow) -> bool:
        request, attempt = row.attempt.request, row.attempt
        values = {
            "user": {request.user},
            "partition": set(row.partitions),
            "account": {request.account},
            "name": {request.name},
            "qos": {request.qos},
        }
        return (
            (states is None or attempt.state in states)
            and (
                not ids or bool(ids & {attempt.shown_id, str(attempt.job_id), str(attempt.base_id)})
            )
            and all(not names or names & values[key] for key, names in wanted.items())
        )

    rows = [row for row in queue_rows(controller, expand_arrays="array" in options) if keeps(row)]
    if ids and not rows:
        raise SlurmRefusalError("slurm_load_jobs error: Invalid job id specified")
    running_last = {"PENDING": 0, "RUNNING": 1}
    rows.sort(key=lambda r: (r.partitions[0], running_last.get(r.attempt.state, 2), -r.priority))
    return rows


def _states(options: Arguments) -> set[str] | None:
    if "start" in options:
        return {"PENDING"}
    words = {word.upper() for word in options.listed("states")}
    if "ALL" in words or ("jobs" in options and not words):
        return None
    return {LONG_BY_COMPACT.get(word, word) for word in words} or {"PENDING", "RUNNING"}


def _fields(call: Call, now_at: int) -> dict[str, Callable[[QueueRow], object]]:
    """Every field by its -O name; what Slurm prints for nothing differs from field to field."""

    return {
        "JobID": lambda r: r.attempt.job_id,
        "JobArrayID": lambda r: r.shown_id,
        "ArrayJobID": lambda r: r.attempt.base_id,
        "ArrayTaskID": lambda r: r.task_text,
        "State": lambda r: r.attempt.state,
        "StateCompact": lambda r: _COMPACT.get(r.attempt.state, r.attempt.state),
        "UserName": lambda r: r.attempt.request.user,
        "Account": lambda r: r.attempt.request.account,
        "Partition": lambda r: ",".join(r.partitions),
        "QOS": lambda r: r.attempt.request.qos,
        "PriorityLong": lambda r: r.priority,
        "Priority": lambda r: f"{r.priority / 2**32:.14f}",
        "SubmitTime": lambda r: call.instant(r.attempt.submit_at),
        "EligibleTime": lambda r: call.instant(r.eligible_at),
        "StartTime": lambda r: call.instant(_start_at(r)),
        "EndTime": lambda r: call.instant(_end_at(r)),
        "TimeLimit": lambda r: short_duration(r.attempt.request.limit_minutes * 60),
        "TimeUsed": lambda r: short_duration(r.attempt.elapsed_s(now_at)),
        "TimeLeft": lambda r: short_duration(
            max(0, r.attempt.request.limit_minutes * 60 - r.attempt.elapsed_s(now_at))
        ),
        "NumNodes": lambda r: len(r.attempt.shares) or r.attempt.request.nodes or 1,
        "NumTasks": lambda r: r.attempt.request.tasks,
        "NumCPUs": lambda r: int(held(r.attempt).get("cpu", r.attempt.request.cpus)),
        "MinCpus": lambda r: r.attempt.request.cpus_per_task,
        "MinMemory": lambda r: mem_text(
            r.attempt.request.mem_mib_per_cpu or r.attempt.request.mem_mib_per_node or 0
        ),
        "tres-per-job": lambda r: gres_text(r.attempt.request.gpus_per_job, "gres/gpu"),
        "tres-per-node": lambda r: gres_text(r.attempt.request.gpus_per_node, "gres/gpu"),
        "tres-per-task": lambda _: "N/A",
        "tres-alloc": lambda r: tres_text(held(r.attempt) or asked(r.attempt.request)),
        "NodeList": lambda r: compress(r.attempt.node_names),
        "SchedNodes": lambda r: compress(r.planned_nodes) or "(null)",
        "ReqNodes": lambda _: "",
        "Feature": lambda r: "&".join(r.attempt.request.features) or "(null)",
        "OverSubscribe": lambda r: "NO" if r.attempt.request.exclusive else "OK",
        "Dependency": _dependency,
        "Reservation": lambda _: "(null)",
        "RestartCnt": lambda r: r.attempt.restarts,
        "exit_code": lambda r: r.attempt.exit_code * 256 + r.attempt.exit_signal,
        "Reason": lambda r: r.reason,
        "ReasonList": lambda r: (
            f"({r.reason})" if r.attempt.is_pending else compress(r.attempt.node_names)
        ),
        "Comment": lambda r: r.attempt.request.comment or "(null)",
        "Command": lambda r: r.attempt.request.command or "(null)",
        "WorkDir": lambda r: r.attempt.request.work_dir,
        "Name": lambda r: r.attempt.request.name,
    }


def _start_at(row: QueueRow) -> float | None:
    attempt = row.attempt
    if attempt.start_at is not None or not attempt.is_pending:
        return attempt.start_at
    return row.planned_start_at or (attempt.request.begin_at if row.reason == "BeginTime" else None)


def _end_at(row: QueueRow) -> float | None:
    if row.attempt.end_at is not None:
        return row.attempt.end_at
    start_at = _start_at(row)
    return None if start_at is None else start_at + row.attempt.request.limit_minutes * 60


def _dependency(row: QueueRow) -> str:
    text = row.attempt.request.dependency
    if not text or row.reason not in ("Dependency", "DependencyNeverSatisfied"):
        return "(null)"
    word = "failed" if row.reason == "DependencyNeverSatisfied" else "unfulfilled"
    return ",".join(f"{part}({word})" for part in text.split(","))
