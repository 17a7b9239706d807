"""The simulated users: when the next of them submits something, or loses patience."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace
from math import inf

from planner.demo import workload
from planner.demo.jobs import Attempt, Request
from planner.demo.workload import Submission


class Crowd:
    """Submissions from ``from_at`` on; what happens depends on how long the queue is."""

    def __init__(self, seed: int, from_at: float) -> None:
        self._arrivals = self._stream(seed, from_at)
        self._next = next(self._arrivals)
        self._limits_of_patience: list[tuple[float, int]] = []  # (when, db_index)
        self._last_id: int | None = None  # of the submission before, if it was made

    @staticmethod
    def _stream(seed: int, from_at: float) -> Iterator[tuple[Submission, float]]:
        hour = int(from_at // workload.HOUR_S)
        while True:
            for submission, chance in workload.submissions(seed, hour):
                if submission.at > from_at:
                    yield submission, chance
            hour += 1

    def next_at(self) -> float:
        """When somebody acts next."""
        impatient_at = self._limits_of_patience[0][0] if self._limits_of_patience else inf
        return min(self._next[0].at, impatient_at)

    def watch(self, attempt: Attempt) -> None:
        """Remember when the job's user will lose patience."""
        patience_s = attempt.request.patience_s
        if patience_s is not None and attempt.db_index is not None:
            entry = (attempt.submit_at + patience_s, attempt.db_index)
            heapq.heappush(self._limits_of_patience, entry)

    def lost_patience(self, now_at: float) -> list[int]:
        """``db_index`` of the attempts whose users give up by now, if they still wait."""
        lost = []
        while self._limits_of_patience and self._limits_of_patience[0][0] <= now_at:
            lost.append(heapq.heappop(self._limits_of_patience)[1])
        return lost

    def submission(self, now_at: float, pending: int) -> tuple[Request, tuple[int, ...]] | None:
        """What is submitted now, with array tasks; None if nothing, for now or at all.

        Report its id to ``submitted`` before the next call.
        """
        submission, chance = self._next
        if submission.at > now_at:
            return None
        self._next = next(self._arrivals)
        previous_id, self._last_id = self._last_id, None
        if chance >= workload.acceptance(pending):
            return None
        request = submission.request
        if submission.follows:
            if previous_id is None:
                return None
            request = replace(request, dependency=f"afterok:{previous_id}")
        return request, tuple(range(submission.array_size or 0))

    def submitted(self, job_id: int) -> None:
        self._last_id = job_id
