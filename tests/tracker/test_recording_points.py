"""Metric points: stored once, summarised rightly."""

import math
from datetime import timedelta

import pytest

from tests.factories import NOW, make_experiment
from tracker import recording
from tracker.metrics.points import bits_of
from tracker.models import Actor, MetricPoint, MetricSeries
from tracker.recording import NewPoint, append_points

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(people):
    return recording.create_run(make_experiment(people.alice), actor=Actor(people.alice))[0]


def series(run, name="loss") -> MetricSeries:
    return run.series.get(name=name)


def test_a_repeated_batch_is_stored_once_and_counted_once(run):
    points = [NewPoint("loss", step, 1 / (step + 1)) for step in range(5)] + [
        NewPoint("loss", 5, math.nan)
    ]
    assert append_points(run, points, now=NOW) == 6
    assert append_points(run, points, now=NOW + timedelta(seconds=1)) == 0
    summary = series(run)
    assert (summary.count, summary.non_finite_count) == (6, 1)
    assert (summary.min_value, summary.max_value) == (0.2, 1.0)
    assert summary.updated_at == NOW


def test_a_batch_that_repeats_itself_counts_each_point_once(run):
    assert append_points(run, [NewPoint("loss", 1, 0.5)] * 3, now=NOW) == 1
    assert series(run).count == 1


def test_not_a_number_infinities_and_minus_zero_are_kept_to_the_bit(run):
    values = [math.nan, math.inf, -math.inf, -0.0, 0.0]
    assert append_points(run, [NewPoint("loss", 1, value) for value in values], now=NOW) == 5
    bits = set(MetricPoint.objects.values_list("value_bits", flat=True))
    assert bits == {bits_of(value) for value in values}
    assert (series(run).min_value, series(run).non_finite_count) == (0.0, 3)


def test_the_clients_time_is_part_of_a_points_identity(run):
    points = [NewPoint("loss", 1, 0.5, time) for time in (None, 10, 20, 10)]
    assert append_points(run, points, now=NOW) == 3


def test_the_same_point_of_the_next_attempt_is_another_point(run):
    point = [NewPoint("loss", 1, 0.5)]
    assert append_points(run, point, attempt=0, now=NOW) == 1
    assert append_points(run, point, attempt=1, now=NOW) == 1


def test_the_last_value_is_that_of_the_newest_attempt_and_the_highest_step(run):
    append_points(run, [NewPoint("loss", 9, 0.1)], attempt=0, now=NOW)
    append_points(run, [NewPoint("loss", 3, 0.3), NewPoint("loss", 2, 0.2)], attempt=1, now=NOW)
    append_points(run, [NewPoint("loss", 10, 0.0)], attempt=0, now=NOW)
    summary = series(run)
    assert (summary.last_attempt, summary.last_step) == (1, 3)
    assert summary.last_bits == bits_of(0.3)


def test_a_late_repeat_of_a_corrected_value_does_not_become_the_last(run):
    for value in (1.0, 2.0, 1.0):
        append_points(run, [NewPoint("loss", 5, value)], now=NOW)
    assert series(run).last_bits == bits_of(2.0)
    append_points(run, [NewPoint("loss", 5, 1.0), NewPoint("loss", 5, 3.0)], now=NOW)
    assert series(run).last_bits == bits_of(3.0)


def test_extreme_steps_and_values_fit(run):
    points = [NewPoint("loss", step, 1.7976931348623157e308) for step in (-(2**63), 2**63 - 1)]
    assert append_points(run, points, now=NOW) == 2
    assert series(run).last_step == 2**63 - 1


def test_names_keep_their_own_summaries(run):
    append_points(run, [NewPoint("loss", 1, 0.5), NewPoint("acc", 1, 0.9)], now=NOW)
    append_points(run, [NewPoint("acc", 2, 0.8)], now=NOW)
    assert (series(run, "loss").count, series(run, "acc").count) == (1, 2)
    assert series(run, "acc").max_value == 0.9


def test_a_batch_out_of_order_is_known_again_by_any_part_of_it(run):
    points = [NewPoint("loss", step, float(step)) for step in reversed(range(40))]
    assert append_points(run, points, now=NOW) == 40
    assert append_points(run, points[12:14], now=NOW) == 0
    assert series(run).last_step == 39


def test_points_of_several_attempts_in_one_call_are_each_of_their_own(run):
    points = [NewPoint("loss", 1, 0.5, attempt=attempt) for attempt in (None, 0, 3)]
    assert append_points(run, points, attempt=2, now=NOW) == 3
    assert sorted(MetricPoint.objects.values_list("attempt", flat=True)) == [0, 2, 3]


def test_the_last_value_is_a_number_only_where_it_is_finite(run):
    append_points(run, [NewPoint("loss", 1, 0.5)], now=NOW)
    assert series(run).last_value == 0.5
    append_points(run, [NewPoint("loss", 2, math.inf)], now=NOW)
    assert series(run).last_value is None
