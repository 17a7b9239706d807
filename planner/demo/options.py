"""sbatch's command line and #SBATCH lines, read into one set of options."""

from __future__ import annotations

import getopt
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from planner.demo.refusal import SlurmRefusalError

# short letter, long name, whether it takes a value
_OPTIONS = (
    ("J", "job-name", True), ("p", "partition", True), ("N", "nodes", True),
    ("n", "ntasks", True), ("c", "cpus-per-task", True), ("t", "time", True),
    ("A", "account", True), ("q", "qos", True), ("o", "output", True), ("e", "error", True),
    ("D", "chdir", True), ("a", "array", True), ("d", "dependency", True),
    ("C", "constraint", True), ("G", "gpus", True), ("b", "begin", True), ("H", "hold", False),
    ("", "mem", True), ("", "mem-per-cpu", True), ("", "gres", True),
    ("", "gpus-per-node", True), ("", "ntasks-per-node", True), ("", "exclusive", False),
    ("", "wrap", True), ("", "comment", True), ("", "export", True), ("", "parsable", False),
    ("", "requeue", False), ("", "no-requeue", False), ("", "test-only", False),
    # Accepted and without effect: scripts written for real clusters name them.
    ("", "mail-type", True), ("", "mail-user", True), ("i", "input", True),
    ("", "open-mode", True), ("", "signal", True), ("", "nice", True), ("Q", "quiet", False),
)  # fmt: skip
_SHORT = "".join(letter + ":" * takes for letter, _, takes in _OPTIONS if letter)
_LONG = [name + "=" * takes for _, name, takes in _OPTIONS]
_NAME_BY_LETTER = {letter: name for letter, name, _ in _OPTIONS if letter}


@dataclass(frozen=True, slots=True)
class BatchCommand:
    """What stands on the command line: options, then a script and its arguments."""

    options: dict[str, str]  # by long name; "" for those without a value
    script: str | None
    arguments: tuple[str, ...]


def parse_command_line(arguments: Sequence[str]) -> BatchCommand:
    """Raises SlurmRefusalError in sbatch's words."""
    options, rest = _parse(arguments)
    return BatchCommand(options, rest[0] if rest else None, tuple(rest[1:]))


def script_options(text: str) -> dict[str, str]:
    """Options of the #SBATCH lines, which end at the first command. Raises SlurmRefusalError."""
    options: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            break
        if line.startswith("#SBATCH"):
            try:
                words = shlex.split(line.removeprefix("#SBATCH"), comments=True)
            except ValueError as error:
                raise SlurmRefusalError(f"sbatch: error: {error} in {line!r}") from None
            parsed, rest = _parse(words)
            if rest:
                raise SlurmRefusalError(
                    f"sbatch: error: Unexpected argument {rest[0]!r} in {line!r}"
                )
            options |= parsed
    return options


def _parse(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    try:
        pairs, rest = getopt.getopt(list(words), _SHORT, _LONG)
    except getopt.GetoptError as error:
        raise SlurmRefusalError(
            f'sbatch: {error.msg}\nTry "sbatch --help" for more information'
        ) from None
    options = {}
    for name, value in pairs:
        long_name = name[2:] if name.startswith("--") else _NAME_BY_LETTER[name[1:]]
        options[long_name] = value
    return options, rest
