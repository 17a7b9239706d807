"""How busy the machine was and how many jobs waited, in even stretches of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.report.schedule import FloatArray, Schedule


@dataclass(frozen=True)
class OverTime:
    """Arrays of one length; ``edges_s``, seconds from the first submission, has one more."""

    edges_s: FloatArray
    busy: FloatArray  # mean share of the machine
    waiting: FloatArray  # mean number of jobs
    most_waiting: FloatArray


def over_time(schedule: Schedule, stretches: int = 240) -> OverTime:
    origin_s = schedule.submit_s.min()
    submit_s, start_s, end_s = (
        times_s - origin_s for times_s in (schedule.submit_s, schedule.start_s, schedule.end_s)
    )
    edges_s = np.linspace(0.0, end_s.max(), stretches + 1)
    in_use = _Steps.of(start_s, end_s, schedule.procs.astype(float))
    waiting = _Steps.of(submit_s, start_s, np.ones(len(submit_s)))
    return OverTime(
        edges_s,
        in_use.means(edges_s) / schedule.processors,
        waiting.means(edges_s),
        waiting.peaks(edges_s),
    )


@dataclass(frozen=True)
class _Steps:
    """A step function of time, 0 before the first: ``values[i]`` from ``times_s[i]`` on."""

    times_s: FloatArray
    values: FloatArray

    @classmethod
    def of(cls, from_s: FloatArray, to_s: FloatArray, amount: FloatArray) -> _Steps:
        """The sum of amounts that are there from one time to another."""
        times_s, place = np.unique(np.concatenate((from_s, to_s)), return_inverse=True)
        changes = np.bincount(place, weights=np.concatenate((amount, -amount)))
        return cls(times_s, np.cumsum(changes))

    def means(self, edges_s: FloatArray) -> FloatArray:
        gained = np.concatenate(([0.0], np.cumsum(self.values[:-1] * np.diff(self.times_s))))
        means: FloatArray = np.diff(np.interp(edges_s, self.times_s, gained)) / np.diff(edges_s)
        return means

    def peaks(self, edges_s: FloatArray) -> FloatArray:
        """Of each stretch from an edge on, up to but not at the next."""
        times_s = np.union1d(self.times_s, edges_s)
        values = np.concatenate(([0.0], self.values))[
            np.searchsorted(self.times_s, times_s, side="right")
        ]
        peaks: FloatArray = np.maximum.reduceat(values, np.searchsorted(times_s, edges_s[:-1]))
        return peaks
