"""Runs that exist before their job reports, and jobs that Queuecast did not submit."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import NOW, make_cluster, make_experiment, make_job
from tests.tracker.callers import JSON
from tests.tracker.test_arrays import rest, task
from tracker import submission
from tracker.ingest import record_queue
from tracker.models import (
    Actor,
    Cluster,
    ClusterAccount,
    Experiment,
    Job,
    JobHint,
    Run,
    Submission,
    Token,
)
from tracker.recording import (
    ConflictError,
    bind_runs,
    follow_job,
    mark_refused,
    mark_sent,
    record_start,
    revoke_idle_tokens,
    token_for,
)
from tracker.slurm.records import QueuedJob

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(people) -> Cluster:
    cluster = make_cluster()
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice")
    return cluster


@pytest.fixture
def experiment(people, cluster) -> Experiment:
    return make_experiment(people.alice, cluster=cluster)


def started(experiment: Experiment, cluster: Cluster, tasks: int = 1) -> Submission:
    return record_start(
        experiment,
        actor=Actor(experiment.owner),
        cluster=cluster,
        unix_name="alice",
        key="k",
        frozen={"request": {}, "script": "", "argv": [], "mark": "queuecast:" + "0" * 31 + "a"},
        runs=[
            {
                "id": f"{k:031}a",
                "seed": k,
                "config": {"lr": k},
                "array_task_id": k if tasks > 1 else None,
            }
            for k in range(tasks)
        ],
    )


def reports(one: Submission, job_id: int, name: str = "token", secret: str = "", **body: object):
    """A create as the job of the submission sends it: ``http://NAME:SECRET@host``."""
    secret = secret or token_for(one, timezone.now())
    basic = b64encode(f"{name}:{secret}".encode()).decode()
    client = Client(headers={"authorization": f"Basic {basic}"})
    answer = client.post(
        f"/experiments/{one.experiment_id}/runs",
        {"slurm_job_id": job_id, **body},
        content_type=JSON,
    )
    return answer.status_code, answer.json().get("run_id"), secret


def test_the_first_create_of_a_started_job_is_its_run(experiment, cluster):
    one = started(experiment, cluster)
    mark_sent(one, 828, NOW)
    status, run_id, _ = reports(one, 828, seed=5, config={"lr": 0.5})
    run = Run.objects.get()
    assert (status, run_id) == (200, run.pk)
    assert (run.seed, run.config, run.slurm_job_id) == (5, {"lr": 0.5}, 828)


def test_a_started_run_takes_the_name_that_its_job_gives_it(experiment, cluster):
    one = started(experiment, cluster)
    mark_sent(one, 828, NOW)
    client = Client(headers={"authorization": f"Bearer {token_for(one, timezone.now())}"})
    named = {"slurm_job_id": 828, "name": "warm-up"}
    client.post(f"/experiments/{experiment.pk}/runs", named, content_type=JSON)
    assert Run.objects.get().name == "warm-up"


def test_a_repeated_create_is_that_run_again_also_after_polls(experiment, cluster):
    one = started(experiment, cluster)
    mark_sent(one, 828, NOW)
    _, first, secret = reports(one, 828, config={"lr": 0.5})
    record_queue(cluster, [QueuedJob(828, "RUNNING", "alice", "x", submit_at=NOW)], NOW)
    _, again, _ = reports(one, 828, secret=secret, config={"lr": 0.5})
    assert (again, Run.objects.count()) == (first, 1)


def test_a_further_seed_of_the_same_job_is_a_run_beside_it(experiment, cluster):
    one = started(experiment, cluster)
    mark_sent(one, 828, NOW)
    _, first, secret = reports(one, 828, seed=1)
    status, second, _ = reports(one, 828, secret=secret, seed=2)
    assert (status, second != first) == (201, True)
    # and the token that made it may log to it
    client = Client(headers={"authorization": f"Bearer {secret}"})
    point = {"name": "loss", "value": 1}
    assert client.post(f"/runs/{second}/metrics", point, content_type=JSON).status_code == 201


def test_the_token_of_a_started_job_opens_no_other_run(experiment, cluster):
    one = started(experiment, cluster)
    secret = token_for(one, timezone.now())
    other = Run.objects.create(experiment=experiment, config_sha256="")
    client = Client(headers={"authorization": f"Bearer {secret}"})
    point = {"name": "loss", "value": 1}
    assert client.post(f"/runs/{other.pk}/metrics", point, content_type=JSON).status_code == 404


def test_a_job_may_report_before_sbatch_has_answered(experiment, cluster):
    one = started(experiment, cluster)
    _, run_id, _ = reports(one, 828)
    mark_sent(one, 828, NOW)
    run = Run.objects.get()
    assert (run.pk, run.status, run.slurm_job_id) == (run_id, "PENDING", 828)


def test_tasks_of_an_array_name_their_runs_before_any_poll_has_seen_them(experiment, cluster):
    one = started(experiment, cluster, tasks=3)
    mark_sent(one, 900, NOW)
    secret = token_for(one, timezone.now())
    names = [f"{k:031}a" for k in (2, 0, 1)]
    for name, raw_id in zip(names, (901, 902, 900), strict=True):
        assert reports(one, raw_id, name=name, secret=secret)[1] == name
    record_queue(cluster, [task(2, 901), task(0, 902), task(1, 900)], NOW)
    rows = Run.objects.order_by("array_task_id").values_list("slurm_job_id", "status")
    assert list(rows) == [(902, "RUNNING"), (900, "RUNNING"), (901, "RUNNING")]


def test_without_a_name_a_task_is_known_by_its_seed_and_configuration(experiment, cluster):
    one = started(experiment, cluster, tasks=3)
    mark_sent(one, 900, NOW)
    assert reports(one, 902, seed=1, config={"lr": 1})[1] == f"{1:031}a"


def test_an_earlier_tries_token_opens_nothing(experiment, cluster):
    one = started(experiment, cluster)
    old = token_for(one, timezone.now())
    token_for(one, timezone.now())
    assert reports(one, 828, secret=old)[0] == 401


def test_a_token_lives_as_long_as_a_requeue_may_come(experiment, cluster):
    one = started(experiment, cluster)
    token_for(one, timezone.now())
    long_ago = timezone.now() - timedelta(days=20)
    Token.objects.update(created_at=long_ago)
    before = timezone.now() - timedelta(days=14)
    assert revoke_idle_tokens(before, timezone.now()) == 0
    Run.objects.update(status="COMPLETED", ended_at=timezone.now())
    assert revoke_idle_tokens(before, timezone.now()) == 0
    Run.objects.update(ended_at=long_ago)
    assert revoke_idle_tokens(before, timezone.now()) == 1


# --- by its comment
def test_the_mark_of_a_lost_submission_is_found_in_the_queue(experiment, cluster):
    one = started(experiment, cluster)
    Submission.objects.update(state="claimed")
    job = QueuedJob(828, "PENDING", "alice", "x", submit_at=NOW, comment=one.mark)
    record_queue(cluster, [job], NOW)
    one.refresh_from_db()
    run = Run.objects.get()
    assert (one.state, one.slurm_job_id) == ("sent", 828)
    assert (run.status, run.job.job_id) == ("PENDING", 828)


def test_what_looked_refused_and_has_a_job_is_that_job(experiment, cluster):
    one = started(experiment, cluster)
    secret = token_for(one, timezone.now())
    Submission.objects.update(state="claimed")
    mark_refused(one, "sbatch: error: something unheard of", NOW)
    assert Run.objects.get().status == "FAILED"
    job = QueuedJob(828, "RUNNING", "alice", "x", submit_at=NOW, start_at=NOW, comment=one.mark)
    record_queue(cluster, [job], NOW)
    run = Run.objects.get()
    assert (run.status, run.message, run.ended_at) == ("RUNNING", "", None)
    assert reports(one, 828, secret=secret)[0] == 200


def test_the_mark_in_another_users_comment_is_nobodys(experiment, cluster):
    one = started(experiment, cluster)
    Submission.objects.update(state="claimed")
    job = QueuedJob(828, "PENDING", "mallory", "x", submit_at=NOW, comment=one.mark)
    record_queue(cluster, [job], NOW)
    one.refresh_from_db()
    assert (one.state, Run.objects.get().job) == ("claimed", None)


def test_the_mark_of_an_array_is_found_too(experiment, cluster):
    one = started(experiment, cluster, tasks=3)
    Submission.objects.update(state="claimed")
    record_queue(cluster, [rest(0, 1, 2, comment=one.mark)], NOW)
    one.refresh_from_db()
    assert one.slurm_job_id == 900
    assert set(Run.objects.values_list("status", flat=True)) == {"PENDING"}


def test_a_comment_that_names_an_experiment_makes_a_run_once(experiment, cluster):
    job = QueuedJob(
        828, "PENDING", "alice", "x", submit_at=NOW, comment=f"queuecast:{experiment.pk}"
    )
    record_queue(cluster, [job], NOW)
    record_queue(cluster, [job], NOW + timedelta(minutes=1))
    run = Run.objects.get()
    assert (run.experiment, run.status, run.created_by) == (
        experiment,
        "PENDING",
        experiment.owner,
    )


def test_the_components_of_a_heterogeneous_job_are_one_run(experiment, cluster):
    mark = f"queuecast:{experiment.pk}"
    parts = [
        QueuedJob(
            job_id, "PENDING", "alice", "x", submit_at=NOW, comment=mark, het_job_id=834,
            het_offset=job_id - 834,
        )
        for job_id in (834, 835)
    ]  # fmt: skip
    record_queue(cluster, parts, NOW)
    assert Run.objects.get().slurm_job_id == 834


@pytest.mark.parametrize("user", ["mallory", "nobody"])
def test_a_comment_opens_no_experiment_to_those_who_may_not_change_it(
    experiment, cluster, people, user
):
    ClusterAccount.objects.create(user=people.mallory, cluster=cluster, unix_name="mallory")
    job = QueuedJob(828, "PENDING", user, "x", submit_at=NOW, comment=f"queuecast:{experiment.pk}")
    record_queue(cluster, [job], NOW)
    assert not Run.objects.exists()


# --- by its pasted id
def adopt(experiment: Experiment, cluster: Cluster, shown_id: str) -> tuple[Run, bool]:
    return submission.adopt_job(
        experiment,
        actor=Actor(experiment.owner),
        cluster=cluster,
        shown_id=shown_id,
        now=NOW,
        ring=lambda: None,
    )


def test_a_pasted_id_is_followed_from_then_on(experiment, cluster):
    job = make_job(cluster, 828, state="RUNNING", user="alice", start_at=NOW)
    run, is_new = adopt(experiment, cluster, " 828 ")
    assert (is_new, run.job, run.status) == (True, job, "RUNNING")
    assert adopt(experiment, cluster, "828") == (run, False)


def test_a_task_is_pasted_as_people_see_it(experiment, cluster):
    job = make_job(cluster, 901, user="alice", array_job_id=900, array_task_id=3)
    assert adopt(experiment, cluster, "900_3")[0].job == job


def test_of_a_heterogeneous_job_the_run_follows_the_leader(experiment, cluster):
    leader = make_job(cluster, 834, user="alice", het_job_id=834)
    make_job(cluster, 835, user="alice", het_job_id=834)
    assert adopt(experiment, cluster, "834+1")[0].job == leader


@pytest.mark.parametrize(("text", "told"), [("12;x", "not a job id"), ("7", "not been seen")])
def test_what_cannot_be_adopted_is_told(experiment, cluster, text, told):
    with pytest.raises(ConflictError, match=told):
        adopt(experiment, cluster, text)


def test_a_job_that_nobody_has_seen_is_looked_up(experiment, cluster):
    with pytest.raises(ConflictError, match="try again in half a minute"):
        adopt(experiment, cluster, "828")
    assert JobHint.objects.get().job_id == 828


def test_another_users_job_is_not_adopted(experiment, cluster):
    make_job(cluster, 828, user="bob")
    with pytest.raises(ConflictError, match="only its own user adopts it"):
        adopt(experiment, cluster, "828")


# --- a last word, and then a requeue
@pytest.fixture
def failed(experiment, cluster) -> tuple[Submission, str, Run]:
    """A run that said FAILED while its job ran, and whose job was then requeued and runs again."""
    one = started(experiment, cluster)
    mark_sent(one, 828, NOW)
    make_job(cluster, 828, state="RUNNING", user="alice", start_at=NOW)
    _, _, secret = reports(one, 828, seed=1)
    run = Run.objects.get()
    return one, secret, run


def requeue(cluster: Cluster) -> Job:
    job = Job.objects.get(cluster=cluster, job_id=828)
    later = NOW + timedelta(minutes=5)
    job.attempts.create(number=1, submit_at=later, state="RUNNING", start_at=later)
    Job.objects.filter(pk=job.pk).update(submit_at=later, state="RUNNING", start_at=later)
    job.refresh_from_db()
    return job


def say(secret: str, run: Run, status: str) -> None:
    client = Client(headers={"authorization": f"Bearer {secret}"})
    answer = client.patch(f"/api/v1/runs/{run.pk}", {"status": status}, content_type=JSON)
    assert answer.status_code == 200, answer.content


def test_a_run_that_failed_goes_on_with_its_jobs_next_attempt(failed, cluster):
    _, secret, run = failed
    bind_runs(run.job or Job.objects.get())
    say(secret, run, "FAILED")
    follow_job(requeue(cluster))
    run.refresh_from_db()
    assert (run.status, run.attempt, run.ended_at) == ("RUNNING", 1, None)


def test_a_run_that_completed_stays_so_whatever_its_job_does(failed, cluster):
    _, secret, run = failed
    say(secret, run, "COMPLETED")
    follow_job(requeue(cluster))
    run.refresh_from_db()
    assert (run.status, run.attempt) == ("COMPLETED", 0)


def test_of_several_runs_of_a_job_the_one_that_reports_again_goes_on(failed, cluster):
    one, secret, _ = failed
    reports(one, 828, secret=secret, seed=2)
    for each in Run.objects.all():
        say(secret, each, "FAILED")
    follow_job(requeue(cluster))
    assert set(Run.objects.values_list("status", flat=True)) == {"FAILED"}
    reports(one, 828, secret=secret, seed=2)
    assert dict(Run.objects.values_list("seed", "status")) == {1: "FAILED", 2: "RUNNING"}
