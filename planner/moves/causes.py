"""What changed between two looks that bears on one job, each weighed by the work it stands for.

Weights are CPU-seconds: the work that came in front of the job, or that was taken from there. They
put the causes in order; nothing was simulated without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

from planner.moves.crowd import Crowd, Some
from planner.moves.look import Look, Waiting
from planner.moves.machine import Cause, counted, machine_causes


@dataclass(slots=True)
class Scope:
    """What bears on the jobs of one set of partitions."""

    arrived: Some
    left: Some
    stayed: Some
    machine: tuple[Cause, ...]


@dataclass(slots=True)
class Changes:
    before: Look
    after: Look
    own_before: dict[int, Waiting]  # by raw id
    own_after: dict[int, Waiting]
    arrived: Crowd  # ranked as they are now
    left: Crowd  # ranked as they were
    stayed: Crowd  # ranked as they are now
    stayed_before: Crowd  # the same jobs, ranked as they were
    _scopes: dict[frozenset[str], Scope] = field(default_factory=dict)

    @classmethod
    def between(cls, before: Look, after: Look) -> Changes:
        was, now = before.waiting, after.waiting
        known, there = was.keys() | before.running.keys(), now.keys() | after.running.keys()
        both = [key for key in now if key in was]
        return cls(
            before,
            after,
            own_before={job.job_id: job for job in was.values()},
            own_after={job.job_id: job for job in now.values()},
            arrived=Crowd.of([job for key, job in now.items() if key not in known]),
            left=Crowd.of([job for key, job in was.items() if key not in there]),
            stayed=Crowd.of([now[key] for key in both]),
            stayed_before=Crowd.of([was[key] for key in both]),
        )

    def causes(self, job_id: int, moved_s: float) -> Iterator[Cause]:
        """Those that push the job the way it moved."""
        was, now = self.own_before[job_id], self.own_after[job_id]
        if was.request != now.request:
            yield Cause("its own request was changed", inf)
        scope = self._scope(now.partitions)
        yield from (c for c in scope.machine if c.delays == (moved_s > 0))
        yield from self._later(was, now, scope) if moved_s > 0 else self._sooner(was, now, scope)

    def _scope(self, partitions: frozenset[str]) -> Scope:
        if partitions not in self._scopes:
            rivals = frozenset[str]().union(
                *(self.after.rivals.get(name, {name}) for name in partitions)
            )
            self._scopes[partitions] = Scope(
                self.arrived.within(rivals),
                self.left.within(rivals),
                self.stayed.within(rivals),
                tuple(machine_causes(self.before, self.after, partitions, rivals)),
            )
        return self._scopes[partitions]

    def _later(self, was: Waiting, now: Waiting, scope: Scope) -> Iterator[Cause]:
        ahead = scope.arrived.where(self.arrived.rank > now.rank)
        if ahead.count:
            own = ahead.of_user(now.user)
            whose = f", {own} of them of the same user" if own else ""
            who = f"{counted(ahead.count, 'job')} of higher priority"
            yield Cause(f"{who} joined the queue ahead of it{whose}", ahead.work_cpu_s)
        past = scope.stayed.where(
            (self.stayed_before.rank <= was.rank) & (self.stayed.rank > now.rank)
        )
        if past.count:
            who = counted(past.count, "job")
            why = self._fell(was, now)
            yield Cause(f"{why}{who} came past it from behind", past.work_cpu_s)

    def _sooner(self, was: Waiting, now: Waiting, scope: Scope) -> Iterator[Cause]:
        gone = scope.left.where(self.left.rank > was.rank)
        if gone.count:
            who = counted(gone.count, "job")
            yield Cause(f"{who} ahead of it left the queue", gone.work_cpu_s)
        passed = scope.stayed.where(
            (self.stayed_before.rank > was.rank) & (self.stayed.rank <= now.rank)
        )
        if passed.count:
            whom = counted(passed.count, "job")
            yield Cause(f"it came past {whom} in the queue", passed.work_cpu_s)

    def _fell(self, was: Waiting, now: Waiting) -> str:
        if now.rank >= was.rank:
            return ""
        whose = now.account, now.user
        used, used_before = self.after.usage.get(whose), self.before.usage.get(whose)
        if used is not None and used_before is not None and used > used_before:
            return "its fair share fell with the use of its account, and "
        return "its priority fell, and "
