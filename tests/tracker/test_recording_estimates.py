"""Publishing start estimates."""

from datetime import timedelta

import pytest

from tests.factories import NOW, make_cluster, make_job
from tracker.models import StartEstimate
from tracker.recording import NewEstimate, publish_estimates

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=1)


def estimate(job, minutes=30, **fields) -> NewEstimate:
    at = NOW + timedelta(minutes=minutes)
    return NewEstimate(job_id=job.pk, snapshot_at=NOW, p50_at=at, method="sim", **fields)


def test_the_newest_estimate_takes_over_and_the_record_stays():
    job = make_job(make_cluster())
    publish_estimates(NOW, [estimate(job, 30)])
    publish_estimates(LATER, [estimate(job, 20, later_than_horizon=("p90",))])
    newest = job.estimates.get(is_newest=True)
    assert newest.p50_at == NOW + timedelta(minutes=20)
    assert newest.later_than_horizon == ["p90"]
    assert job.estimates.count() == 2


def test_publishing_twice_stores_once():
    job = make_job(make_cluster())
    assert publish_estimates(NOW, [estimate(job)]) == 1
    assert publish_estimates(NOW, [estimate(job)]) == 0
    assert StartEstimate.objects.filter(is_newest=True).count() == 1


def test_a_late_forecast_does_not_push_a_newer_one_aside():
    job = make_job(make_cluster())
    publish_estimates(LATER, [estimate(job, 20)])
    publish_estimates(NOW, [estimate(job, 30)])
    assert job.estimates.get(is_newest=True).issued_at == LATER
    assert job.estimates.count() == 2


def test_a_job_deleted_meanwhile_is_left_out():
    cluster = make_cluster()
    gone, there = make_job(cluster, 1), make_job(cluster, 2)
    estimates = [estimate(gone), estimate(there)]
    gone.delete()
    assert publish_estimates(NOW, estimates) == 1
