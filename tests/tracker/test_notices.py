"""News of runs: once for each run, attempt and kind, to whoever made them, as they wish."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_cluster, make_experiment
from tracker import ingest, recording
from tracker.models import Actor, Cluster, Experiment, Notice, NoticedRun, NoticeWishes, Run
from tracker.recording import create_run, record_start, set_wishes, update_run
from tracker.recording.notices import mark_read, notices_of, prune_notices, tell_of, unread
from tracker.slurm.records import AccountedJob, QueuedJob

pytestmark = pytest.mark.django_db
# Later than the runs that the tests make, however long the suite takes to come here.
NOW = timezone.now().replace(microsecond=0) + timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


@pytest.fixture
def experiment(people, cluster: Cluster) -> Experiment:
    return make_experiment(people.alice, cluster=cluster)


@pytest.fixture
def alice(people) -> Actor:
    return Actor(people.alice)


@pytest.fixture
def run(experiment: Experiment, alice: Actor) -> Run:
    return create_run(experiment, actor=alice, slurm_job_id=828)[0]


def queued(state: str, job_id: int = 828, submit: int = 0, **fields: object) -> QueuedJob:
    return QueuedJob(
        job_id=job_id,
        state=state,
        user="alice",
        name="train",
        partitions=("gpu",),
        submit_at=NOW + submit * MINUTE,
        start_at=None if state == "PENDING" else NOW + (submit + 1) * MINUTE,
        restarts=0 if submit == 0 else 1,
        **fields,
    )


def over(state: str, job_id: int = 828, submit: int = 0, exit_code: int = 0) -> AccountedJob:
    return AccountedJob(
        job_id=job_id,
        state=state,
        user="alice",
        name="train",
        submit_at=NOW + submit * MINUTE,
        start_at=NOW + (submit + 1) * MINUTE,
        end_at=NOW + (submit + 4) * MINUTE,
        exit_code=exit_code,
    )


def polls(cluster: Cluster, *polls: list[QueuedJob] | tuple[AccountedJob, ...]) -> None:
    """Each a minute after the one before; a tuple is one of accounting."""
    for minute, rows in enumerate(polls):
        record = ingest.record_queue if isinstance(rows, list) else ingest.record_accounting
        record(cluster, rows, NOW + minute * MINUTE)


def titles(actor: Actor) -> list[str]:
    return [notice.title for notice in notices_of(actor).order_by("pk")]


def started(experiment: Experiment, alice: Actor, tasks: int) -> list[Run]:
    """Runs of an array that was submitted here, not sent yet."""
    submission = record_start(
        experiment,
        actor=alice,
        cluster=experiment.cluster,
        unix_name="alice",
        key="k",
        frozen={"request": {}, "script": "", "argv": [], "mark": "m"},
        runs=[{"seed": task, "config": {}, "array_task_id": task} for task in range(tasks)],
    )
    return list(submission.runs.order_by("array_task_id"))


# --- when


def test_a_start_and_a_failure_are_told_once_however_often_they_are_polled(
    run: Run, cluster: Cluster, alice: Actor
) -> None:
    waits, runs, failed = [queued("PENDING")], [queued("RUNNING")], (over("FAILED", exit_code=7),)
    polls(cluster, waits, runs, runs, failed, [], failed)
    name = f"Run {run.pk[-8:]} of vit-small"
    assert titles(alice) == [f"{name} started", f"{name} failed with exit code 7"]
    assert {notice.path for notice in notices_of(alice)} == {f"/runs/{run.pk}"}
    assert "job 828 on lab, attempt 1" in notices_of(alice)[0].body


def test_each_attempt_is_news(run: Run, cluster: Cluster, alice: Actor) -> None:
    failed = (over("NODE_FAIL"),)
    polls(cluster, [queued("RUNNING")], failed, [queued("RUNNING", submit=4)])
    assert [title.split(" of vit-small ")[1] for title in titles(alice)] == [
        "started",
        "started, attempt 2",
    ]


def test_a_node_that_failed_is_news_once_no_attempt_follows(
    run: Run, cluster: Cluster, alice: Actor
) -> None:
    polls(cluster, [queued("RUNNING")], (over("NODE_FAIL"),))
    assert len(titles(alice)) == 1
    ingest.record_queue(cluster, [], NOW + 10 * MINUTE)
    assert titles(alice)[1].endswith("failed: node fail")


def test_an_end_that_is_good_is_told_only_to_who_wants_it(
    run: Run, cluster: Cluster, alice: Actor, people
) -> None:
    polls(cluster, [queued("RUNNING")], (over("COMPLETED"),))
    assert len(titles(alice)) == 1
    set_wishes(people.alice, {"ended": "page", "started": "nothing"})
    other, _ = create_run(run.experiment, actor=alice, slurm_job_id=829)
    polls(cluster, [queued("RUNNING", 829)], (over("COMPLETED", 829),))
    assert titles(alice)[1:] == [f"Run {other.pk[-8:]} of vit-small ended"]


def test_a_runs_own_last_word_is_told_at_once_and_not_again_at_its_jobs_end(
    run: Run, cluster: Cluster, alice: Actor
) -> None:
    polls(cluster, [queued("RUNNING")])
    update_run(run, actor=alice, status="FAILED", exit_code=1, message="NaN in loss", at=NOW)
    polls(cluster, (over("FAILED", exit_code=1),), [])
    assert [notice.kind for notice in notices_of(alice).order_by("pk")] == ["started", "failed"]
    assert "NaN in loss" in notices_of(alice).get(kind="failed").body


def test_a_run_on_ones_own_machine_tells_no_start_but_its_failure(
    experiment: Experiment, alice: Actor
) -> None:
    run, _ = create_run(experiment, actor=alice)
    update_run(run, actor=alice, status="RUNNING", at=NOW)
    assert titles(alice) == []
    update_run(run, actor=alice, status="FAILED", at=NOW)
    assert len(titles(alice)) == 1


def test_a_run_made_for_a_job_that_was_over_is_no_news(
    experiment: Experiment, cluster: Cluster, alice: Actor
) -> None:
    ingest.record_accounting(cluster, [over("FAILED", submit=-2 * 24 * 60)], NOW)
    run, _ = create_run(experiment, actor=alice, slurm_job_id=828)
    assert run.status == "FAILED" and titles(alice) == []


def test_nobody_is_told_who_has_gone_and_nothing_of_deleted_runs(
    run: Run, cluster: Cluster, alice: Actor, people
) -> None:
    Run.objects.update(deleted_at=NOW)
    polls(cluster, [queued("RUNNING")])
    Run.objects.update(deleted_at=None)
    people.alice.is_active = False
    people.alice.save()
    polls(cluster, (over("FAILED"),))
    assert not Notice.objects.exists()


def test_what_is_rolled_back_was_never_told(run: Run, alice: Actor) -> None:
    with pytest.raises(recording.ConflictError):
        update_run(run, actor=alice, status="SUBMITTING", at=NOW)
        update_run(run, actor=alice, status="CREATED", at=NOW)
    assert not Notice.objects.exists()


# --- together


def test_a_sweep_that_fails_at_once_is_one_sentence(
    experiment: Experiment, cluster: Cluster, alice: Actor
) -> None:
    runs = started(experiment, alice, 40)
    for run in runs[:12]:
        run.status = "FAILED"
        tell_of([run], NOW)
        tell_of([run], NOW)
    [notice] = notices_of(alice)
    assert notice.title == "12 of 40 runs of vit-small failed"
    assert notice.path == f"/experiments/{experiment.pk}?submission={runs[0].submission_id}"
    assert NoticedRun.objects.count() == 12


def test_what_fails_after_it_was_read_or_an_hour_later_is_another_notice(
    experiment: Experiment, alice: Actor
) -> None:
    runs = started(experiment, alice, 3)
    for run, at in zip(runs, (NOW, NOW + MINUTE, NOW + 62 * MINUTE), strict=True):
        run.status = "FAILED"
        tell_of([run], at)
        if run is runs[0]:
            mark_read(unread(alice), at)
    assert [notice.runs for notice in notices_of(alice).order_by("pk")] == [1, 1, 1]


def test_other_starts_and_other_kinds_stand_for_themselves(
    experiment: Experiment, alice: Actor, run: Run
) -> None:
    first, second = started(experiment, alice, 2)
    for one, status in ((first, "RUNNING"), (second, "FAILED"), (run, "FAILED")):
        one.status = status
        tell_of([one], NOW)
    assert notices_of(alice).count() == 3


def test_a_submission_that_slurm_refuses_is_told(experiment: Experiment, alice: Actor) -> None:
    submission = started(experiment, alice, 3)[0].submission
    recording.claim(submission.pk, NOW)
    recording.mark_refused(submission, "Invalid account", NOW)
    [notice] = notices_of(alice)
    assert notice.title == "3 of 3 runs of vit-small failed" and "Invalid account" in notice.body


# --- kept


def test_notices_are_forgotten_after_a_month(run: Run, cluster: Cluster) -> None:
    polls(cluster, [queued("RUNNING")])
    assert prune_notices(NOW + timedelta(days=29)) == 0
    prune_notices(NOW + timedelta(days=31))
    assert not Notice.objects.exists()


def test_wishes_are_those_of_the_defaults_until_they_are_said(people) -> None:
    wishes = recording.notices.wishes_of(people.bob)
    ways = [wishes.way(kind) for kind in Notice.Kind]
    assert ways == ["page", "page", "nothing", "mail"]
    assert not NoticeWishes.objects.exists()
