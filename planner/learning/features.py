"""A situation as numbers: one row of a learner's table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from planner.learning.situation import FloatArray, Situation

DAY_S = 86_400.0
HOUR_S = 3_600.0
UNKNOWN = float("nan")  # the learner has a branch of its own for it


def features(now: Situation) -> dict[str, float]:
    """By name, always the same names in the same order for the same ``said``; nan: unknown."""
    found: dict[str, float] = {}
    for part in (_of_job, _of_pool, _of_queue, _of_starts, _of_others):
        found.update(part(now))
    return found


def _of_job(now: Situation) -> Iterator[tuple[str, float]]:
    yield "log_procs", _log(now.procs)
    yield "log_limit", _log(now.limit_s)
    yield "log_run", _log(now.run_s)
    yield "log_work", _log(now.procs * now.run_s)
    yield "share_of_room", now.procs / now.room
    yield "hour", now.now_s % DAY_S / HOUR_S
    yield "weekday", now.now_s // DAY_S % 7.0


def _of_pool(now: Situation) -> Iterator[tuple[str, float]]:
    jobs = now.running
    free = now.room - jobs.procs.sum()
    asked_before = now.waiting.procs.sum()
    yield "free", free / now.room
    yield "free_after", (free - now.procs) / now.room
    yield "running", float(jobs.procs.size)
    yield "own_running", float(jobs.is_own.sum())
    yield "own_running_share", jobs.procs[jobs.is_own].sum() / now.room
    for clock, left_s in (("limit", jobs.left_limit_s), ("run", jobs.left_run_s)):
        order = np.argsort(left_s, kind="stable")
        freed, at_s = free + np.cumsum(jobs.procs[order]), left_s[order]
        yield f"until_fits_{clock}", _log(_first(free, freed, at_s, now.procs))
        yield f"until_all_fit_{clock}", _log(_first(free, freed, at_s, now.procs + asked_before))
        yield f"left_work_{clock}", _log((jobs.procs * left_s).sum() / now.room)


def _first(free: float, freed: FloatArray, at_s: FloatArray, need: float) -> float:
    """When so much is free; past the last end, as much later as more than the room is asked."""
    if free >= need:
        return 0.0
    place = int(np.searchsorted(freed, need))
    if place < at_s.size:
        return float(at_s[place])
    return float(at_s[-1]) * max(1.0, need / max(float(freed[-1]), 1.0)) if at_s.size else UNKNOWN


def _of_queue(now: Situation) -> Iterator[tuple[str, float]]:
    jobs = now.waiting
    smaller = jobs.procs <= now.procs
    shorter = jobs.limit_s <= now.limit_s
    like = smaller & (jobs.procs * 2.0 >= now.procs) | (jobs.procs == now.procs)
    yield "waiting", float(jobs.procs.size)
    yield "waiting_procs", _log(jobs.procs.sum() / now.room)
    yield "waiting_work_limit", _log((jobs.procs * jobs.limit_s).sum() / now.room)
    yield "waiting_work_run", _log((jobs.procs * jobs.run_s).sum() / now.room)
    yield "waiting_smaller", float(smaller.sum())
    yield "waiting_shorter", float(shorter.sum())
    yield "own_waiting", float(jobs.is_own.sum())
    yield "head_share", float(jobs.procs[0]) / now.room if jobs.procs.size else 0.0
    yield "head_age", _log(_at(jobs.age_s, 0))
    yield "youngest_age", _log(_at(jobs.age_s, -1))
    yield "median_age", _log(_median(jobs.age_s))
    yield "oldest_smaller_age", _log(_most(jobs.age_s[smaller]))
    yield "oldest_smaller_shorter_age", _log(_most(jobs.age_s[smaller & shorter]))
    yield "oldest_like_age", _log(_most(jobs.age_s[like]))
    yield "own_oldest_age", _log(_most(jobs.age_s[jobs.is_own]))
    yield "submitted_1h", float((jobs.age_s <= HOUR_S).sum())


def _of_starts(now: Situation) -> Iterator[tuple[str, float]]:
    jobs = now.started
    log_wait = np.log1p(jobs.wait_s)
    like = (jobs.procs * 2.0 >= now.procs) & (jobs.procs <= now.procs * 2.0)
    larger = jobs.procs >= now.procs
    yield "last_start_ago", _log(_at(jobs.ago_s, -1))
    yield "last_larger_start_ago", _log(_at(jobs.ago_s[larger], -1))
    yield "starts_1h", float((jobs.ago_s <= HOUR_S).sum())
    yield "starts_6h", float((jobs.ago_s <= 6.0 * HOUR_S).sum())
    yield "submitted_and_started_1h", float((jobs.ago_s + jobs.wait_s <= HOUR_S).sum())
    for who, rows in (("", log_wait), ("like_", log_wait[like]), ("own_", log_wait[jobs.is_own])):
        yield f"{who}last_wait", _at(rows, -1)
        yield f"{who}mean_wait_5", _mean(rows[-5:])
        yield f"{who}mean_wait_25", _mean(rows[-25:])
    yield "larger_last_wait", _at(log_wait[larger], -1)
    yield "larger_mean_wait_5", _mean(log_wait[larger][-5:])
    yield "most_wait_25", _most(log_wait[-25:])
    yield "at_once_25", _mean((jobs.wait_s[-25:] <= 60.0).astype(np.float64))


def _of_others(now: Situation) -> Iterator[tuple[str, float]]:
    for name, said in now.said.items():
        for level in ("p10_s", "p50_s", "p90_s"):
            told_s = None if said is None else getattr(said, level)
            yield f"{name}_{level[:3]}", UNKNOWN if told_s is None else _log(told_s)


def _log(value: float) -> float:
    return float(np.log1p(value))


def _at(values: FloatArray, place: int) -> float:
    return float(values[place]) if values.size else UNKNOWN


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else UNKNOWN


def _median(values: FloatArray) -> float:
    return float(np.median(values)) if values.size else UNKNOWN


def _most(values: FloatArray) -> float:
    return float(values.max()) if values.size else UNKNOWN
