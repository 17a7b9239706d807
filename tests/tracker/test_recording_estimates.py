"""Publishing start estimates: what is kept of them, what came of them, and for how long."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import NOW, make_cluster, make_job
from tracker.models import StartEstimate
from tracker.recording import (
    NewEstimate,
    close_estimates,
    delete_in_batches,
    prune_estimates,
    publish_estimates,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
LATER = NOW + MINUTE


def estimate(job, minutes: float = 30, **fields) -> NewEstimate:
    """Of an attempt submitted NOW: it is to start so many minutes later."""
    given = {"snapshot_at": NOW, "submit_at": NOW, "p50_at": NOW + minutes * MINUTE}
    return NewEstimate(job_id=job.pk, method="sim", **(given | fields))


def publish(job, at: datetime, minutes: float = 30, **fields) -> int:
    return publish_estimates(at, [estimate(job, minutes, snapshot_at=at, **fields)])


def issued_minutes(job) -> list[float]:
    """When what is kept was said, newest last, in minutes from NOW."""
    said = job.estimates.order_by("issued_at").values_list("issued_at", flat=True)
    return [(at - NOW) / MINUTE for at in said]


@pytest.fixture
def job():
    return make_job(make_cluster())


def test_the_newest_estimate_takes_over_and_the_record_stays(job):
    publish_estimates(NOW, [estimate(job, 30)])
    publish_estimates(LATER, [estimate(job, 20, later_than_horizon=("p90",))])
    newest = job.estimates.get(is_newest=True)
    assert newest.p50_at == NOW + timedelta(minutes=20)
    assert newest.later_than_horizon == ["p90"]
    assert job.estimates.count() == 2


def test_publishing_twice_stores_once(job):
    assert publish_estimates(NOW, [estimate(job, milestone_minutes=0)]) == 1
    assert publish_estimates(NOW, [estimate(job, milestone_minutes=0)]) == 0
    assert StartEstimate.objects.filter(is_newest=True).count() == 1


def test_a_late_forecast_pushes_no_newer_one_aside_but_may_be_a_milestone(job):
    publish(job, LATER, milestone_minutes=10)
    assert publish(job, NOW, milestone_minutes=0) == 1
    assert publish(job, NOW - MINUTE) == 0
    assert job.estimates.get(is_newest=True).issued_at == LATER
    assert issued_minutes(job) == [0, 1]


def test_the_first_to_publish_a_milestone_has_it(job):
    publish(job, NOW, milestone_minutes=0)
    publish(job, LATER, milestone_minutes=0)
    said = job.estimates.order_by("issued_at").values_list("milestone_minutes", flat=True)
    assert list(said) == [0, None]
    requeued = {"submit_at": NOW + 5 * MINUTE, "milestone_minutes": 0}
    publish(job, NOW + 6 * MINUTE, **requeued)
    assert job.estimates.get(is_newest=True).milestone_minutes == 0


def test_a_replayed_estimate_is_a_milestone_or_nothing_and_never_the_newest(job):
    assert publish(job, NOW, is_replayed=True, milestone_minutes=0) == 1
    assert publish(job, LATER, is_replayed=True) == 0
    assert not job.estimates.filter(is_newest=True).exists()


def test_an_estimate_of_an_unknown_submission_is_shown_and_no_milestone(job):
    publish_estimates(NOW, [NewEstimate(job.pk, snapshot_at=NOW, milestone_minutes=0)])
    assert job.estimates.get(is_newest=True).milestone_minutes is None


def test_what_says_the_same_as_before_is_not_kept_once_superseded(job):
    publish(job, NOW, milestone_minutes=0)
    for minute in range(1, 31):  # the planned start moves by seconds
        publish(job, NOW + minute * MINUTE, 30 + 0.5 * (minute % 2))
    assert issued_minutes(job) == [0, 30]


def test_an_estimate_that_slips_a_minute_a_minute_is_kept_every_ten(job):
    publish(job, NOW, milestone_minutes=0)
    for minute in range(1, 35):
        publish(job, NOW + minute * MINUTE, 30 + minute)
    assert issued_minutes(job) == [0, 10, 20, 30, 34]


@pytest.mark.parametrize(
    "change",
    [
        {"p50_at": None},
        {"p90_at": NOW + 40 * MINUTE},
        {"reason_class": "F"},
        {"later_than_horizon": ("p90",)},
        {"submit_at": NOW + 9 * MINUTE},
        {"milestone_minutes": 10},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_says_something_else_is_kept(job, change: dict):
    publish(job, NOW, milestone_minutes=0)
    publish(job, NOW + 10 * MINUTE, **change)
    publish(job, NOW + 20 * MINUTE)
    assert issued_minutes(job) == [0, 10, 20]


def test_a_job_deleted_meanwhile_is_left_out():
    cluster = make_cluster()
    gone, there = make_job(cluster, 1), make_job(cluster, 2)
    estimates = [estimate(gone), estimate(there)]
    gone.delete()
    assert publish_estimates(NOW, estimates) == 1


def test_publishing_takes_as_many_queries_for_many_jobs_as_for_one():
    cluster = make_cluster()
    jobs = [make_job(cluster, number) for number in range(1, 22)]
    for at in (NOW, LATER):
        publish_estimates(at, [estimate(job) for job in jobs])
    counts = []
    for some in (jobs[:1], jobs[1:]):
        with CaptureQueriesContext(connection) as queries:
            publish_estimates(NOW + 2 * MINUTE, [estimate(job) for job in some])
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 11


def test_an_outcome_is_written_once(job):
    publish(job, NOW, milestone_minutes=0)
    said = StartEstimate.objects.filter(job=job)
    assert close_estimates(said, StartEstimate.Outcome.STARTED, LATER) == 1
    assert close_estimates(said, StartEstimate.Outcome.CANCELLED, NOW) == 0
    assert (said.get().outcome, said.get().outcome_at) == ("started", LATER)


def test_milestones_outlive_what_was_said_in_between():
    cluster = make_cluster()
    ages_days = {1: 8, 2: 8, 3: 8, 4: 6, 5: 101, 6: 101, 7: 99}
    kinds = {
        1: {"is_newest": False},  # superseded: goes
        2: {"outcome": "started"},  # scored: goes
        3: {},  # still waits
        4: {"is_newest": False},  # of this week
        5: {"milestone_minutes": 0, "outcome": "started"},  # too old: goes
        6: {"milestone_minutes": 0},  # still waits
        7: {"milestone_minutes": 0, "outcome": "left", "is_newest": False},
    }
    for number, fields in kinds.items():
        at = NOW - timedelta(days=ages_days[number])
        facts = {"issued_at": at, "snapshot_at": at, "submit_at": at}
        StartEstimate.objects.create(
            job=make_job(cluster, number), horizon_s=86_400, replicas=1, **facts, **fields
        )
    assert prune_estimates(NOW, keep=timedelta(days=100)) == 3
    left = StartEstimate.objects.order_by("job__job_id").values_list("job__job_id", flat=True)
    assert list(left) == [3, 4, 6, 7]


def test_much_is_deleted_in_batches_and_the_rest_the_next_time(django_assert_num_queries):
    cluster = make_cluster()
    for number in range(1, 8):
        publish(make_job(cluster, number), NOW)
    rows = StartEstimate.objects.all()
    with django_assert_num_queries(8):  # keys, rows and what hangs on them, twice
        assert delete_in_batches(rows, batch=2, most=4) == 4
    assert delete_in_batches(rows, batch=2) == 3
    assert not rows.exists()
