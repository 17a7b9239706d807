"""Which pending jobs wait for which other jobs, and whether they still may."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from planner.sim.jobs import Dependency, Key
from planner.sim.queue import Pending


class Progress(Enum):
    """How far a job has come, as far as dependencies care."""

    PENDING = "pending"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_MET = {
    "after": {Progress.STARTED, Progress.SUCCEEDED, Progress.FAILED},
    "afterany": {Progress.SUCCEEDED, Progress.FAILED},
    "afterok": {Progress.SUCCEEDED},
    "afternotok": {Progress.FAILED},
}
_ENDED = {Progress.SUCCEEDED, Progress.FAILED}


class Dependencies:
    """Progress of the jobs known, and the pending jobs that wait for them."""

    def __init__(self) -> None:
        self._progress: dict[Key, Progress] = {}
        self._children: dict[Key, list[Pending]] = {}

    def note(self, key: Key, progress: Progress) -> list[Pending]:
        """Record progress; the pending jobs whose dependencies it may have settled."""
        self._progress[key] = progress
        children = [child for child in self._children.get(key, ()) if not child.left]
        if progress in _ENDED:
            self._children.pop(key, None)
        return children

    def forget(self, key: Key) -> None:
        """Drop an ended job; from now on it counts as unknown."""
        self._progress.pop(key, None)

    def watch(self, pending: Pending) -> None:
        for dependency in pending.job.dependencies:
            for key in dependency.keys:
                if self._progress.get(key, Progress.SUCCEEDED) not in _ENDED:
                    self._children.setdefault(key, []).append(pending)

    def verdict(self, dependencies: Iterable[Dependency]) -> bool | None:
        """True if all hold, False if one never can, None while it is open.

        Raises ValueError on a kind that the model does not know.
        """
        answers = [self._holds(d.kind, key) for d in dependencies for key in d.keys]
        if False in answers:
            return False
        return None if None in answers else True

    def _holds(self, kind: str, key: Key) -> bool | None:
        if kind not in _MET:
            raise ValueError(f"dependency kind {kind!r} on job {key!r}; know {sorted(_MET)}")
        progress = self._progress.get(key, Progress.SUCCEEDED)
        if progress in _MET[kind]:
            return True
        return False if progress in _ENDED else None
