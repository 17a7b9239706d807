"""Many writers at once: nothing lost, nothing twice, nobody refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection

from tests.factories import NOW, make_cluster, make_experiment, make_job, make_people
from tracker import recording
from tracker.models import Actor, AuditEntry, JobHint, MetricPoint, Run, StartEstimate
from tracker.recording import NewEstimate, NewPoint
from tracker.slurm.jobids import JobId

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")
WRITERS = 6


def at_once(work: Callable[[int], T], times: int = WRITERS) -> list[T]:
    """``work(0) … work(times - 1)`` in as many threads, each with its own connection."""

    def with_connection(number: int) -> T:
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(with_connection, range(times)))


@pytest.fixture
def experiment(db):
    return make_experiment(make_people().alice)


@pytest.fixture
def run(experiment) -> Run:
    return recording.create_run(experiment, actor=Actor(experiment.owner))[0]


def test_the_same_create_from_many_requests_makes_one_run(experiment):
    make_cluster()

    def create(_: int) -> tuple[Run, bool]:
        return recording.create_run(
            experiment, actor=Actor(experiment.owner), slurm_job_id=828, seed=1
        )

    answers = at_once(create)
    assert {run.pk for run, _ in answers} == {Run.objects.get().pk}
    assert sum(is_new for _, is_new in answers) == 1
    assert AuditEntry.objects.filter(kind="run", verb="create").count() == 1


def test_appends_of_many_writers_lose_no_point_and_no_count(run):
    def append(writer: int) -> int:
        stored = 0
        for first in range(0, 100, 10):
            steps = range(writer * 100 + first, writer * 100 + first + 10)
            points = [NewPoint(name, s, float(s)) for s in steps for name in ("loss", "acc")]
            stored += recording.append_points(run, points, now=NOW)
        return stored

    assert sum(at_once(append)) == WRITERS * 200
    for series in run.series.all():
        assert series.count == series.points.count() == WRITERS * 100
        assert (series.min_value, series.max_value) == (0.0, WRITERS * 100 - 1.0)
        assert series.last_step == WRITERS * 100 - 1


def test_the_same_batch_from_many_writers_is_stored_and_counted_once(run):
    # Every writer starts at another name, so that their locks would cross if taken in that order.
    names = [f"m{number}" for number in range(WRITERS)]

    def append(writer: int) -> int:
        turned = names[writer:] + names[:writer]
        return recording.append_points(run, [NewPoint(name, 1, 0.5) for name in turned], now=NOW)

    assert sum(at_once(append)) == len(names) == MetricPoint.objects.count()
    assert set(run.series.values_list("count", flat=True)) == {1}


def test_two_workers_with_the_same_forecast_publish_it_once():
    cluster = make_cluster()
    estimates = [
        NewEstimate(job_id=make_job(cluster, number).pk, snapshot_at=NOW) for number in range(1, 20)
    ]
    assert sum(at_once(lambda _: recording.publish_estimates(NOW, estimates))) == 19
    assert StartEstimate.objects.filter(is_newest=True).count() == 19


def test_hints_of_many_nodes_about_one_job_are_counted_on_one_row():
    def remember(_: int) -> JobHint:
        return recording.remember_hint(JobId(828), cluster=None, said_status="completed", now=NOW)

    at_once(remember, 24)
    assert JobHint.objects.get().times == 24
