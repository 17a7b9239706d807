"""Batch scripts: what their #SBATCH lines ask for, and the scripts that the service submits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tracker.slurm.batch import FIELD_BY_OPTION, OPTION_BY_FIELD, BatchOptions
from tracker.slurm.batchcheck import check_options, field_value, is_unheld, other_problem
from tracker.slurm.directives import PRINTING, quote_option, read_directive
from tracker.slurm.durations import format_duration
from tracker.slurm.jobids import parse_tasks
from tracker.slurm.joblines import (
    Task,
    handing_over_lines,
    interpreter_command,
    is_posix_shell,
    opening_lines,
)

__all__ = [
    "Script", "ScriptError", "Task", "check_options", "option_words", "read_lines", "read_script",
    "render_script",
]  # fmt: skip

MAX_SCRIPT_BYTES = 4 * 1024**2  # Slurm's max_script_size unless the site says otherwise
NUL = "\0"
DOS_END = "\r\n"
# Linux's MAX_ARG_STRLEN with name, = and NUL: beyond it no command of the job can be started.
MAX_VARIABLE_BYTES = 131_072
# sbatch translates #PBS and #BSUB lines until it has seen so many others.
_FOREIGN_WITHIN_LINES = 100

# Names no variable that a job would miss: a service has no environment of its user's to hand on,
# and these two it always does.
_MOOT_EXPORTS = frozenset({"ALL", "NONE", "NIL", "TRACKER_API", "EXPERIMENT_ID"})
_MARK = re.compile("#SBATCH|#SLURM")  # sbatch warns of the second, and obeys
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class ScriptError(ValueError):
    """A script that cannot be submitted as it is; names the line or field, and the cure."""


@dataclass(frozen=True, slots=True)
class Script:
    """A batch script taken apart; ``body`` is verbatim, without the #SBATCH lines of the head."""

    shebang: str  # "#!/bin/bash"; "" where the text has none
    options: BatchOptions
    body: str


def read_script(text: str) -> Script:
    """The script as sbatch reads it; raises ScriptError.

    #SBATCH lines count until the first line that is neither blank nor a comment (sbatch 20.11 to
    25.11). Every option stands whole on its line and its value passes :func:`check_options`.
    """
    shebang, rest, directives, body = _taken_apart(text)
    values: dict[str, Any] = {}
    others: list[str] = []
    for number, line, after_mark in directives:
        with _on_line(number, line):
            for name, value in read_directive(after_mark):
                _set_option(name, value, values, others)
    options = BatchOptions(**values, others=tuple(others))
    if "--ignore-pbs" not in others:
        _check_foreign_lines(rest)
    return Script(shebang, options, "\n".join(body))


def read_lines(text: str) -> list[tuple[int, str, str | None]]:
    """(line, long name, value or None) of each option in the order given, whether or not the
    service could submit it; raises ScriptError as :func:`read_script` does."""
    _, rest, directives, _ = _taken_apart(text)
    options = []
    for number, line, after_mark in directives:
        with _on_line(number, line):
            options += [(number, name, value) for name, value in read_directive(after_mark)]
    if all(name != "ignore-pbs" for _, name, _ in options):
        _check_foreign_lines(rest)
    return options


def _taken_apart(text: str) -> tuple[str, str, list[tuple[int, str, str]], list[str]]:
    """Shebang, what follows it, its directives as (number, line, what stands after the mark), and
    the lines of the body."""
    _check_text(text)
    shebang, _, rest = text.partition("\n")
    _check_shebang(shebang)
    directives: list[tuple[int, str, str]] = []
    body: list[str] = []
    in_head = True
    for number, line in enumerate(rest.split("\n"), start=2):
        in_head = in_head and line.lstrip(" \t\v\f\r")[:1] in ("", "#")
        if in_head and (mark := _MARK.match(line)):
            directives.append((number, line, line[mark.end() :]))
        else:
            body.append(line)
    return shebang, rest, directives, body


@contextmanager
def _on_line(number: int, line: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ScriptError(f"line {number}, {line[:80]!r}: {error}.") from error


def _set_option(name: str, value: str | None, values: dict[str, Any], others: list[str]) -> None:
    """Later lines win over earlier ones, as in sbatch."""
    if name in PRINTING or (name == "export" and set((value or "").split(",")) <= _MOOT_EXPORTS):
        return
    field = FIELD_BY_OPTION.get(name, "")
    word = f"--{name}" if value is None else f"--{name}={value}"
    if field and value is not None and not is_unheld(name, value):
        values[field] = field_value(name, value)
        others[:] = [other for other in others if not other.startswith(f"--{name}=")]
    elif problem := other_problem(word):
        raise ValueError(problem)
    else:
        values.pop(field, None)
        others.append(word)


def _check_text(text: str) -> None:
    """What no batch script may hold, whoever wrote it."""
    if NUL in text:
        raise ScriptError(f"line {_line_of(text, NUL)}: has a null byte; take it out.")
    if DOS_END in text:
        raise ScriptError(
            f"line {_line_of(text, DOS_END)}: ends as in DOS (\\r\\n), which sbatch refuses; "
            "save the script with Unix line ends (\\n)."
        )
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError as error:
        raise ScriptError(
            f"line {_line_of(text, text[error.start])}: {text[error.start]!r} is half a "
            "character; take it out."
        ) from error
    if size_bytes > MAX_SCRIPT_BYTES:
        raise ScriptError(
            f"the script has {size_bytes} bytes and Slurm takes {MAX_SCRIPT_BYTES}; put what is "
            "long into files of its own, or submit fewer tasks at once."
        )


def _line_of(text: str, piece: str) -> int:
    return text.count("\n", 0, text.index(piece)) + 1


def _check_shebang(line: str) -> None:
    if not line.startswith("#!"):
        raise ScriptError(
            f"line 1, {line[:80]!r}: the first line must be #! and an interpreter, such as "
            "#!/bin/bash."
        )
    if not line.replace("\t", " ").isprintable() or not line[2:].strip(" \t"):
        raise ScriptError(f"line 1, {line[:80]!r}: names no interpreter; write #!/bin/bash.")


def _check_foreign_lines(rest: str) -> None:
    """sbatch would let #PBS and #BSUB lines win over the request."""
    others = 0
    for number, line in enumerate(rest.split("\n"), start=2):
        if line.startswith(("#PBS", "#BSUB")):
            raise ScriptError(
                f"line {number}, {line[:80]!r}: sbatch would translate it over the request; write "
                "it as #SBATCH, or add the line #SBATCH --ignore-pbs."
            )
        others += not line.startswith("#")
        if others > _FOREIGN_WITHIN_LINES:
            return


def option_words(options: BatchOptions) -> list[str]:
    """``--name=value`` words in a fixed order, unquoted, for an argv; ``others`` last."""
    words = []
    for field, name in OPTION_BY_FIELD.items():
        value = getattr(options, field)
        if value in (None, ""):
            continue
        shown = format_duration(value * 60) if field == "time_limit_minutes" else value
        words.append(f"--{name}={shown}")
    return [*words, *options.others]


def render_script(
    script: Script, options: BatchOptions, *, setup: str, tasks: Sequence[Task]
) -> str:
    """The whole batch script; raises ScriptError where it could not be submitted.

    In this order: shebang, one #SBATCH line an option, each run's environment and folder, the
    site's set-up lines, the body. A body that is not for a POSIX shell is written into the run's
    folder as ``script`` and handed to its interpreter from there.
    """
    shebang = script.shebang or "#!/bin/bash"
    _check_shebang(shebang)
    _check_text(script.body)
    if problems := check_options(options):
        raise ScriptError("; ".join(f"{field}: {text}" for field, text in problems.items()) + ".")
    _check_tasks(options, tasks)
    lines = [shebang if is_posix_shell(shebang) else "#!/bin/bash"]
    lines += [f"#SBATCH {quote_option(word)}" for word in option_words(options)]
    lines += ["", *opening_lines(tasks)]
    if is_posix_shell(shebang):
        lines += ["unset queuecast_folder", setup, script.body]
    else:
        lines += handing_over_lines(f"{shebang}\n{script.body}")
        lines += [setup, f'exec {interpreter_command(shebang)} "$queuecast_folder/script"', ""]
    rendered = "\n".join(lines)
    _check_text(rendered)
    return rendered


def _check_tasks(options: BatchOptions, tasks: Sequence[Task]) -> None:
    ids = [task.task_id for task in tasks]
    if not tasks or (len(tasks) > 1 and (None in ids or len(set(ids)) < len(ids))):
        raise ScriptError(f"task ids {ids[:20]}: give one task, or several with ids of their own.")
    if options.array and None not in ids and set(parse_tasks(options.array)[0]) != set(ids):
        raise ScriptError(f"array: {options.array} is not the {len(ids)} tasks; give their ids.")
    for task in tasks:
        for name, value in task.variables.items():
            if not _VARIABLE.fullmatch(name):
                raise ScriptError(f"{name[:80]!r} is no name of a variable; use letters and _.")
            if len(name) + len(value.encode(errors="replace")) + 2 > MAX_VARIABLE_BYTES:
                raise ScriptError(
                    f"{name} is longer than the {MAX_VARIABLE_BYTES} bytes that Linux passes to "
                    "a command; shorten it, or let the script read config.yaml."
                )
        if not task.folder:
            raise ScriptError("a run has no folder; give one below the working directory.")
