"""Creating runs, following their job, and their own last word."""

from datetime import timedelta

import pytest

from tests.factories import NOW, make_cluster, make_experiment, make_job
from tracker import recording
from tracker.models import Actor, Attempt, AuditEntry, ClusterAccount, Experiment, Job, Run, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment(people):
    return make_experiment(people.alice)


@pytest.fixture
def alice(people):
    return Actor(people.alice)


def requeue(job: Job, state: str = "PENDING") -> None:
    later = job.submit_at + timedelta(hours=1)
    job.state, job.submit_at, job.start_at, job.end_at, job.exit_code = (
        state,
        later,
        None,
        None,
        None,
    )
    job.save()
    number = job.attempts.count()
    Attempt.objects.create(job=job, number=number, submit_at=later, state=state)


def move(job: Job, state: str, **fields) -> Job:
    for name, value in {"state": state, **fields}.items():
        setattr(job, name, value)
    job.save()
    recording.follow_job(job)
    return job


def test_a_repeated_create_answers_the_same_run(experiment, alice):
    make_cluster()
    fields = {"slurm_job_id": 828, "seed": 1, "config": {"a": 1, "b": [2.5]}}
    first, is_new = recording.create_run(experiment, actor=alice, **fields)
    fields["config"] = {"b": [2.5], "a": 1}
    again, is_new_again = recording.create_run(experiment, actor=alice, **fields)
    assert (is_new, is_new_again) == (True, False)
    assert first == again
    assert AuditEntry.objects.filter(verb="create", object_id=first.pk).count() == 1


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"config": {"lr": 0.1}}, {"key": "b"}, {"slurm_job_id": 829}]
)
def test_another_seed_config_key_or_job_is_another_run(experiment, alice, other):
    one = {"slurm_job_id": 828, "seed": 1, "config": {}, "key": "a"}
    first, _ = recording.create_run(experiment, actor=alice, **one)
    second, is_new = recording.create_run(experiment, actor=alice, **(one | other))
    assert is_new
    assert first != second


def test_a_run_without_a_job_id_is_always_new(experiment, alice):
    first, _ = recording.create_run(experiment, actor=alice, seed=1)
    second, is_new = recording.create_run(experiment, actor=alice, seed=1)
    assert is_new
    assert first != second


def test_a_run_created_before_any_cluster_was_known_is_found_by_a_repeat(experiment, alice):
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    assert run.cluster is None
    cluster = make_cluster()
    before_the_poll, is_new = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    assert (before_the_poll, is_new) == (run, False)
    recording.bind_runs(make_job(cluster, 828, state="RUNNING", start_at=NOW))
    after_the_poll, is_new = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    assert (after_the_poll, is_new) == (run, False)
    assert after_the_poll.cluster == cluster
    assert after_the_poll.status == "RUNNING"


def test_several_clusters_and_none_named_is_a_conflict_that_names_the_field(experiment, alice):
    lab, _ = make_cluster("lab"), make_cluster("north")
    with pytest.raises(recording.ConflictError, match=r"cluster: .*give lab, north"):
        recording.create_run(experiment, actor=alice, slurm_job_id=828)
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828, cluster=lab)
    assert run.cluster == lab
    laptop, _ = recording.create_run(experiment, actor=alice)
    assert laptop.cluster is None


def test_the_tokens_cluster_comes_before_the_experiments(people, experiment):
    lab, north = make_cluster("lab"), make_cluster("north")
    Experiment.objects.update(cluster=lab)
    experiment.refresh_from_db()
    token, _ = Token.issue(user=people.alice, scope="run", experiment=experiment, cluster=north)
    actor = Actor(people.alice, token)
    run, _ = recording.create_run(experiment, actor=actor, slurm_job_id=828)
    assert run.cluster == north
    with pytest.raises(recording.ConflictError, match="not the token's cluster"):
        recording.create_run(experiment, actor=actor, slurm_job_id=828, cluster=lab)


def test_a_run_of_a_known_job_takes_its_state_at_once(experiment, alice):
    job = make_job(make_cluster(), 828, state="RUNNING", start_at=NOW, reason="None")
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    assert (run.job, run.status, run.started_at) == (job, "RUNNING", NOW)


def test_a_run_learns_nothing_of_anothers_job_where_the_cluster_hides_jobs(people, experiment):
    cluster = make_cluster(private_data=["jobs"])
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice")
    job = make_job(cluster, 828, state="RUNNING", user="alice")
    claimed, _ = recording.create_run(experiment, actor=Actor(people.bob), slurm_job_id=828)
    mine, _ = recording.create_run(experiment, actor=Actor(people.alice), slurm_job_id=828, seed=1)
    recording.bind_runs(job)
    claimed.refresh_from_db()
    assert (claimed.status, claimed.job) == ("CREATED", None)
    assert (mine.status, mine.job) == ("RUNNING", job)


def test_all_runs_of_one_job_follow_it_to_its_end(experiment, alice):
    job = make_job(make_cluster(), 828)
    runs = [
        recording.create_run(experiment, actor=alice, slurm_job_id=828, seed=seed)[0]
        for seed in range(3)
    ]
    move(job, "RUNNING", start_at=NOW)
    end = NOW + timedelta(hours=1)
    move(job, "OUT_OF_MEMORY", end_at=end, exit_code=0)
    for run in runs:
        run.refresh_from_db()
        assert (run.status, run.ended_at, run.exit_code) == ("OUT_OF_MEMORY", end, 0)


def test_within_an_attempt_a_run_never_goes_back_to_pending(experiment, alice):
    job = make_job(make_cluster(), 828, state="RUNNING", start_at=NOW)
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    move(job, "PENDING", start_at=None)
    run.refresh_from_db()
    assert run.status == "RUNNING"


def test_a_requeue_starts_the_next_attempt_pending(experiment, alice):
    job = make_job(make_cluster(), 828, state="NODE_FAIL", start_at=NOW, end_at=NOW)
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    assert run.status == "NODE_FAIL"
    requeue(job)
    recording.follow_job(job)
    run.refresh_from_db()
    assert (run.status, run.attempt, run.started_at, run.ended_at) == ("PENDING", 1, None, None)


def test_a_requeue_that_never_came_back_is_unknown_and_no_success(experiment, alice):
    job = make_job(make_cluster(), state="RUNNING")
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    job.state, job.in_queue, job.is_final = "REQUEUED", False, True
    job.save()
    recording.follow_job(job)
    run.refresh_from_db()
    assert (run.status, run.is_open) == (Run.Status.UNKNOWN, True)


def test_a_state_that_slurm_has_not_got_yet_hides_nothing(experiment, alice):
    job = make_job(make_cluster(), 828, state="RUNNING", start_at=NOW)
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    move(job, "TELEPORTING")
    run.refresh_from_db()
    assert run.status == "RUNNING"


def test_a_runs_own_last_word_before_the_jobs_end_stands(experiment, alice):
    job = make_job(make_cluster(), 828, state="RUNNING", start_at=NOW)
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    recording.finish_run(
        run, actor=alice, status="COMPLETED", exit_code=0, message="best 0.91", at=NOW
    )
    move(job, "TIMEOUT", end_at=NOW + timedelta(hours=1))
    run.refresh_from_db()
    assert (run.status, run.closed_by_client, run.ended_at) == ("COMPLETED", True, NOW)
    assert run.message == "best 0.91"


def test_a_word_after_the_jobs_end_changes_no_status(experiment, alice):
    job = make_job(make_cluster(), 828, state="RUNNING", start_at=NOW)
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    move(job, "TIMEOUT", end_at=NOW)
    late = recording.update_run(run, actor=alice, status="COMPLETED", message="done", at=NOW)
    assert (late.status, late.closed_by_client, late.message) == ("TIMEOUT", False, "done")


def test_a_closed_run_does_not_open_again_by_its_own_word(experiment, alice):
    run, _ = recording.create_run(experiment, actor=alice)
    recording.finish_run(run, actor=alice, status="COMPLETED", at=NOW)
    again = recording.finish_run(run, actor=alice, status="COMPLETED", at=NOW + timedelta(hours=1))
    assert again.ended_at == NOW
    for status in ("RUNNING", "FAILED"):
        with pytest.raises(recording.ConflictError, match=f"{status} cannot follow COMPLETED"):
            recording.update_run(run, actor=alice, status=status, at=NOW)


def test_a_run_that_its_first_attempt_closed_goes_on_in_the_next(experiment, alice):
    job = make_job(make_cluster(), 828, state="RUNNING", start_at=NOW)
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    recording.finish_run(run, actor=alice, status="FAILED", message="SIGTERM", at=NOW)
    requeue(job, "RUNNING")
    again = recording.update_run(run, actor=alice, status="RUNNING", at=NOW)
    assert (again.status, again.attempt, again.closed_by_client) == ("RUNNING", 1, False)
    assert again.ended_at is None


def test_the_same_last_word_of_the_next_attempt_is_no_repeat(experiment, alice):
    job = make_job(make_cluster(), 828, state="RUNNING", start_at=NOW)
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    recording.finish_run(run, actor=alice, status="FAILED", exit_code=1, at=NOW)
    requeue(job, "RUNNING")
    later = NOW + timedelta(hours=2)
    again = recording.finish_run(run, actor=alice, status="FAILED", exit_code=2, at=later)
    assert (again.attempt, again.ended_at, again.exit_code) == (1, later, 2)


def test_a_repeated_create_links_a_run_that_its_job_had_missed(experiment, alice):
    run, _ = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    job = make_job(make_cluster(), 828, state="COMPLETED", start_at=NOW, end_at=NOW)
    again, is_new = recording.create_run(experiment, actor=alice, slurm_job_id=828)
    assert (again, is_new, again.job, again.status) == (run, False, job, "COMPLETED")


def test_an_artifact_told_twice_is_kept_once(experiment, alice):
    run, _ = recording.create_run(experiment, actor=alice)
    told = {"kind": "checkpoint", "path": "/data/exp-001/checkpoints/1.pt"}
    assert recording.add_artifact(run, actor=alice, **told)[1]
    assert not recording.add_artifact(run, actor=alice, **told)[1]
    assert run.artifacts.count() == 1


def test_only_final_words_finish_a_run(experiment, alice):
    run, _ = recording.create_run(experiment, actor=alice)
    with pytest.raises(ValueError, match="RUNNING is no final status"):
        recording.finish_run(run, actor=alice, status="RUNNING", at=NOW)
    assert Run.objects.get().status == "CREATED"
