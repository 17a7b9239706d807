"""Features kept with the record, learnt from, and told by: a whole turn of the service."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta

import numpy as np
import pytest
from celery import current_app
from django.utils import timezone

from planner.forecasting.forecast_batches import compute
from planner.learnt import learner
from planner.learnt.start_features import STORED
from planner.models import Forecast, Learnt, StartFeatures
from tests.factories import make_job
from tests.planner.plan_world import small_cluster
from tracker.models import Cluster, StartEstimate

MINUTE = timedelta(minutes=1)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, db: None) -> Cluster:
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)
    learner._kept.clear()
    return small_cluster()


def forecast(cluster: Cluster, **fields: object) -> None:
    row = Forecast.objects.create(
        cluster=cluster, requested_at=timezone.now(), replicas=4, horizon_s=1800, **fields
    )
    compute(row.pk)
    row.refresh_from_db()
    assert (row.state, row.error) == (Forecast.State.DONE, "")


def said_of(job_id: int) -> StartEstimate:
    return StartEstimate.objects.get(job__job_id=job_id, is_newest=True)


def learnt_long_and_short(cluster: Cluster, like: StartEstimate, at: datetime) -> Learnt:
    """A record in which jobs just like this one waited 7 minutes, and twice as large ones 300."""
    job = make_job(cluster, 999_999)
    rows, features = [], []
    own = np.frombuffer(like.features.values, dtype=STORED)
    larger = own.copy()
    larger[0] += np.log(2.0)
    for place in range(320):
        issued_at = at - 3 * timedelta(days=1) + place * 10 * MINUTE
        raw_at = issued_at + 60 * MINUTE
        is_like = place % 2 == 0
        wait = (7 if is_like else 300) * MINUTE
        rows.append(
            StartEstimate(
                job=job, issued_at=issued_at, snapshot_at=issued_at, submit_at=issued_at,
                horizon_s=86_400, replicas=16, method="ensemble", partition=like.partition,
                milestone_minutes=0, is_newest=False, outcome="started",
                outcome_at=issued_at + wait,
                raw_p10_at=raw_at, raw_p50_at=raw_at, raw_p90_at=raw_at,
            )
        )  # fmt: skip
        features.append(own if is_like else larger)
    StartEstimate.objects.bulk_create(rows)
    digest = like.features.names_digest
    StartFeatures.objects.bulk_create(
        StartFeatures(estimate=row, names_digest=digest, values=values.tobytes())
        for row, values in zip(rows, features, strict=True)
    )
    starts, losses = learner.learn(cluster, at, digest, fewest=300)
    return Learnt.objects.create(
        cluster=cluster, requested_at=at, snapshot_at=at, state=Learnt.State.DONE,
        names_digest=digest, starts=starts, losses=losses,
    )  # fmt: skip


def test_estimates_of_the_record_keep_what_the_queue_looked_like(cluster: Cluster) -> None:
    forecast(cluster)
    record = StartEstimate.objects.filter(milestone_minutes__isnull=False)
    answered = record.exclude(raw_p50_at=None, later_than_horizon=[])
    assert 0 < answered.count() < record.count()  # one is held
    assert set(StartFeatures.objects.values_list("estimate", flat=True)) == set(
        answered.values_list("pk", flat=True)
    )
    kept = StartFeatures.objects.all()
    assert len({row.names_digest for row in kept}) == 1
    sizes = {len(np.frombuffer(row.values, dtype=STORED)) for row in kept}
    assert len(sizes) == 1
    assert not any(np.isinf(np.frombuffer(row.values, dtype=STORED)).any() for row in kept)


def test_what_is_said_between_milestones_keeps_none(cluster: Cluster) -> None:
    forecast(cluster)
    before = StartFeatures.objects.count()
    Forecast.objects.all().delete()  # else nothing would be news
    forecast(cluster)
    assert StartFeatures.objects.count() == before


def test_a_replay_keeps_none_for_it_was_made_by_other_rules(cluster: Cluster) -> None:
    forecast(cluster, as_of=timezone.now())
    assert StartEstimate.objects.filter(milestone_minutes__isnull=False).exists()
    assert not StartFeatures.objects.exists()


def test_features_go_with_their_estimate(cluster: Cluster) -> None:
    forecast(cluster)
    said_of(996).delete()
    assert not StartFeatures.objects.filter(estimate__job__job_id=996).exists()
    assert StartFeatures.objects.exists()


def test_a_partition_in_which_the_learner_tells_best_is_told_by_it(cluster: Cluster) -> None:
    forecast(cluster)
    first = said_of(996)
    version = learnt_long_and_short(cluster, first, timezone.now())
    assert list(version.losses) == [first.partition]
    Forecast.objects.all().delete()
    forecast(cluster)
    told = said_of(996)
    assert told.how.startswith(f"learnt from 320 starts, version {version.pk} of ")
    assert told.p50_at - told.snapshot_at == pytest.approx(7 * MINUTE, abs=MINUTE)
    assert told.raw_p50_at == first.raw_p50_at  # the replicas' own word stays known
    assert told.method == "ensemble"
    others = StartEstimate.objects.filter(is_newest=True).exclude(partition=first.partition)
    assert others.exists()
    assert not others.filter(how__startswith="learnt").exists()


def test_the_choice_is_by_the_partitions_that_are_asked_for_together(cluster: Cluster) -> None:
    forecast(cluster)
    version = learnt_long_and_short(cluster, said_of(996), timezone.now())
    version.losses = {"cpu,gpu": next(iter(version.losses.values()))}
    version.save()
    Forecast.objects.all().delete()
    forecast(cluster)
    assert not StartEstimate.objects.filter(how__startswith="learnt").exists()


@pytest.mark.parametrize("page", ["startfeatures", "learnt"])
def test_staff_see_what_was_learnt_and_change_nothing(
    cluster: Cluster, admin_client, page: str
) -> None:
    forecast(cluster)
    learnt_long_and_short(cluster, said_of(996), timezone.now())
    assert admin_client.get(f"/admin/planner/{page}/").status_code == 200
    rows = {"startfeatures": StartFeatures, "learnt": Learnt}[page].objects
    pk = rows.values_list("pk", flat=True).first()
    assert admin_client.get(f"/admin/planner/{page}/{pk}/change/").status_code == 200
    assert admin_client.get(f"/admin/planner/{page}/add/").status_code == 403


@pytest.mark.parametrize(
    "process", ["planner.urls", "planner.tasks", "planner.forecasting.issuing"]
)
def test_scikit_learn_is_loaded_by_who_grows_a_forest_and_by_nobody_else(process: str) -> None:
    code = f"import django; django.setup(); import {process}, sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert process in loaded
    assert not loaded & {"sklearn", "scipy"}
    assert process == "planner.forecasting.issuing" or "planner.learnt.learner" not in loaded
