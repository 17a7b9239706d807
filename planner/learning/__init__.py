"""Waits foretold from what the queue looked like when other jobs were submitted.

Pure; scikit-learn and SciPy are loaded when a forest is grown or asked, not before.
"""

from planner.learning.features import features
from planner.learning.forest import CORRECTED, QuantileForest
from planner.learning.situation import RunningJobs, Situation, StartedJobs, WaitingJobs

__all__ = [
    "CORRECTED",
    "QuantileForest",
    "RunningJobs",
    "Situation",
    "StartedJobs",
    "WaitingJobs",
    "features",
]
