"""What can go wrong between Queuecast and Slurm, told apart by who can cure it."""

from __future__ import annotations

SHOWN_CHARS = 200


class SlurmError(Exception):
    """Base of everything this package raises on purpose."""


class SlurmUnavailable(SlurmError):  # noqa: N818 (says what is the case)
    """No answer: command missing, time-out, controller or database down. Worth another try."""


class SlurmRefused(SlurmError):  # noqa: N818
    """Slurm said no: permission, unknown field or id. The same question gets the same answer."""


class ParseError(SlurmError):
    """Text that is not what the command prints; ``line`` is the offending piece, cut short."""

    def __init__(self, command: str, line: str, problem: str) -> None:
        self.command = command
        self.line = line if len(line) <= SHOWN_CHARS else line[:SHOWN_CHARS] + "..."
        self.problem = problem
        super().__init__(f"{command} printed {self.line!r}: {problem}")
