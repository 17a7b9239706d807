"""Slurm's file name patterns, filled as slurmstepd fills them for a batch script.

The rules were read off 120 jobs of Slurm 22.05. ``scontrol show job`` does not know them: its
StdOut leaves widths, %J, %N, %n, %s and %t as they are, and fills what ``%%`` or a backslash
protects.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

MAX_WIDTH = 10  # Slurm's own
NO_ARRAY_TASK = 4_294_967_294  # what Slurm writes for %a of a job that is not in an array

_SYMBOL = re.compile(r"%(?:%|([0-9]*)([AabJjNnstux]?))", re.ASCII)
_BACKSLASH = re.compile(r"\\(\\?)")


@dataclass(frozen=True, slots=True)
class JobNames:
    """What a file name pattern is filled with."""

    job_id: int
    array_job_id: int | None
    array_task_id: int | None
    name: str
    user: str
    node: str  # host name of the first node, short


def expand(pattern: str, names: JobNames) -> str:
    """sbatch's file name pattern, filled. A backslash anywhere switches every symbol off."""
    if "\\" in pattern:
        return _BACKSLASH.sub(r"\1", pattern)
    return _SYMBOL.sub(lambda symbol: _fill(symbol, names), pattern)


def _fill(symbol: re.Match[str], names: JobNames) -> str:
    digits, letter = symbol[1], symbol[2]
    if symbol[0] == "%%":
        return "%"
    if not letter:
        # Slurm swallows a width that belongs to nothing, all but its last digit.
        return digits[-1] if digits else "%"
    value = _values(names)[letter]
    if isinstance(value, str):
        return value
    width = digits.lstrip("0")
    return str(value).zfill(MAX_WIDTH if len(width) > 1 else int(width or 0))


def _values(names: JobNames) -> dict[str, int | str]:
    task = NO_ARRAY_TASK if names.array_task_id is None else names.array_task_id
    return {
        "A": names.job_id if names.array_job_id is None else names.array_job_id,
        "a": task,
        "b": task % 10,  # newer releases only; 22.05 leaves it as it is
        "J": names.job_id,
        "j": names.job_id,
        "N": names.node,
        "n": 0,  # a batch script is task 0 on node 0
        "s": "batch",
        "t": 0,
        "u": names.user,
        "x": names.name,
    }


def log_path(pattern: str, work_dir: str, names: JobNames, *, is_array: bool) -> PurePosixPath:
    """Absolute path of the file; the pattern "" is Slurm's default, "none" is /dev/null.

    ``..`` is taken out of the text alone: ``open_file`` follows no link, and without links that is
    where the kernel would arrive too. Raises ValueError where no absolute path comes out.
    """
    if pattern.lower() == "none":
        return PurePosixPath("/dev/null")
    if not pattern:
        pattern = "slurm-%A_%a.out" if is_array else "slurm-%j.out"
    # The pattern decides, not what it is filled with: a job may be called /etc/passwd.
    place = "" if pattern.startswith("/") else f"{work_dir}/"
    path = place + expand(pattern, names)
    if not path.startswith("/") or (place and not work_dir) or "\0" in path:
        raise ValueError(
            f"the file name pattern {pattern!r} in the folder {work_dir!r} is no absolute path; "
            "give an absolute --chdir or --output"
        )
    return PurePosixPath("/" + posixpath.normpath(path).lstrip("/"))
