"""What sbatch may be given: one strict syntax a field, so that no value leaves its option."""

from __future__ import annotations

import math
import re
from datetime import date

from tracker.slurm.batch import FIELD_BY_OPTION, OPTION_BY_FIELD, BatchOptions
from tracker.slurm.directives import PRINTING, REFUSED, name_problem
from tracker.slurm.durations import parse_minutes
from tracker.slurm.jobids import parse_tasks

MAX_COUNT = 1_000_000
MAX_LIMIT_MINUTES = 5_000_000
MAX_CHARS = 1_000
MAX_PATH_BYTES = 4_096  # PATH_MAX of Linux
MAX_TASK_ID = 4_000_000  # Slurm's MaxArraySize ends at 4,000,001

_COUNTS = frozenset({"nodes", "ntasks", "cpus_per_task"})
_PATHS = frozenset({"output", "error", "chdir"})
_NAMES = r"[A-Za-z0-9_.@+][A-Za-z0-9_.@+-]*(?:,[A-Za-z0-9_.@+][A-Za-z0-9_.@+-]*)*"
_CLOCK = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_RESOURCE = r"(?:gres[:/])?[A-Za-z0-9_.][A-Za-z0-9_.-]*(?::[A-Za-z0-9_.-]+){0,2}"
_JOB = r"[1-9][0-9]{0,9}(?:_(?:[0-9]{1,10}|\*))?"
_CONDITION = (
    rf"(?:singleton|after(?::{_JOB}(?:\+[0-9]{{1,9}})?)+"
    rf"|after(?:any|ok|notok|corr|burstbuffer)(?::{_JOB})+)"
)
_TASKS = r"[0-9]{1,7}(?:-[0-9]{1,7}(?::[1-9][0-9]{0,6})?)?"
_MAIL = (
    r"(?:NONE|BEGIN|END|FAIL|REQUEUE|ALL|INVALID_DEPEND|STAGE_OUT|ARRAY_TASKS"
    r"|TIME_LIMIT(?:_(?:50|80|90))?)"
)
_BEGIN = (
    rf"now(?:\+[0-9]{{1,9}}(?:(?:second|minute|hour|day|week)s?)?)?|{_CLOCK}"
    rf"|(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:T{_CLOCK})?"
    r"|midnight|noon|fika|teatime|today|tomorrow"
)
# The syntax of a field's whole value, and what to give instead of another.
_SYNTAX = {
    "partition": (_NAMES, "names of partitions joined by commas, such as gpu,debug"),
    "account": (_NAMES, "an account's name, such as vision"),
    "qos": (_NAMES, "a QOS's name, such as normal"),
    "mem": (r"[0-9]{1,12}[KMGT]?", "memory per node as a number and a unit, such as 64G"),
    "gres": (rf"{_RESOURCE}(?:,{_RESOURCE})*", "gpu:COUNT or gpu:TYPE:COUNT, such as gpu:a100:2"),
    "constraint": (
        r"[A-Za-z0-9_.(\[!][A-Za-z0-9_.:=/@+&|!*()\[\],-]*",
        "features joined by & or | without spaces, such as a100&ib",
    ),
    "array": (
        rf"{_TASKS}(?:,{_TASKS})*(?:%[1-9][0-9]{{0,6}})?",
        "task ids, each once, and after % how many may run at once, such as 0-7%2",
    ),
    "dependency": (
        rf"{_CONDITION}(?:(?:,{_CONDITION})*|(?:\?{_CONDITION})*)",
        "conditions joined by all commas or all ?, such as afterok:828:829",
    ),
    "begin": (_BEGIN, "a time such as now+2hours, 16:00 or 2026-11-23T12:30"),
    "mail_type": (rf"(?i:{_MAIL}(?:,{_MAIL})*)", "events such as END,FAIL,TIME_LIMIT_90"),
    "mail_user": (
        r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:@[A-Za-z0-9][A-Za-z0-9.-]*)?",
        "one address or user name, such as ada@example.org",
    ),
}
_PATTERNS = {field: re.compile(syntax, re.ASCII) for field, (syntax, _) in _SYNTAX.items()}
_FILE_PATTERN = re.compile(r"%(?:%|[0-9]{0,2}[AJNabjnstux])", re.ASCII)
# Values that sbatch takes and the fields cannot hold; they go by in ``others``.
_UNHELD = {
    "nodes": re.compile(r"[0-9]+(?:[-:,][0-9]+)+", re.ASCII),  # 2-4; since 23.02 also 2,4,8-16:4
    "time": re.compile(r"(?i:unlimited|infinite)|-1|0+(?::00?){0,2}", re.ASCII),
}


def check_options(options: BatchOptions) -> dict[str, str]:
    """Problems by field name, each with value and cure; empty when sbatch may be given these."""
    problems = {}
    for field in OPTION_BY_FIELD:
        value = getattr(options, field)
        if value not in (None, "") and (problem := field_problem(field, value)):
            problems[field] = problem
    for word in options.others:
        if problem := other_problem(word) or _twice_problem(word, options):
            problems["others"] = problem
            break
    return problems


def field_problem(field: str, value: int | str) -> str | None:
    """What is wrong with this value of a field of BatchOptions; None where nothing is."""
    if isinstance(value, int):
        limit = MAX_COUNT if field in _COUNTS else MAX_LIMIT_MINUTES
        if 1 <= value <= limit:
            return None
        return f"{value} is not between 1 and {limit}; give a whole number in that"
    if not value.isprintable():
        return f"{_shown(value)} has a control or an invisible character; type it anew without"
    if field in _PATHS:
        return _path_problem(field, value)
    if len(value) > MAX_CHARS:
        return f"{_shown(value)} has {len(value)} characters; give at most {MAX_CHARS}"
    return _syntax_problem(field, value) if field in _SYNTAX else None


def _syntax_problem(field: str, value: str) -> str | None:
    match = _PATTERNS[field].fullmatch(value)
    if match is not None and _counts_well(field, match):
        return None
    return f"{_shown(value)} is not understood; give {_SYNTAX[field][1]}"


def _counts_well(field: str, match: re.Match[str]) -> bool:
    """What the syntax of an array or a date cannot say: order, size, repeats, days of a month."""
    try:
        if field == "array":
            tasks = parse_tasks(match[0])[0]
            return len(set(tasks)) == len(tasks) and max(tasks) <= MAX_TASK_ID
        if field == "begin" and match["day"]:
            date.fromisoformat(match["day"])
    except ValueError:
        return False
    return True


def _path_problem(field: str, value: str) -> str | None:
    if value.startswith("-"):
        return f"{_shown(value)} begins with -; put ./ before it"
    if field == "chdir" and not value.startswith("/"):
        return f"{_shown(value)} depends on where sbatch runs; give a path from / on"
    if len(value.encode()) > MAX_PATH_BYTES:
        return f"{_shown(value)} is longer than {MAX_PATH_BYTES} bytes; give a shorter path"
    if "%" in _FILE_PATTERN.sub("", value):
        return f"{_shown(value)} has a % that Slurm does not know; give %j, %x, %A_%a or %%"
    return None


def other_problem(word: str) -> str | None:
    """What is wrong with an option that has no field; None where nothing is."""
    name, equals, value = word.removeprefix("--").partition("=")
    if not word.startswith("--") or (equals and not value):
        return f"{_shown(word)} is no option; write --name=value"
    if not word.isprintable() or len(word) > MAX_CHARS:
        return f"{_shown(word)} has a control character or is too long; take it out"
    return name_problem(name) or _service_problem(name, value)


def _service_problem(name: str, value: str) -> str | None:
    """Why the service does not pass this option on."""
    if name in REFUSED:
        return f"--{name}: {REFUSED[name]}"
    if name in PRINTING:
        return f"--{name} only changes what sbatch prints; take it out"
    if name in FIELD_BY_OPTION and not is_unheld(name, value):
        return f"--{name} has a field of its own; give it as {FIELD_BY_OPTION[name]}"
    return None


def _twice_problem(word: str, options: BatchOptions) -> str | None:
    field = FIELD_BY_OPTION.get(word[2:].partition("=")[0])
    if field is None or getattr(options, field) in (None, ""):
        return None
    return f"{_shown(word)} stands beside {field} {getattr(options, field)}; give one of them"


def is_unheld(option: str, value: str) -> bool:
    """True for what sbatch takes and the option's field cannot hold, such as --nodes=2-4."""
    return option in _UNHELD and _UNHELD[option].fullmatch(value) is not None


def field_value(option: str, text: str) -> int | str:
    """The value of the option's field as a script writes it. ValueError with the cure."""
    field = FIELD_BY_OPTION[option]
    value: int | str = text
    if field in _COUNTS:
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise ValueError(f"{_shown(text)} is not a count; give a whole number from 1 on")
        value = int(text)
    elif field == "time_limit_minutes":
        value = _limit_minutes(text)
    elif field == "mem":
        # Slurm reads 64gb as 64G.
        value = re.sub(r"(?<=[KMGT])B$", "", text.upper())
    if problem := field_problem(field, value):
        raise ValueError(problem)
    return value


def _limit_minutes(text: str) -> int:
    try:
        minutes = parse_minutes(text)
    except ValueError:
        minutes = None
    if minutes is None or math.isinf(minutes):
        raise ValueError(f"{_shown(text)} is not a time limit; give minutes, H:MM:SS or D-HH:MM:SS")
    return int(minutes)


def _shown(value: str) -> str:
    return repr(value if len(value) <= 80 else value[:80] + "...")
