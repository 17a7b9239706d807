"""Points that come one at a time: what is stored is the same as if they had come in a batch."""

from __future__ import annotations

import math
from itertools import count

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import NOW, make_experiment
from tests.tracker.callers import JSON, by_token
from tracker import recording
from tracker.models import Actor, MetricPoint, MetricSeries, Run
from tracker.recording import NewPoint, append_points

SUMMARY = [f.attname for f in MetricSeries._meta.concrete_fields if f.name not in ("id", "run")]
POINT = [f.attname for f in MetricPoint._meta.concrete_fields if f.name not in ("id", "series")]
POINTS = st.builds(
    NewPoint,
    name=st.sampled_from(["loss", "acc"]),
    step=st.integers(-2, 6) | st.sampled_from([-(2**63), 2**63 - 1]),
    value=st.sampled_from([0.5, -0.0, 0.0, math.nan, math.inf, -math.inf]) | st.floats(),
    client_us=st.sampled_from([None, 0, 1_764_313_200_000_000]),
    attempt=st.sampled_from([None, 0, 1]),
)


def new_run(people) -> Run:
    return recording.create_run(make_experiment(people.alice), actor=Actor(people.alice))[0]


def stored(run: Run) -> tuple[list, list]:
    points = MetricPoint.objects.filter(series__run=run).order_by("id")
    return list(run.series.values_list(*SUMMARY)), list(points.values_list(*POINT))


@pytest.mark.django_db
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(points=st.lists(POINTS, max_size=12))
def test_a_point_alone_leaves_what_a_batch_of_it_and_its_repeat_leaves(people, points):
    alone, twice = new_run(people), new_run(people)
    for point in points:
        one = append_points(alone, [point], now=NOW)
        assert append_points(twice, [point, point], now=NOW) == one
        assert stored(alone) == stored(twice)


@pytest.mark.django_db
def test_a_step_back_in_the_next_attempt_comes_after_all_of_the_one_before(people):
    run = new_run(people)
    for attempt, step in ((0, 7), (1, 3), (0, 8), (1, 4), (1, 4)):
        append_points(run, [NewPoint("loss", step, 0.5)], attempt=attempt, now=NOW)
    summary = run.series.get()
    assert (summary.last_attempt, summary.last_step, summary.count) == (1, 4, 4)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_lost_while_idle_costs_no_request(people):
    run, steps = new_run(people), count()
    job = by_token(people.alice, "run", experiment=run.experiment)

    def append() -> int:
        point = {"name": "loss", "step": next(steps), "value": 0.5}
        return job.post(f"/runs/{run.pk}/metrics", point, JSON).status_code

    assert [append(), append()] == [201, 201]
    lost = connection.connection.info.backend_pid
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [lost])
    other.close()
    assert [append(), append()] == [201, 201]
    assert connection.connection.info.backend_pid != lost
    assert MetricPoint.objects.count() == 4
