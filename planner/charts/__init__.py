"""Figures as plain dicts for plotly.js; colours are names of the page's CSS variables."""

from planner.charts.record import predicted_against_actual, reliability
from planner.charts.time_line import Bar, start_time_line
from planner.charts.types import Figure

__all__ = ["Bar", "Figure", "predicted_against_actual", "reliability", "start_time_line"]
