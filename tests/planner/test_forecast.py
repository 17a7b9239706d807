"""Forecasts of the recorded cluster: an estimate or a reason for each of its pending jobs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from planner.ensemble import Past
from planner.forecasting.forecasts import JobForecast, QueueForecast, forecast
from planner.quantiles import Quantiles
from planner.selfcheck import moments
from planner.selfcheck.starts import agreement, compare
from planner.snapshot import Facts, build
from planner.snapshot.past import recorded_past
from tests.planner.recorded import recorded_facts, recorded_slurm, row, with_rows

DOCUMENT = Path(__file__).parents[2] / "docs" / "forecast-on-recorded-cluster.md"


SHORT_S = 60


@pytest.fixture(scope="module")
def made() -> QueueForecast:
    return forecast(build(recorded_facts()))


def spread_of(facts: Facts, *, seed: int = 0) -> QueueForecast:
    """Few replicas that look a little ahead, from the accounting recorded with the queue."""
    snapshot = build(facts)
    past = recorded_past(recorded_slurm(), facts, snapshot)
    return forecast(snapshot, past, replicas=4, seed=seed, horizon_s=SHORT_S)


@pytest.fixture(scope="module")
def spread() -> QueueForecast:
    return spread_of(recorded_facts())


def by_id(made: QueueForecast) -> dict[str, JobForecast]:
    return {job.pending.key: job for job in made.jobs}


def test_every_pending_job_gets_an_estimate_or_a_reason(made: QueueForecast) -> None:
    assert len(by_id(made)) == 221  # 204 rows of squeue, arrays by task
    for job in made.jobs:
        if job.p50_s is None:
            assert job.later_than_horizon or job.reason_class in {"E", "F", "G"}
        assert job.p50_s is None or job.p50_s >= 0
        assert job.why
        assert (job.p10_s, job.p90_s) == (None, None)  # one replica tells no spread
        assert (job.p_within_10_min, job.finish) == (None, Quantiles(None, None, None))
    assert (made.method, made.replicas) == ("plan", 1)


def test_the_same_snapshot_gives_the_same_forecast(made: QueueForecast) -> None:
    assert forecast(build(recorded_facts()), seed=7) == made


def test_json_has_the_keys_of_the_contract(made: QueueForecast) -> None:
    told = json.loads(json.dumps(made.as_json(made.snapshot_at + timedelta(seconds=90))))
    assert list(told) == ["snapshot_at", "age_s", "replicas", "horizon_s", "jobs"]
    assert (told["age_s"], told["replicas"], told["horizon_s"]) == (90.0, 1, 86_400)
    assert datetime.fromisoformat(told["snapshot_at"]) == made.snapshot_at
    keys = ["job_id", "p10_s", "p50_s", "p90_s", "later_than_horizon", "reason_class", "why"]
    keys += ["p_within_10_min", "finish"]
    assert all(list(job) == keys for job in told["jobs"])
    assert all(list(job["finish"]) == ["p10_s", "p50_s", "p90_s"] for job in told["jobs"])


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
    made: QueueForecast, job_id: str, reason_class: str, cure: str
) -> None:
    job = by_id(made)[job_id]
    assert (job.p50_s, job.later_than_horizon, job.reason_class) == (None, (), reason_class)
    assert cure in job.why


def test_a_begin_time_and_a_dependency_still_give_an_estimate(made: QueueForecast) -> None:
    assert (by_id(made)["795"].reason_class, by_id(made)["795"].p50_s) == ("B", 7065.0)
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


def test_with_a_past_each_start_is_a_range_and_so_is_its_finish(spread: QueueForecast) -> None:
    assert (spread.method, spread.replicas) == ("ensemble", 4)
    told = [job for job in spread.jobs if job.p90_s is not None]
    assert len(told) > 8
    for job in told:
        assert job.p10_s is not None
        assert job.p50_s is not None
        assert job.p10_s <= job.p50_s <= job.p90_s
        assert job.p_within_10_min == 1.0  # its last start lies within the minute looked at
        assert job.finish.p50_s is not None
        assert job.finish.p50_s > job.p50_s
    assert any(job.p10_s < job.p90_s for job in told if job.p10_s and job.p90_s)


def test_a_range_can_reach_past_the_horizon(spread: QueueForecast) -> None:
    reaching = [job for job in spread.jobs if job.later_than_horizon == ("p90",)]
    assert reaching
    for job in reaching:
        assert job.p50_s is not None
        assert job.p90_s is None
        assert job.p_within_10_min is not None
        assert 0.0 < job.p_within_10_min < 1.0
    later = by_id(spread)["795"]  # it waits for its begin time
    assert later.later_than_horizon == ("p10", "p50", "p90")
    assert later.p_within_10_min == 0.0


def test_a_job_that_waiting_does_not_help_has_no_range_either(
    made: QueueForecast, spread: QueueForecast
) -> None:
    never = [key for key, job in by_id(made).items() if not (job.p50_s or job.later_than_horizon)]
    assert len(never) > 5
    for key in set(never) - {"1203"}:  # which starts at once
        assert by_id(spread)[key].why == by_id(made)[key].why
        assert by_id(spread)[key].finish.p50_s is None


def test_components_of_a_het_job_start_together_in_each_future() -> None:
    first = replace(row(884), het_job_id=884, het_offset=0)
    second = replace(row(893), het_job_id=884, het_offset=1)
    stuck = replace(row(794), het_job_id=893, het_offset=1)
    free = replace(row(896), het_job_id=893, het_offset=0)
    found = by_id(spread_of(with_rows(first, second, stuck, free)))
    one, other = found["884+0"], found["884+1"]
    assert (one.p10_s, one.p50_s, one.p90_s) == (other.p10_s, other.p50_s, other.p90_s)
    assert one.later_than_horizon == other.later_than_horizon
    assert found["893+0"].why == found["893+1"].why
    assert (found["893+0"].p50_s, found["893+0"].later_than_horizon) == (None, ())


def test_a_past_that_knows_nothing_is_none() -> None:
    snapshot = build(recorded_facts())
    with_blank = forecast(snapshot, Past(), replicas=16, horizon_s=SHORT_S)
    assert with_blank == forecast(snapshot, horizon_s=SHORT_S)
    assert (with_blank.method, with_blank.replicas) == ("plan", 1)


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
