"""Figures as plain dicts for plotly.js; colours are names of the page's CSS variables."""

from planner.charts.fan import Submission, start_fan
from planner.charts.heat import Hour, wait_by_hour
from planner.charts.record import predicted_against_actual, reliability
from planner.charts.schedule import Block, Stay, schedule
from planner.charts.time_line import Bar, start_time_line
from planner.charts.types import Figure
from planner.charts.walltime import LimitPoint, walltime_curve

__all__ = [
    "Bar",
    "Block",
    "Figure",
    "Hour",
    "LimitPoint",
    "Stay",
    "Submission",
    "predicted_against_actual",
    "reliability",
    "schedule",
    "start_fan",
    "start_time_line",
    "wait_by_hour",
    "walltime_curve",
]
