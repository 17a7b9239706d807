"""What is told of one start, as columns of its estimate: what the replicas say, set right by what
the site's own record teaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from planner.ensemble.spread import SOON_S
from planner.forecasting.calibrating import Calibrator
from planner.forecasting.forecasts import JobForecast, QueueForecast
from planner.quantiles import Quantiles
from tracker.slurm.hostlist import compress

if TYPE_CHECKING:
    from planner.advice import Option

LEVELS = (0.1, 0.5, 0.9)


def start_columns(
    job: JobForecast, made: QueueForecast, calibrator: Calibrator
) -> dict[str, object]:
    raw, told, how = Quantiles(job.p10_s, job.p50_s, job.p90_s), job, ""
    is_drawn = made.method == "ensemble"
    if is_drawn and (raw.p50_s is not None or job.later_than_horizon):
        start, how = calibrator.left(job.pending.record, raw)
        told = corrected(job, start)
    return {
        "snapshot_at": made.snapshot_at,
        "p10_at": _at(told.p10_s, made.snapshot_at),
        "p50_at": _at(told.p50_s, made.snapshot_at),
        "p90_at": _at(told.p90_s, made.snapshot_at),
        "raw_p10_at": _at(raw.p10_s, made.snapshot_at) if is_drawn else None,
        "raw_p50_at": _at(raw.p50_s, made.snapshot_at) if is_drawn else None,
        "raw_p90_at": _at(raw.p90_s, made.snapshot_at) if is_drawn else None,
        "p_within_10_min": told.p_within_10_min,
        "finish_p50_at": _at(told.finish.p50_s, made.snapshot_at),
        "finish_p90_at": _at(told.finish.p90_s, made.snapshot_at),
        "later_than_horizon": told.later_than_horizon,
        "horizon_s": made.horizon_s,
        "replicas": made.replicas,
        "method": made.method,
        "how": how,
        # The class of a reason that is not known here has no letter.
        "reason_class": job.reason_class if job.reason_class.isalpha() else "",
        "why": job.why,
        "nodes": compress(job.nodes),
    }


def history_columns(left: Quantiles | None, snapshot_at: datetime) -> dict[str, datetime | None]:
    if left is None:
        return {}
    return {
        "history_p10_at": _at(left.p10_s, snapshot_at),
        "history_p50_at": _at(left.p50_s, snapshot_at),
        "history_p90_at": _at(left.p90_s, snapshot_at),
    }


Said = TypeVar("Said", JobForecast, "Option")


def corrected(job: Said, start: Quantiles) -> Said:
    """With another start: the end moves along, and the chance to start soon must not contradict it.

    What is not said of a start because it is late may be said now, and is then late no more.
    """
    said = {"p10": start.p10_s, "p50": start.p50_s, "p90": start.p90_s}
    return replace(
        job,
        later_than_horizon=tuple(name for name in job.later_than_horizon if said[name] is None),
        p10_s=start.p10_s,
        p50_s=start.p50_s,
        p90_s=start.p90_s,
        p_within_10_min=_chance(job.p_within_10_min, start),
        finish=Quantiles(
            job.finish.p10_s,
            _moved_along(job.finish.p50_s, job.p50_s, start.p50_s),
            _moved_along(job.finish.p90_s, job.p90_s, start.p90_s),
        ),
    )


def _chance(of_replicas: float | None, start: Quantiles) -> float | None:
    """That it starts soon: as near to what the replicas say as the quantiles of its start allow."""
    if of_replicas is None:
        return None
    least, most = 0.0, 1.0
    for level, at_s in zip(LEVELS, (start.p10_s, start.p50_s, start.p90_s), strict=True):
        if at_s is not None and at_s <= SOON_S:
            least = level
        else:
            most = min(most, level)
    return min(max(of_replicas, least), most)


def _moved_along(finish_s: float | None, raw_s: float | None, told_s: float | None) -> float | None:
    if finish_s is None or raw_s is None or told_s is None:
        return None
    return finish_s - raw_s + told_s


def _at(seconds: float | None, snapshot_at: datetime) -> datetime | None:
    return None if seconds is None else snapshot_at + timedelta(seconds=seconds)
