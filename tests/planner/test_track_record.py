"""The record of a cluster: from stored estimates to figures, and how long these are kept."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection

from planner.record import record_rows as reading
from planner.record.record_rows import record_rows
from planner.record.track_record import (
    Choice,
    Figures,
    kept_track_record,
    measure,
    record_for,
    track_record,
)
from tests.factories import NOW, make_cluster
from tests.planner.told import told
from tracker.models import Actor, Cluster, Partition

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def cluster(db: None) -> Cluster:
    return make_cluster()


def figures(cluster: Cluster, **choice: object) -> Figures:
    chosen = Choice(**choice)
    return measure(record_rows(cluster, chosen.days, NOW), chosen, NOW).figures


def test_waits_are_seconds_after_the_snapshot_and_never_below_zero(cluster) -> None:
    told(cluster, NOW - HOUR, 600, 900.5, p10_s=-30, p90_s=1200, slurm_s=-5, history_s=60)
    told(cluster, NOW - HOUR, 600, -20)
    rows = record_rows(cluster, 7, NOW)
    at = int(np.argmax(rows.ours.actual_s))
    assert rows.ours.actual_s[at] == pytest.approx(900.5, abs=0.001)
    assert rows.ours.quantiles[:, at] == pytest.approx([0, 600, 1200], abs=0.001)
    assert rows.slurm.quantiles[:, at].tolist() == [0, 0, 0]
    assert rows.history.p50_s[at] == pytest.approx(60, abs=0.001)
    assert rows.ours.actual_s[1 - at] == 0
    assert not rows.ours.is_censored.any()


def test_later_than_the_horizon_is_an_answer_and_none_at_all_is_not(cluster) -> None:
    later = {"later_than_horizon": ["p50", "p90"], "horizon_s": 7200}
    told(cluster, NOW - HOUR, None, 900, p10_s=300, **later)
    told(cluster, NOW - HOUR, None, 900, reason_class="F")
    rows = record_rows(cluster, 7, NOW)
    assert np.nansum(rows.ours.quantiles, axis=1) == pytest.approx([300, 7200, 7200], abs=0.001)
    assert figures(cluster).score.answer_rate == 0.5


def test_what_was_never_seen_to_start_is_known_to_have_waited_longer(cluster) -> None:
    told(cluster, NOW - HOUR, came_s=100, outcome="cancelled")
    told(cluster, NOW - HOUR, came_s=200, outcome="left")
    told(cluster, NOW - HOUR, came_s=None, outcome="left")
    told(cluster, NOW - HOUR, came_s=None)
    rows = record_rows(cluster, 7, NOW)
    assert rows.ours.is_censored.all()
    assert sorted(rows.ours.actual_s) == pytest.approx([0, 100, 200, 3600], abs=0.001)
    found = figures(cluster)
    assert (found.n_started, found.n_gone, found.n_open, found.n_scored) == (0, 3, 1, 3)


def test_only_milestones_of_the_window_and_of_the_cluster_count(cluster) -> None:
    told(cluster, NOW - 2 * DAY)
    told(cluster, NOW - 8 * DAY)
    told(cluster, NOW - HOUR, milestone_minutes=None)
    told(make_cluster("other"), NOW - HOUR)
    assert figures(cluster, days=7).n_started == 1
    assert figures(cluster, days=30).n_started == 2


def test_a_milestone_is_a_record_of_its_own(cluster) -> None:
    told(cluster, NOW - HOUR, 600, 900)
    told(cluster, NOW - HOUR, 600, 600, milestone_minutes=60)
    assert figures(cluster).score.median_ae_s == pytest.approx(300, abs=0.001)
    assert figures(cluster, milestone_minutes=60).score.median_ae_s == 0
    record = measure(record_rows(cluster, 30, NOW), Choice(), NOW)
    assert [(m.name, m.n_started) for m in record.milestones] == [
        ("0", 1),
        ("10", 0),
        ("60", 1),
        ("360", 0),
    ]


def test_a_job_that_asked_for_several_partitions_counts_in_each(cluster) -> None:
    for partition in ("cpu", "gpu", "cpu,gpu"):
        told(cluster, NOW - HOUR, partition=partition)
    record = measure(record_rows(cluster, 30, NOW), Choice(), NOW)
    assert [(p.name, p.n_started) for p in record.partitions] == [("cpu", 2), ("gpu", 2)]
    assert record.figures.n_started == 3
    assert figures(cluster, partition="gpu").n_started == 2
    assert figures(cluster, partition="gp").n_started == 0


def test_methods_are_compared_where_both_gave_a_time_and_the_job_started(cluster) -> None:
    told(cluster, NOW - HOUR, 600, 700, slurm_s=1700, history_s=400)
    told(cluster, NOW - HOUR, 600, 5000)
    told(cluster, NOW - HOUR, None, 700, slurm_s=700)
    told(cluster, NOW - HOUR, 600, 700, slurm_s=700, outcome="cancelled")
    found = figures(cluster)
    assert found.slurm.answer_rate == 0.75
    assert found.slurm.n == found.history.n == 1
    assert found.slurm.ours_median_ae_s == pytest.approx(100, abs=0.001)
    assert found.slurm.theirs_median_ae_s == pytest.approx(1000, abs=0.001)
    assert (found.slurm.ours_within_factor_2, found.slurm.theirs_within_factor_2) == (1.0, 1.0)
    assert found.slurm.skill == pytest.approx(0.9, abs=0.001)
    assert found.slurm.skill_interval is None  # one day tells nothing of others
    assert found.history.skill == pytest.approx(2 / 3, abs=0.001)


def test_a_range_of_waits_as_told_has_the_waits_that_came(cluster) -> None:
    for came_s in (100, 200, 300):
        told(cluster, NOW - DAY, 120, came_s)
    told(cluster, NOW - 3 * DAY, 100_000, 90_000)
    told(cluster, NOW - DAY, 120, 100, outcome="cancelled")
    minutes, days = measure(record_rows(cluster, 30, NOW), Choice(), NOW).ranges
    assert (minutes.low_s, minutes.high_s, minutes.n) == (60, 600, 3)
    assert minutes.p50_s == pytest.approx(200, abs=0.001)
    assert (days.low_s, days.high_s, days.n) == (86_400, None, 1)


def test_of_too_many_forecasts_every_so_many_th_job_is_read_whole(cluster, monkeypatch) -> None:
    for _ in range(12):
        first = told(cluster, NOW - HOUR)
        told(cluster, NOW - HOUR, milestone_minutes=60, job=first.job)
    monkeypatch.setattr(reading, "MOST_ROWS", 8)
    rows = record_rows(cluster, 30, NOW)
    assert rows.one_job_in == 3
    assert sorted(rows.milestone_minutes) == [0, 0, 0, 0, 60, 60, 60, 60]


def test_reading_takes_two_queries(cluster, django_assert_num_queries) -> None:
    for hours in range(5):
        told(cluster, NOW - hours * HOUR)
    with django_assert_num_queries(2):
        record_rows(cluster, 30, NOW)


def test_the_same_rows_give_the_same_figures(cluster) -> None:
    for hours in range(200):
        told(
            cluster, NOW - hours * HOUR, 60 * (hours % 7), 60 * (hours % 7), p90_s=60 * (hours % 7)
        )
    rows = record_rows(cluster, 30, NOW)
    first, second = (measure(rows, Choice(), NOW) for _ in range(2))
    assert first.figures == second.figures
    assert first.coverage_interval == second.coverage_interval is not None


def test_an_empty_record_is_no_figures(cluster) -> None:
    record = measure(record_rows(cluster, 30, NOW), Choice(partition="gpu"), NOW)
    assert record.figures.n_scored == record.points.n == 0
    assert record.figures.score.answer_rate is None
    assert record.sentence == ""
    assert record.partitions == record.ranges == record.reliability == ()
    assert record.newest_outcome_at is None


def test_figures_are_measured_anew_after_five_minutes(cluster, django_assert_num_queries) -> None:
    told(cluster, NOW - HOUR)
    assert kept_track_record(cluster, Choice(), NOW) is None
    first = track_record(cluster, Choice(), NOW)
    soon, later = NOW + timedelta(minutes=4), NOW + timedelta(minutes=5)
    with django_assert_num_queries(0):
        assert track_record(cluster, Choice(), soon).made_at == first.made_at
        assert kept_track_record(cluster, Choice(), soon).made_at == first.made_at
        assert kept_track_record(cluster, Choice(), later) is None
    assert track_record(cluster, Choice(), later).made_at == later


def test_another_choice_or_cluster_is_measured_for_itself(cluster) -> None:
    told(cluster, NOW - HOUR)
    track_record(cluster, Choice(), NOW)
    assert track_record(cluster, Choice(partition="cpu"), NOW).figures.n_started == 0
    assert track_record(make_cluster("other"), Choice(), NOW).figures.n_started == 0


def test_while_one_caller_measures_the_others_get_what_there_is(cluster) -> None:
    told(cluster, NOW - HOUR)
    track_record(cluster, Choice(), NOW)
    later = NOW + timedelta(minutes=10)
    asked_meanwhile = []

    def another_caller(execute, *query) -> object:
        asked_meanwhile.append(track_record(cluster, Choice(), later).made_at)
        return execute(*query)

    with connection.execute_wrapper(another_caller):
        assert track_record(cluster, Choice(), later).made_at == later
    assert set(asked_meanwhile) == {NOW}


def test_a_hidden_partition_is_told_to_staff_only(cluster, people) -> None:
    Partition.objects.create(cluster=cluster, name="gpu", state="UP")
    Partition.objects.create(cluster=cluster, name="secret", state="UP", hidden=True)
    for partition in ("gpu", "secret", "gone"):
        told(cluster, NOW - HOUR, partition=partition)

    def names(user: object) -> list[str]:
        record = record_for(Actor(user), cluster, Choice(), NOW)
        return [one.name for one in record.partitions]

    assert names(people.mallory) == ["gpu"]
    assert names(people.staff) == ["gone", "gpu", "secret"]
