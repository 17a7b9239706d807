"""Rows of a campaign and its workload, without a Slurm."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from planner.quantiles import Quantiles
from tests.cluster.load import Submission, workload
from tests.cluster.outcomes import FEWEST, Row, Truth, constant_of
from tracker.slurm.records import AccountedJob, QueuedJob

T0 = datetime(2026, 11, 27, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def row(actual_s: float, *, is_censored: bool = False, reason_class: str = "A") -> Row:
    """Seen at T0."""
    queued = QueuedJob(1, "PENDING", "a", "a", submit_at=T0)
    return Row(0, T0, "1", queued, reason_class, {}, actual_s, is_censored)


def test_the_constant_rests_on_starts_that_were_known_by_then():
    rows = [row(10.0)] * FEWEST + [row(500.0)] * 90
    assert constant_of(rows, later(499)) == Quantiles.point(10.0)
    assert constant_of(rows, later(500)).p50_s == 500.0


def test_the_constant_is_not_said_before_enough_jobs_have_started():
    assert constant_of([row(10.0)] * (FEWEST - 1), later(60)) is None
    assert constant_of([row(10.0, is_censored=True)] * FEWEST, later(60)) is None
    assert constant_of([row(10.0, reason_class="F")] * FEWEST, later(60)) is None


@pytest.mark.parametrize(
    ("key", "outcome"),
    [
        ("1", (90.0, False)),  # started
        ("2", (30.0, True)),  # cancelled while it waited
        ("3_4", (3590.0, True)),  # still waits
    ],
)
def test_a_wait_ends_with_a_start_or_is_known_to_have_lasted_so_long(
    key: str, outcome: tuple[float, bool]
):
    job = AccountedJob(1, "COMPLETED", "a", "a", start_at=later(100))
    truth = Truth({"1": job}, {"2": later(40)}, until=later(3600))
    assert truth.outcome(key, later(10)) == outcome


def test_the_same_seed_makes_the_same_workload():
    first, second = (workload(np.random.default_rng(7), 10, 6) for _ in range(2))
    assert first == second
    assert first != workload(np.random.default_rng(8), 10, 6)
    assert [made.at_s for made in first] == sorted(made.at_s for made in first)


def test_each_task_of_an_array_sleeps_as_long_as_it_is_to():
    body = Submission(0.0, "qc-alice", (), tuple(range(100, 112))).body.replace("sleep", "echo")
    said = subprocess.run(
        ["sh", "-c", body],
        env={"SLURM_ARRAY_TASK_ID": "11"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "110\n"
