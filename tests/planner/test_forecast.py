"""Forecasts of the recorded cluster: an estimate or a reason for each of its pending jobs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from planner.forecasts import Forecast, JobForecast, forecast
from planner.selfcheck import moments
from planner.selfcheck.starts import agreement, compare
from planner.snapshot import build
from tests.planner.recorded import recorded_facts, recorded_slurm, row, with_rows

DOCUMENT = Path(__file__).parents[2] / "docs" / "forecast-on-recorded-cluster.md"


@pytest.fixture(scope="module")
def made() -> Forecast:
    return forecast(build(recorded_facts()))


def by_id(made: Forecast) -> dict[str, JobForecast]:
    return {job.pending.key: job for job in made.jobs}


def test_every_pending_job_gets_an_estimate_or_a_reason(made: Forecast) -> None:
    assert len(by_id(made)) == 221  # 204 rows of squeue, arrays by task
    for job in made.jobs:
        if job.p50_s is None:
            assert job.later_than_horizon or job.reason_class in {"E", "F", "G"}
        assert job.p50_s is None or job.p50_s >= 0
        assert job.why
        assert (job.p10_s, job.p90_s) == (None, None)  # one replica tells no spread


def test_the_same_snapshot_gives_the_same_forecast(made: Forecast) -> None:
    assert forecast(build(recorded_facts()), seed=7) == made


def test_json_has_the_keys_of_the_contract(made: Forecast) -> None:
    told = json.loads(json.dumps(made.as_json(made.snapshot_at + timedelta(seconds=90))))
    assert list(told) == ["snapshot_at", "age_s", "replicas", "horizon_s", "jobs"]
    assert (told["age_s"], told["replicas"], told["horizon_s"]) == (90.0, 1, 86_400)
    assert datetime.fromisoformat(told["snapshot_at"]) == made.snapshot_at
    keys = ["job_id", "p10_s", "p50_s", "p90_s", "later_than_horizon", "reason_class", "why"]
    assert all(list(job) == keys for job in told["jobs"])


@pytest.mark.parametrize(
    ("job_id", "reason_class", "cure"),
    [
        ("351", "E", "shorter --time"),
        ("794", "F", "scontrol release 794"),
        ("977", "F", "administrators"),
        ("345", "F", "change its dependency"),
        ("1083", "G", "only if job 1075_* fails"),
    ],
)
def test_a_job_that_waiting_does_not_help_gets_a_reason_and_a_cure(
    made: Forecast, job_id: str, reason_class: str, cure: str
) -> None:
    job = by_id(made)[job_id]
    assert (job.p50_s, job.later_than_horizon, job.reason_class) == (None, (), reason_class)
    assert cure in job.why


def test_a_begin_time_and_a_dependency_still_give_an_estimate(made: Forecast) -> None:
    assert (by_id(made)["795"].reason_class, by_id(made)["795"].p50_s) == ("B", 7063.0)
    parent, child = by_id(made)["919"], by_id(made)["1077"]  # afterok:919, which runs 3 minutes
    assert child.reason_class == "G"
    assert parent.p50_s is not None
    assert child.p50_s is not None
    assert child.p50_s >= parent.p50_s + 180


def test_a_start_past_the_horizon_is_named_and_not_given() -> None:
    soon = forecast(build(recorded_facts()), horizon_s=3600)
    later = by_id(soon)["795"]
    assert (later.p50_s, later.later_than_horizon) == (None, ("p50",))


def test_components_of_a_het_job_start_together() -> None:
    first = replace(row(884), het_job_id=884, het_offset=0)
    second = replace(row(893), het_job_id=884, het_offset=1)
    found = by_id(forecast(build(with_rows(first, second)), horizon_s=3600))
    assert found["884+0"].p50_s == found["884+1"].p50_s


def test_one_backfill_cycle_plans_what_the_recorded_slurm_planned() -> None:
    facts = recorded_facts()
    pairs = compare(facts, build(facts), moments(recorded_slurm(), facts).cycle_at)
    found = agreement(pairs, interval_s=10.0)
    assert found is not None
    assert (found.rows, found.both, found.median_abs_s) == (204, 121, 0.0)
    assert found.within_interval == 1.0
    # Where only Slurm shows a time, it holds no nodes for it: a begin time, or a refused limit.
    only_slurm = [p for p in pairs if p.slurm_s is not None and p.cycle_s is None]
    assert {p.pending.record.scheduled_nodes for p in only_slurm} == {None}
    assert not [p for p in pairs if p.slurm_s is None and p.cycle_s is not None]
    line = f"{found.rows} rows, {found.both} with a start from both: {found.within_interval:.0%}"
    assert line in DOCUMENT.read_text(encoding="utf-8")
