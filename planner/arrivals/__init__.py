"""What is still to be submitted: a cluster's own submissions of the past, drawn anew.

Pure; NumPy only. ``Arrivals`` draws moments and rows of the past, ``FutureJobs`` makes of them the
jobs that a simulation takes.
"""

from planner.arrivals.blocks import Arrivals, Drawn
from planner.arrivals.future_jobs import FutureJobs
from planner.arrivals.past import PastSubmissions

__all__ = ["Arrivals", "Drawn", "FutureJobs", "PastSubmissions"]
