"""What is told of a start once the site's own record has corrected what the replicas say."""

from __future__ import annotations

import pytest

from planner.forecasting.forecasts import JobForecast
from planner.forecasting.start_columns import corrected
from planner.quantiles import Quantiles
from planner.snapshot import PendingJob
from tracker.slurm.records import QueuedJob

RECORD = QueuedJob(job_id=7, state="PENDING", user="alice", name="x", partitions=("gpu",))


def job(**fields: object) -> JobForecast:
    said: dict[str, object] = {"p10_s": 900.0, "p50_s": 1800.0, "p90_s": 3600.0}
    finish = Quantiles(1000.0, 2000.0, 5000.0)
    return JobForecast(
        PendingJob("7", RECORD),
        "A",
        "",
        **{"finish": finish, "p_within_10_min": 0.05, **said, **fields},
    )


def test_the_end_moves_with_the_start() -> None:
    told = corrected(job(), Quantiles(1000.0, 2100.0, 7200.0))
    assert (told.p10_s, told.p50_s, told.p90_s) == (1000.0, 2100.0, 7200.0)
    assert (told.finish.p50_s, told.finish.p90_s) == (2300.0, 8600.0)


@pytest.mark.parametrize(
    ("start", "of_replicas", "told"),
    [
        (Quantiles(60.0, 300.0, 3600.0), 0.2, 0.5),  # at least half start by then
        (Quantiles(60.0, 900.0, 3600.0), 0.8, 0.5),  # at most half do
        (Quantiles(60.0, 900.0, 3600.0), 0.3, 0.3),
        (Quantiles(700.0, 900.0, None), 0.3, 0.1),
        (Quantiles(1.0, 2.0, 3.0), 0.4, 0.9),
        (Quantiles(1.0, 2.0, 3.0), None, None),
    ],
)
def test_the_chance_to_start_soon_never_contradicts_the_quantiles(
    start: Quantiles, of_replicas: float | None, told: float | None
) -> None:
    assert corrected(job(p_within_10_min=of_replicas), start).p_within_10_min == told


def test_a_start_beyond_the_horizon_that_history_knows_is_late_no_more() -> None:
    late = job(p50_s=None, p90_s=None, later_than_horizon=("p50", "p90"))
    told = corrected(late, Quantiles(900.0, 4000.0, None))
    assert told.later_than_horizon == ("p90",)
    assert told.finish.p50_s is None  # nothing tells how long it runs from there
