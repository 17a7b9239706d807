"""A command of the demo cluster that is answered with no, in Slurm's own words."""

from __future__ import annotations


class SlurmRefusalError(Exception):
    """``str()`` is what goes to standard error."""

    def __init__(self, message: str, *, rc: int = 1) -> None:
        super().__init__(message)
        self.rc = rc
