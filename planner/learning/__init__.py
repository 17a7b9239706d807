"""Waits foretold from what the queue looked like when other jobs were submitted.

Pure; scikit-learn and SciPy are loaded when a forest is grown or asked, not before.
"""

from planner.learning.features import features
from planner.learning.forest import QuantileForest
from planner.learning.situation import RunningJobs, Situation, StartedJobs, WaitingJobs

__all__ = [
    "QuantileForest",
    "RunningJobs",
    "Situation",
    "StartedJobs",
    "WaitingJobs",
    "features",
]
