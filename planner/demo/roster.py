"""Who is in the queue, who runs, who has just ended; and, from the journal, who ever was."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from planner.demo import endings, site
from planner.demo.jobs import Attempt
from planner.demo.journal import Journal
from planner.demo.world import parse_dependency
from planner.sim.jobs import Key


class Roster:
    """All attempts: those not ended by key, the others in the journal."""

    def __init__(self, journal: Journal) -> None:
        self.active: dict[Key, Attempt] = {}
        self.recent: deque[Attempt] = deque()  # ended within MinJobAge
        self._journal = journal

    # --- changes

    def add(self, attempt: Attempt) -> None:
        self.active[attempt.key] = attempt
        self._journal.save(attempt)

    def end(self, attempt: Attempt) -> None:
        """Take out an attempt that was closed."""
        del self.active[attempt.key]
        self.recent.append(attempt)
        self._journal.save(attempt)

    def recall(self, now_at: float) -> None:
        """Fill ``recent`` from the journal."""
        self.recent = deque(self._journal.ended(now_at - site.MIN_JOB_AGE_S))

    def forget(self, now_at: float) -> None:
        """Drop from ``recent`` what ended longer than MinJobAge ago."""
        while self.recent and (self.recent[0].end_at or 0) < now_at - site.MIN_JOB_AGE_S:
            self.recent.popleft()

    # --- questions

    def attempts_of(self, job_ids: Iterable[int]) -> list[Attempt]:
        """All attempts of the jobs with these raw or array ids, oldest first."""
        return [self._current(attempt) for attempt in self._journal.of_jobs(job_ids)]

    def attempts_since(self, since_at: float) -> list[Attempt]:
        """Attempts that ended at or after that instant, and those not ended."""
        return [*self._journal.ended(since_at), *self.active.values()]

    def _current(self, attempt: Attempt) -> Attempt:
        active = self.active.get(attempt.key)
        return active if active and active.db_index == attempt.db_index else attempt

    def pending_count(self) -> int:
        return sum(attempt.is_pending for attempt in self.active.values())

    def has_unsplit_siblings(self, task: Attempt) -> bool:
        """Whether other tasks of its array still share the array's pending record."""
        array = (one for one in self.active.values() if one.array_id == task.array_id)
        return any(one is not task and not one.is_split for one in array)

    # --- dependencies

    def resolve(self, kind: str, job_id: int) -> tuple[Key, ...] | None:
        """Keys of the jobs that a dependency still waits for; None if it cannot be met any more."""
        newest = {attempt.key: attempt for attempt in self.attempts_of([job_id])}
        over = [one for one in newest.values() if not one.is_active]
        if not all(endings.settles(kind, parent) for parent in over):
            return None
        return tuple(key for key, one in newest.items() if one.is_active)

    def children_of(self, parent: Attempt) -> list[Attempt]:
        """Pending attempts with a dependency on this one."""
        ids = {parent.job_id, parent.base_id}
        return [
            one
            for one in self.active.values()
            if one.is_pending
            and any(ids.intersection(j) for _, j in parse_dependency(one.request.dependency))
        ]

    def eligible_at(self, attempt: Attempt) -> float:
        """When a job that starts now became eligible."""
        known = [attempt.submit_at, attempt.request.begin_at, attempt.eligible_at]
        for _, job_ids in parse_dependency(attempt.request.dependency):
            known += [parent.end_at for parent in self._journal.of_jobs(job_ids)]
        return max(moment for moment in known if moment is not None)

    def eligible_while_pending(self, attempt: Attempt, now_at: float) -> float | None:
        """When a job that still waits became eligible; None while it is held, or waits for others
        or for its begin time. sacct leaves out a window's jobs that never were."""
        dependencies = [
            (kind, job_id)
            for kind, job_ids in parse_dependency(attempt.request.dependency)
            for job_id in job_ids
        ]
        waits = attempt.held or any(self.resolve(*one) != () for one in dependencies)
        return (
            None if waits or (attempt.request.begin_at or 0) > now_at else self.eligible_at(attempt)
        )
