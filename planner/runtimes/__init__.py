"""How long a job will run, as a distribution learnt from jobs that ran before it."""

from planner.runtimes.learnt import RunTimes
from planner.runtimes.past import AskedRun, PastRuns, Ran

__all__ = ["AskedRun", "PastRuns", "Ran", "RunTimes"]
