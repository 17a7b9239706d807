"""sacct: what the journal remembers, attempt by attempt, each with the one step of its script."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from planner.demo import site
from planner.demo.amounts import asked, held, tres_text
from planner.demo.arguments import Arguments, parse
from planner.demo.calls import Answer, Call, mem_text
from planner.demo.controller import Controller
from planner.demo.jobs import Attempt
from planner.demo.queueview import QueueRow, queue_rows
from planner.demo.refusal import SlurmRefusalError
from planner.demo.tables import Column, named_columns, parsable_columns, table
from planner.demo.usage import used_by
from tracker.slurm.durations import format_duration
from tracker.slurm.hostlist import compress
from tracker.slurm.states import LONG_BY_COMPACT

_SHORT = {
    "a": "allusers", "X": "allocations", "D": "duplicates", "n": "noheader", "P": "parsable2",
    "p": "parsable", "o:": "format", "j:": "jobs", "u:": "user", "S:": "starttime",
    "E:": "endtime", "s:": "state", "A:": "accounts", "r:": "partition", "T": "truncate",
}  # fmt: skip
_FLAGS = ("delimiter=", "name=", "noconvert", "units=", "array")
_OF_JOBS_ONLY = (
    "User",
    "UID",
    "Partition",
    "QOS",
    "Timelimit",
    "TimelimitRaw",
    "ReqTRES",
    "Comment",
)
_DEFAULT = "JobID:-12,JobName:10,Partition:10,Account:10,AllocCPUS:10,State:10,ExitCode:8"


def run(controller: Controller, call: Call) -> Answer:
    options = parse(call, _SHORT, _FLAGS)
    fields = _line_fields(call, controller)
    columns = _columns(options, tuple(fields))
    rows = _lines(_selected(controller, call, options), steps="allocations" not in options)
    if "parsable2" in options or "parsable" in options:
        headings = None if "noheader" in options else {name: name for name in fields}
        return Answer(table(columns, rows, fields, headings=headings))
    text = table(columns, rows, fields, headings=None)
    if "noheader" not in options:
        heads = "".join(column.fill(column.name) for column in columns)
        rule = "".join("-" * column.width + " " for column in columns)
        text = f"{heads}\n{rule}\n{text}"
    return Answer(text)


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a job, or of its batch step."""

    row: QueueRow
    is_step: bool = False


def _lines(rows: Iterable[QueueRow], *, steps: bool) -> list[_Line]:
    lines: list[_Line] = []
    for row in rows:
        lines.append(_Line(row))
        if steps and row.attempt.shares:
            lines.append(_Line(row, is_step=True))
    return lines


def _columns(options: Arguments, known: tuple[str, ...]) -> list[Column]:
    """Names as ``JobName%30``; sacct cuts to a width unless -P or -p asks for the whole."""
    asked_for = options.options.get("format")
    if asked_for is None:
        asked_for = _DEFAULT.replace(":", "%")
    words = [word.partition("%")[::2] for word in asked_for.split(",") if word]
    names = [c.name for c in named_columns(",".join(n for n, _ in words), known, "sacct")]
    if "parsable2" in options or "parsable" in options:
        delimiter = options.options.get("delimiter", "|")
        return parsable_columns(names, delimiter, trailing="parsable" in options)
    columns = []
    for name, (_, text) in zip(names, words, strict=True):
        digits = text.removeprefix("-")
        if text and not (digits.isascii() and digits.isdigit() and len(digits) < 5):
            raise SlurmRefusalError(f"sacct: error: Invalid field width: {text!r}")
        columns.append(Column(name, int(digits or 10), not text.startswith("-"), " "))
    return columns


def _selected(controller: Controller, call: Call, options: Arguments) -> list[QueueRow]:
    ids = options.numbers("jobs")
    since_at, until_at = _window(controller.now_at, call, options)
    attempts = (
        controller.roster.attempts_of(ids) if ids else controller.roster.attempts_since(since_at)
    )
    # The rows of what is in the queue know the reasons, and arrays that are not split.
    queued = {row.attempt.db_index: row for row in queue_rows(controller) if row.attempt.is_active}
    rows = [queued.get(a.db_index) or QueueRow(a, eligible_at=a.eligible_at) for a in attempts]
    unsplit = {row.attempt.array_id for row in queued.values() if row.tasks}
    rows = [
        row
        for row in rows
        if row.tasks or row.attempt.is_split or row.attempt.array_id not in unsplit
    ]
    if "duplicates" not in options:
        rows = list({row.attempt.key: row for row in rows}.values())
    users = options.listed("user")
    if not users and "allusers" not in options and not ids:
        users = {controller.own_name}
    states = {LONG_BY_COMPACT.get(w.upper(), w.upper()) for w in options.listed("state")}
    accounts, partitions = options.listed("accounts"), options.listed("partition")

    def keeps(row: QueueRow) -> bool:
        attempt, request = row.attempt, row.attempt.request
        return (
            (not users or request.user in users)
            and (not states or attempt.state in states)
            and (not accounts or request.account in accounts)
            and (not partitions or bool(partitions & set(row.partitions)))
            # Without ids sacct leaves out what was not yet eligible in the window.
            and (bool(ids) or (row.eligible_at is not None and row.eligible_at < until_at))
        )

    return sorted(filter(keeps, rows), key=lambda row: (row.attempt.base_id, row.attempt.db_index))


def _window(now_at: int, call: Call, options: Arguments) -> tuple[float, float]:
    """From -S, else midnight UTC, to -E, else now."""
    midnight_at = datetime.fromtimestamp(now_at, UTC).replace(hour=0, minute=0, second=0)
    bounds = []
    for name, default_at in (("starttime", midnight_at.timestamp()), ("endtime", now_at + 1.0)):
        text = options.options.get(name)
        at = default_at if text in (None, "now") else call.read_instant(text, now_at)
        if at is None:
            raise SlurmRefusalError(f"sacct: error: Invalid time specification: {text}")
        bounds.append(at)
    return bounds[0], bounds[1]


def _line_fields(call: Call, controller: Controller) -> dict[str, Callable[[_Line], object]]:
    """Of a step only some fields say anything, and its Submit is its start."""
    of_job = _fields(call, controller)

    def used(line: _Line, name: str) -> object:
        return getattr(used_by(line.row.attempt, controller.now_at), name) if line.is_step else ""

    def id_of(name: str) -> Callable[[_Line], object]:
        return lambda line: f"{of_job[name](line.row)}{'.batch' if line.is_step else ''}"

    fields = {
        name: _of_line(field, says_nothing_of_steps=name in _OF_JOBS_ONLY)
        for name, field in of_job.items()
    }
    return fields | {
        "JobID": id_of("JobID"),
        "JobIDRaw": id_of("JobIDRaw"),
        "Submit": lambda line: of_job["Start" if line.is_step else "Submit"](line.row),
        "JobName": lambda line: "batch" if line.is_step else of_job["JobName"](line.row),
        "TotalCPU": lambda line: used_by(line.row.attempt, controller.now_at).total_cpu,
        "MaxRSS": lambda line: used(line, "max_rss"),
        "TRESUsageInMax": lambda line: used(line, "tres"),
        "TRESUsageInTot": lambda line: used(line, "tres"),
    }


def _of_line(
    field: Callable[[QueueRow], object], *, says_nothing_of_steps: bool
) -> Callable[[_Line], object]:
    return lambda line: "" if says_nothing_of_steps and line.is_step else field(line.row)


def _fields(call: Call, controller: Controller) -> dict[str, Callable[[QueueRow], object]]:
    now_at = controller.now_at

    return {
        "JobID": lambda r: r.shown_id,
        "JobIDRaw": lambda r: r.attempt.job_id,
        "State": lambda r: _state(r.attempt),
        "ExitCode": lambda r: f"{r.attempt.exit_code}:{r.attempt.exit_signal}",
        "User": lambda r: r.attempt.request.user,
        "UID": lambda r: site.uid_of(
            r.attempt.request.user, controller.own_name, controller.own_uid
        ),
        "Account": lambda r: r.attempt.request.account,
        "Partition": lambda r: ",".join(r.partitions),
        "QOS": lambda r: r.attempt.request.qos,
        "Reason": lambda r: r.reason,
        "Priority": lambda r: r.priority,
        "Submit": lambda r: call.instant(r.attempt.submit_at),
        "Eligible": lambda r: call.instant(r.eligible_at, unknown="Unknown"),
        "Start": lambda r: call.instant(
            r.attempt.start_at, unknown="Unknown" if r.attempt.is_active else "None"
        ),
        "End": lambda r: call.instant(r.attempt.end_at, unknown="Unknown"),
        "Elapsed": lambda r: format_duration(r.attempt.elapsed_s(now_at)),
        "ElapsedRaw": lambda r: r.attempt.elapsed_s(now_at),
        "Timelimit": lambda r: format_duration(r.attempt.request.limit_minutes * 60),
        "TimelimitRaw": lambda r: r.attempt.request.limit_minutes,
        "ReqCPUS": lambda r: r.attempt.request.cpus,
        "AllocCPUS": lambda r: int(held(r.attempt).get("cpu", 0)),
        "NCPUS": lambda r: int(held(r.attempt).get("cpu", r.attempt.request.cpus)),
        "ReqNodes": lambda r: r.attempt.request.nodes or 1,
        "AllocNodes": lambda r: len(r.attempt.shares),
        "NNodes": lambda r: len(r.attempt.shares) or r.attempt.request.nodes or 1,
        "ReqMem": lambda r: mem_text(r.attempt.request.mem_mib),
        "ReqTRES": lambda r: tres_text(asked(r.attempt.request)),
        "AllocTRES": lambda r: tres_text(held(r.attempt)),
        "NodeList": lambda r: compress(r.attempt.node_names) or "None assigned",
        "Cluster": lambda _: site.NAME,
        "Constraints": lambda r: "&".join(r.attempt.request.features),
        "Reservation": lambda _: "",
        "Flags": lambda _: "",  # which scheduler started it is not kept
        "DBIndex": lambda r: r.attempt.db_index,
        "Restarts": lambda r: r.attempt.restarts,
        "WorkDir": lambda r: r.attempt.request.work_dir,
        "Comment": lambda r: r.attempt.request.comment,
        "JobName": lambda r: r.attempt.request.name,
    }


def _state(attempt: Attempt) -> str:
    if attempt.cancelled_by_uid is not None:
        return f"CANCELLED by {attempt.cancelled_by_uid}"
    return attempt.state
