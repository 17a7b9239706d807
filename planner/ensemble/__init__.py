"""Many futures of one world: run times and arrivals drawn from history, each simulated."""

from planner.ensemble.pace import paced_interval_s
from planner.ensemble.past import Past, asked_run, limit_s_of
from planner.ensemble.replicas import run_batch
from planner.ensemble.spread import Spread, Told
from planner.ensemble.starts import Starts, is_stable, joined, quantiles

__all__ = [
    "Past",
    "Spread",
    "Starts",
    "Told",
    "asked_run",
    "is_stable",
    "joined",
    "limit_s_of",
    "paced_interval_s",
    "quantiles",
    "run_batch",
]
