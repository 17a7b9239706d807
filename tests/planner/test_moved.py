"""Why a start moved, where it is not the queue: the record corrects it otherwise than before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from planner.forecasting.known import Known
from planner.forecasting.moved import BY_RECORD, Middle, moved
from tests.planner.issued import issue
from tests.planner.plan_world import small_cluster
from tracker.models import Cluster, StartEstimate

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def middle_of(job_id: int) -> Middle:
    said = StartEstimate.objects.get(job__job_id=job_id)
    return Middle(said.p50_at, said.raw_p50_at)


@pytest.fixture
def cluster() -> Cluster:
    """A forecast of four replicas has been issued, and is on record."""
    cluster = small_cluster()
    made = issue(cluster, replicas=4)
    row = cluster.forecasts.create(
        requested_at=made.issued_at,
        facts_at=made.issued_at,
        snapshot_at=made.forecast.snapshot_at,
        state="done",
        replicas=4,
    )
    row.batches.create(first_replica=0, replicas=4, state="done")
    return cluster


def known_now(cluster: Cluster) -> Known:
    return Known.of(cluster, timezone.now())


def why(cluster: Cluster, told_later: timedelta, raw_later: timedelta) -> str:
    before = middle_of(996)
    assert before.raw_at is not None
    now = Middle(before.told_at + told_later, before.raw_at + raw_later)
    return moved(known_now(cluster), {996: now}, "ensemble")[996].why


def test_a_correction_that_changed_is_named_as_the_cause(cluster: Cluster) -> None:
    assert why(cluster, HOUR, timedelta(0)) == BY_RECORD


def test_what_the_replicas_say_is_laid_to_the_queue(cluster: Cluster) -> None:
    assert why(cluster, HOUR, 0.9 * HOUR) != BY_RECORD


def test_a_forecast_of_another_method_moved_nothing(cluster: Cluster) -> None:
    later = Middle(middle_of(996).told_at + HOUR, None)
    assert moved(known_now(cluster), {996: later}, "plan") == {}
