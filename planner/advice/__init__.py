"""What to ask for, where and when, so that results come sooner: requests fitted into futures."""

from planner.advice.adviser import Adviser
from planner.advice.answer import Advice
from planner.advice.changes import Change, smallest
from planner.advice.hours import HourPoint, PastWait
from planner.advice.option import FairShare, Option, ranked
from planner.advice.rights import Rights
from planner.advice.walltime import WalltimePoint
from planner.advice.when import When
from planner.advice.why import Why

__all__ = [
    "Advice",
    "Adviser",
    "Change",
    "FairShare",
    "HourPoint",
    "Option",
    "PastWait",
    "Rights",
    "WalltimePoint",
    "When",
    "Why",
    "ranked",
    "smallest",
]
