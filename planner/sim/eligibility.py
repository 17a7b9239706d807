"""When waiting jobs may start as far as other jobs and their begin times go."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from simpy import Environment

from planner.sim.clock import call_at
from planner.sim.dependencies import Dependencies, Progress
from planner.sim.jobs import Key
from planner.sim.queue import Pending


class Eligibility:
    """Sets ``eligible_s`` of pending jobs, or ``never``.

    ``come`` is called when a begin time is there. ``is_here`` tells whether a job of that key is in
    the cluster. How a job ended is known to dependencies on it for ``retention_s``.
    """

    def __init__(
        self,
        env: Environment,
        come: Callable[[], None],
        is_here: Callable[[Key], bool],
        retention_s: float,
    ) -> None:
        self._env = env
        self._come, self._is_here = come, is_here
        self._retention_s = retention_s
        self._dependencies = Dependencies()
        self._ended: deque[tuple[float, Key]] = deque()

    def expect(self, key: Key) -> None:
        """A job that is to come: others may wait for it."""
        self._dependencies.note(key, Progress.PENDING)

    def arrive(self, pending: Pending) -> None:
        self._forget_ended()
        self._dependencies.note(pending.job.key, Progress.PENDING)
        self._dependencies.watch(pending)
        self._settle(pending)

    def note_start(self, key: Key) -> None:
        self._note(key, Progress.STARTED)

    def note_end(self, key: Key, *, ok: bool) -> None:
        self._ended.append((float(self._env.now), key))
        self._note(key, Progress.SUCCEEDED if ok else Progress.FAILED)

    def _note(self, key: Key, progress: Progress) -> None:
        for child in self._dependencies.note(key, progress):
            self._settle(child)

    def _settle(self, pending: Pending) -> None:
        """See whether its dependencies let the job become eligible, and when."""
        job, now_s = pending.job, float(self._env.now)
        if pending.eligible_s is not None:
            return
        verdict = self._dependencies.verdict(job.dependencies)
        if verdict is None:
            return
        if not verdict:
            pending.never = "DependencyNeverSatisfied"
            return
        since_s = now_s if job.dependencies else job.submit_s
        pending.eligible_s = since_s if job.eligible_s is None else max(since_s, job.eligible_s)
        if pending.eligible_s > now_s:
            call_at(self._env, pending.eligible_s, lambda _: self._come())

    def _forget_ended(self) -> None:
        while self._ended and self._ended[0][0] < self._env.now - self._retention_s:
            _, key = self._ended.popleft()
            if not self._is_here(key):
                self._dependencies.forget(key)
