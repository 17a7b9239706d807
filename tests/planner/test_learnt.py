"""A learner over the record: chosen where it tells better, by starts that it did not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest
from celery import current_app
from django.utils import timezone

from planner.forecasting.calibrating import Calibrator
from planner.learnt import learn_queue, learner
from planner.learnt.learner import Learner
from planner.learnt.start_features import FeatureRow
from planner.models import Learnt, SelfCheck, StartFeatures
from planner.quantiles import Quantiles
from planner.tasks import learn, request_forecasts
from tests.factories import NOW, make_cluster, make_job
from tracker.models import Cluster, StartEstimate
from tracker.slurm.records import QueuedJob

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
N = 360
SAID_MINUTES = (5.0, 30.0, 60.0)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    learner._kept.clear()
    yield make_cluster()
    learner._kept.clear()


def features(x: float) -> FeatureRow:
    return FeatureRow.of({"x": x, "noise": x * 7 % 1.0})


def by_feature(place: int) -> float:
    """Minutes: the upper half of x waits for an hour, more or less, the lower for a minute."""
    return (60.0 if x_of(place) >= 0.5 else 1.0) * (0.8 + 0.04 * (place * 7 % 11))


def by_chance(place: int) -> float:
    """Minutes, of which 5, 30 and 60 are about the quantiles, whatever x is."""
    return float(np.interp(place * 61 % 100 / 99, [0, 0.1, 0.5, 0.9, 1], [1, 5, 30, 60, 80]))


def x_of(place: int) -> float:
    return place * 37 % 101 / 100


def record(
    cluster: Cluster,
    wait_minutes: Callable[[int], float],
    *,
    n: int = N,
    partition: str = "gpu",
    until: datetime = NOW,
    outcome: str = "started",
    **fields: object,
) -> None:
    """Forecasts of four days, each with features and what came of it; the replicas always say the
    same."""
    job = make_job(cluster, StartEstimate.objects.count() + 1, partition=partition)
    rows = []
    for place in range(n):
        at = until - 2 * HOUR - 4 * DAY * (1 - place / n)
        raw = zip(("p10", "p50", "p90"), SAID_MINUTES, strict=True)
        rows.append(
            StartEstimate(
                job=job, issued_at=at, snapshot_at=at, submit_at=at, horizon_s=86_400, replicas=16,
                method="ensemble", partition=partition, milestone_minutes=0, is_newest=False,
                outcome=outcome, outcome_at=at + wait_minutes(place) * MINUTE,
                **{f"raw_{level}_at": at + minutes * MINUTE for level, minutes in raw},
                **fields,
            )
        )  # fmt: skip
    StartEstimate.objects.bulk_create(rows)
    StartFeatures.objects.bulk_create(
        StartFeatures(
            estimate=row,
            names_digest=features(0.0).names_digest,
            values=features(x_of(place)).values.tobytes(),
        )
        for place, row in enumerate(rows)
    )


def learnt(cluster: Cluster, at: datetime = NOW) -> Learnt:
    digest = features(0.0).names_digest
    starts, losses = learner.learn(cluster, at, digest, fewest=learn_queue.FEWEST)
    return Learnt.objects.create(
        cluster=cluster, requested_at=at, snapshot_at=at, state=Learnt.State.DONE,
        names_digest=digest, starts=starts, losses=losses,
    )  # fmt: skip


def newest(cluster: Cluster, at: datetime = NOW) -> Learner:
    learner._kept.clear()
    found = Learner.newest(cluster, at)
    assert found is not None
    return found


def told(cluster: Cluster, *xs: float) -> list[Quantiles | None]:
    return newest(cluster).left([features(x) for x in xs], ["gpu"] * len(xs))


def test_a_learner_that_sees_what_decides_is_chosen(cluster: Cluster) -> None:
    record(cluster, by_feature)
    row = learnt(cluster)
    assert row.starts == N
    assert row.losses["gpu"]["n"] == N // 5
    assert row.losses["gpu"]["learner"] < 0.5 * row.losses["gpu"]["ensemble"]
    assert newest(cluster).is_best_for("gpu")
    short, long = told(cluster, 0.2, 0.8)
    assert short is not None and long is not None
    assert 40.0 < short.p50_s < short.p90_s < 80.0
    assert 2400.0 < long.p10_s < long.p50_s < 4800.0
    assert newest(cluster).how == f"learnt from 360 starts, version {row.pk} of {NOW:%Y-%m-%d}"


def test_a_learner_that_sees_nothing_more_is_not_chosen(cluster: Cluster) -> None:
    record(cluster, by_chance)
    losses = learnt(cluster).losses["gpu"]
    assert losses["learner"] > losses["ensemble"]
    assert not newest(cluster).is_best_for("gpu")


def test_history_that_knows_it_as_well_leaves_the_learner_out(cluster: Cluster) -> None:
    record(cluster, by_feature)
    for row in StartEstimate.objects.all():
        for level in ("p10", "p50", "p90"):
            setattr(row, f"history_{level}_at", row.outcome_at)
        row.save()
    losses = learnt(cluster).losses["gpu"]
    assert losses["history"] == 0.0
    assert not newest(cluster).is_best_for("gpu")


def test_each_partition_has_a_choice_of_its_own(cluster: Cluster) -> None:
    record(cluster, by_feature)
    record(cluster, by_chance, partition="cpu")
    record(cluster, by_feature, partition="rare", n=40)
    learnt(cluster)
    found = newest(cluster)
    assert found.is_best_for("gpu")
    assert not found.is_best_for("cpu")
    assert not found.is_best_for("rare")  # of a few starts nothing is said
    assert not found.is_best_for("never seen")


def test_what_came_later_changes_nothing(cluster: Cluster) -> None:
    record(cluster, by_feature)
    before = learnt(cluster)
    then = told(cluster, 0.2, 0.8)
    # Issued later; and issued before, with starts that came later.
    record(cluster, lambda _: 600.0, until=NOW + 5 * DAY)
    record(cluster, lambda _: 6 * 1440.0, n=50)
    late = StartEstimate.objects.filter(outcome_at__gt=NOW + DAY, issued_at__lt=NOW)
    late = StartEstimate.objects.filter(pk__in=list(late.values_list("pk", flat=True)))
    assert late.count() == 50
    later, told_later = learnt(cluster), told(cluster, 0.2, 0.8)
    late.update(outcome="", outcome_at=None)  # as it was then
    assert learnt(cluster).losses == later.losses
    assert told(cluster, 0.2, 0.8) == told_later
    late.delete()
    assert told(cluster, 0.2, 0.8) == then
    assert before.starts == later.starts == N


def test_a_version_grown_again_says_the_same(cluster: Cluster) -> None:
    record(cluster, by_feature)
    learnt(cluster)
    assert told(cluster, 0.1, 0.45, 0.9) == told(cluster, 0.1, 0.45, 0.9)


def test_jobs_that_left_without_a_start_teach_the_forest_nothing(cluster: Cluster) -> None:
    record(cluster, by_feature)
    record(cluster, by_feature, n=100, outcome="cancelled")
    assert learnt(cluster).starts == N


def test_of_a_short_record_nothing_is_learnt(cluster: Cluster) -> None:
    record(cluster, by_feature, n=learn_queue.FEWEST - 1)
    assert learnt(cluster).losses == {}
    assert Learner.newest(cluster, NOW) is None


def test_a_job_with_other_features_is_not_told_of(cluster: Cluster) -> None:
    record(cluster, by_feature)
    learnt(cluster)
    other = FeatureRow.of({"x": 0.2, "more": 1.0})
    said = newest(cluster).left([other, features(0.2), None], ["gpu"] * 3)
    assert [one is None for one in said] == [True, False, True]


def test_a_version_is_not_known_before_its_time(cluster: Cluster) -> None:
    record(cluster, by_feature)
    first, second = learnt(cluster, NOW - HOUR), learnt(cluster, NOW)
    assert newest(cluster, NOW - MINUTE).learnt == first
    assert newest(cluster).learnt == second
    assert Learner.newest(cluster, NOW - 2 * HOUR) is None


# --- what a job is told
def left(cluster: Cluster, said: Quantiles | None) -> tuple[Quantiles, str]:
    record = QueuedJob(
        job_id=7, state="PENDING", user="alice", name="x", partitions=("gpu",), submit_at=NOW,
        cpus=4, limit_minutes=60.0,
    )  # fmt: skip
    known = {} if said is None else {7: (said, "learnt from 360 starts")}
    return Calibrator(cluster, NOW, known).left(record, Quantiles(1.0, 2.0, None))


def test_what_is_learnt_replaces_what_the_replicas_say(cluster: Cluster) -> None:
    said = Quantiles(60.0, 120.0, 180.0)
    assert left(cluster, said) == (said, "learnt from 360 starts")
    assert left(cluster, None) == (Quantiles(1.0, 2.0, None), "")


def test_where_the_self_check_fails_what_was_learnt_from_replicas_is_not_told(
    cluster: Cluster,
) -> None:
    SelfCheck.objects.create(
        cluster=cluster, requested_at=NOW - MINUTE, snapshot_at=NOW - MINUTE,
        state=SelfCheck.State.DONE, result={"verdicts": {"gpu": {"trust": "not trusted"}}},
    )  # fmt: skip
    assert "does not trust" in left(cluster, Quantiles(60.0, 120.0, 180.0))[1]


# --- when it learns
def request(cluster: Cluster, now: datetime) -> Learnt | None:
    pks = learn_queue.request_due(now)
    return Learnt.objects.get(pk=pks[0]) if pks else None


def done(row: Learnt, now: datetime, starts: int = N) -> None:
    Learnt.objects.filter(pk=row.pk).update(
        state=Learnt.State.DONE, snapshot_at=now, starts=starts, requested_at=now
    )


def test_it_learns_once_there_are_starts_enough_and_then_every_day(cluster: Cluster) -> None:
    record(cluster, by_feature, n=learn_queue.FEWEST - 1)
    assert request(cluster, NOW) is None
    record(cluster, by_feature, n=1)
    row = request(cluster, NOW)
    assert row is not None
    assert request(cluster, NOW + 2 * DAY) is None  # that one is open
    done(row, NOW, learn_queue.FEWEST)
    assert request(cluster, NOW + DAY - MINUTE) is None
    assert request(cluster, NOW + DAY) is not None


def test_it_learns_sooner_while_the_record_grows(cluster: Cluster) -> None:
    record(cluster, by_feature)
    row = request(cluster, NOW)
    assert row is not None
    done(row, NOW)
    record(cluster, by_feature, n=N // 5 - 1)
    assert request(cluster, NOW + HOUR) is None
    record(cluster, by_feature, n=1)
    assert request(cluster, NOW + HOUR - MINUTE) is None
    assert request(cluster, NOW + HOUR) is not None


def test_the_beat_asks_and_rings_a_worker(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(
        current_app, "send_task", lambda task, args, **_: rung.append((task, args[0]))
    )
    record(cluster, by_feature, until=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        request_forecasts()
    assert rung == [(learn.name, Learnt.objects.get().pk)]


def test_a_worker_learns_from_the_features_that_are_kept_nowadays(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn_queue.timezone, "now", lambda: NOW + learn_queue.SETTLED)
    record(cluster, by_feature, n=learn_queue.FEWEST)
    StartFeatures.objects.filter(estimate__issued_at__lt=NOW - 3 * DAY).update(names_digest="old")
    row = request(cluster, NOW)
    assert row is not None
    assert learn_queue.run(row.pk)
    assert not learn_queue.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.error, row.snapshot_at) == (Learnt.State.DONE, "", NOW)
    assert row.names_digest == features(0.0).names_digest
    assert row.starts == StartFeatures.objects.exclude(names_digest="old").count()
    assert row.losses == {}  # too few of them


def test_a_lost_worker_is_made_up_for_and_old_versions_are_forgotten(cluster: Cluster) -> None:
    old = Learnt.objects.create(cluster=cluster, requested_at=NOW - 31 * DAY)
    lost = Learnt.objects.create(
        cluster=cluster, requested_at=NOW - HOUR, state=Learnt.State.RUNNING, tries=1,
        claimed_at=NOW - HOUR,
    )  # fmt: skip
    learn_queue.sweep(NOW)
    lost.refresh_from_db()
    assert lost.state == Learnt.State.QUEUED
    assert not Learnt.objects.filter(pk=old.pk).exists()
