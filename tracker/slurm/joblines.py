"""Shell lines that give a run its environment, its folder and, if need be, its interpreter.

They hold for every POSIX shell, and no value in them can leave its quotes or look like a directive.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh"})
_END = "QUEUECAST_END"
_RISKY_NEWLINE = re.compile(r"(?<=\r)\n|\n(?=#)")


@dataclass(frozen=True, slots=True)
class Task:
    """What one run is given. ``task_id`` tells the tasks of an array apart; None: no array."""

    variables: Mapping[str, str]  # exported to its environment
    folder: str  # made with checkpoints/ and logs/tensorboard/ below; holds config.yaml
    config: str  # written to folder/config.yaml (JSON text, which is YAML)
    task_id: int | None = None


def opening_lines(tasks: Sequence[Task]) -> Iterator[str]:
    """Export the task's variables, make its folder, write its config; exit 1 where that fails.

    ``queuecast_folder`` is left set, unexported, to the folder's full path.
    """
    yield from ("queuecast_newline='", "'")
    if tasks[0].task_id is None:
        yield from _task_lines(tasks[0])
    else:
        yield from _case_lines(tasks)
    yield 'mkdir -p -- "$queuecast_folder/checkpoints" "$queuecast_folder/logs/tensorboard" &&'
    yield 'printf %s "$queuecast_config" >"$queuecast_folder/config.yaml" || {'
    yield "printf '%s\\n' \"run folder $queuecast_folder cannot be written; choose another\" >&2"
    yield "exit 1"
    yield "}"
    yield "unset queuecast_newline queuecast_config"


def _case_lines(tasks: Sequence[Task]) -> Iterator[str]:
    yield 'case "${SLURM_ARRAY_TASK_ID-}" in'
    for task in tasks:
        yield f"{task.task_id})"
        yield from _task_lines(task)
        yield ";;"
    yield "*)"
    yield "printf '%s\\n' \"no run belongs to array task ${SLURM_ARRAY_TASK_ID-none}\" >&2"
    yield "exit 1"
    yield ";;"
    yield "esac"


def _task_lines(task: Task) -> Iterator[str]:
    for name, value in task.variables.items():
        yield f"export {name}={_quoted(value)}"
    # The full path: it may begin with a dash, and the set-up lines may change the directory.
    start = "" if task.folder.startswith("/") else '"$PWD"/'
    yield f"queuecast_folder={start}{_quoted(task.folder)}"
    yield f"queuecast_config={_quoted(task.config)}"


def _quoted(value: str) -> str:
    """One word of the shell; no line of it begins with # (sbatch obeys #PBS) or ends in \\r."""
    return '"$queuecast_newline"'.join(shlex.quote(part) for part in _RISKY_NEWLINE.split(value))


def handing_over_lines(text: str) -> list[str]:
    """Write the text into the run's folder as ``script``, byte by byte."""
    end = _END
    while end in text:
        end += "_"
    # A here-document always ends with a newline; the count drops it where the text has none.
    return [
        f"head -c {len(text.encode())} >\"$queuecast_folder/script\" <<'{end}' || exit 1",
        text.removesuffix("\n"),
        end,
    ]


def interpreter_command(shebang: str) -> str:
    """The shebang's words, quoted; as for the kernel all after the first is one argument."""
    program, *argument = shebang[2:].strip(" \t").split(None, 1)
    return " ".join(shlex.quote(word) for word in (program, *argument))


def is_posix_shell(shebang: str) -> bool:
    """True for #!/bin/bash -l or #!/usr/bin/env sh; False for python, csh, fish and the like."""
    program, *words = shebang[2:].split()
    if PurePosixPath(program).name == "env":
        words = [word.removeprefix("-S") for word in words]
        named = [word for word in words if word and word[0] != "-" and "=" not in word]
        program = named[0] if named else program
    return PurePosixPath(program).name in _SHELLS
