"""When running jobs are expected to end: what an end is early or late by."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from planner.ensemble import asked_run
from planner.runtimes import RunTimes
from planner.snapshot import Snapshot


def expected_ends(snapshot: Snapshot, runs: RunTimes | None) -> dict[str, datetime] | None:
    """By key, the middle of each run time given how long the job has run; None: nothing is known.

    A job without a time limit that nothing like it has ended is left out.
    """
    world = snapshot.world
    running = [(job, -job.start_s) for job in world.jobs if job.start_s is not None]
    if runs is None or not running:
        return None
    asked = [asked_run(job, world) for job, _ in running]
    age_s = np.array([max(0.0, age) for _, age in running])
    run_s = runs.draw(asked, age_s, np.full((len(running), 1), 0.5))[:, 0]
    return {
        str(job.key): snapshot.taken_at + timedelta(seconds=float(left_s))
        for (job, _), left_s in zip(running, run_s - age_s, strict=True)
        if np.isfinite(left_s)
    }
