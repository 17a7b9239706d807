"""How good forecasts were: arrays of what was said and what came in, figures out.

Pure. Figures and their definitions: ``docs/accuracy.md``.
"""

from planner.accuracy.bootstrap import DayBlocks, Interval, score_intervals
from planner.accuracy.losses import Loss, absolute_error_s, pinball_log, pinball_s
from planner.accuracy.pictures import (
    Points,
    ReliabilityPoint,
    predicted_against_actual,
    reliability,
)
from planner.accuracy.scored import Scored
from planner.accuracy.scores import Score, answered_by_all, score
from planner.accuracy.skill import skill, skill_interval
from planner.accuracy.strata import STRATA, strata
from planner.accuracy.words import sentence

__all__ = [
    "STRATA",
    "DayBlocks",
    "Interval",
    "Loss",
    "Points",
    "ReliabilityPoint",
    "Score",
    "Scored",
    "absolute_error_s",
    "answered_by_all",
    "pinball_log",
    "pinball_s",
    "predicted_against_actual",
    "reliability",
    "score",
    "score_intervals",
    "sentence",
    "skill",
    "skill_interval",
    "strata",
]
