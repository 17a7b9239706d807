"""What changes in a batch script when an option of the answer is chosen: pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff

from tracker.slurm.directives import quote_option, read_directive
from tracker.slurm.durations import parse_minutes
from tracker.slurm.tres import parse_mem_mib

MARK = "#SBATCH"
# Options that say the same thing in other words: the one that is asked for replaces the rest.
SAME = (
    {"gpus", "gpus-per-node", "gpus-per-task", "gres"},
    {"mem", "mem-per-cpu", "mem-per-gpu"},
    {"ntasks", "ntasks-per-node"},
)
# What a script that is silent about them asks for anyway.
DEFAULTS = {("nodes", "1"), ("ntasks", "1"), ("cpus-per-task", "1")}


def script_diff(text: str, sbatch_args: Sequence[str]) -> str:
    """The unified diff from the script to one that asks for ``sbatch_args`` (``--name=value``);
    empty where it does so already."""
    before = text.splitlines()
    after = _changed(before, dict(_option(word) for word in sbatch_args))
    return "\n".join(unified_diff(before, after, "script", "script as advised", n=1, lineterm=""))


def _option(word: str) -> tuple[str, str | None]:
    name, equals, value = word.removeprefix("--").partition("=")
    return name, value if equals else None


def _changed(lines: Sequence[str], wanted: dict[str, str | None]) -> list[str]:
    left, changed, place = dict(wanted), [], min(1, len(lines))
    in_head = True
    for line in lines:
        in_head = in_head and line.lstrip()[:1] in ("", "#")
        if in_head and line.startswith(MARK):
            changed += _line(line, wanted, left)
            place = len(changed)
        else:
            changed.append(line)
    new = [(name, value) for name, value in left.items() if (name, value) not in DEFAULTS]
    changed[place:place] = [_written([option]) for option in new]
    return changed


def _line(line: str, wanted: dict[str, str | None], left: dict[str, str | None]) -> list[str]:
    """The line as it should be; nothing where all of it is replaced. ``left``: what no line has
    said yet, taken out as it is said."""
    try:
        options = list(read_directive(line.removeprefix(MARK)))
    except ValueError:  # not ours to mend
        return [line]
    kept: list[tuple[str, str | None]] = []
    for name, value in options:
        if name in wanted:
            said = value if _means_the_same(name, value, wanted[name]) else wanted[name]
            kept += [(name, said)] if name in left else []
            left.pop(name, None)
        elif not _is_replaced(name, value, wanted):
            kept.append((name, value))
    if kept == options:
        return [line]
    return [_written(kept)] if kept else []


def _is_replaced(name: str, value: str | None, wanted: dict[str, str | None]) -> bool:
    if name == "gres" and not (value or "").startswith("gpu"):
        return False
    return any(name in words and words & wanted.keys() for words in SAME)


def _means_the_same(name: str, value: str | None, other: str | None) -> bool:
    parse = {"time": parse_minutes, "mem": parse_mem_mib}.get(name)
    if value is None or other is None or parse is None:
        return value == other
    try:
        return parse(value) == parse(other)
    except ValueError:
        return False


def _written(options: Sequence[tuple[str, str | None]]) -> str:
    words = (f"--{name}" if value is None else f"--{name}={value}" for name, value in options)
    return " ".join([MARK, *map(quote_option, words)])
