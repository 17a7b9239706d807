"""A submission whose sending nobody saw end is never sent twice, and never lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_job
from tests.tracker.starting.start import begin, nobody_rings
from tracker import recording, submission
from tracker.models import Actor, Cluster, Poll, Run, Submission
from tracker.recording import ConflictError
from tracker.submission.recovering import MAX_TRIES, SETTLE

pytestmark = pytest.mark.django_db


@pytest.fixture
def claimed(experiment, cluster) -> Submission:
    """Claimed by a worker that died at once, long ago."""
    begin(experiment, cluster, ring=nobody_rings)
    long_ago = timezone.now() - SETTLE - timedelta(minutes=5)
    one = recording.claim(Submission.objects.get().pk, long_ago)
    assert one is not None
    return one


def polled(cluster: Cluster, command: str, at, *, ok: bool = True, argv=("-S", "x")) -> None:
    Poll.objects.create(
        cluster=cluster, command=command, started_at=at, seconds=0.1, ok=ok, raw=b"",
        argv=list(argv),
    )  # fmt: skip


def looked_for(one: Submission) -> None:
    """The queue twice and accounting once, after the old sbatch was dead."""
    after = one.claimed_at + SETTLE + timedelta(seconds=1)
    for number in range(2):
        polled(one.cluster, "squeue", after + timedelta(seconds=30 * number))
    polled(one.cluster, "sacct", after)


def recovered(one: Submission) -> tuple[str, list[int]]:
    rung: list[int] = []
    submission.recover(timezone.now(), rung.append)
    one.refresh_from_db()
    return one.state, rung


def test_it_is_sent_again_once_the_polls_prove_that_there_is_no_job(claimed):
    looked_for(claimed)
    assert recovered(claimed) == ("waiting", [claimed.pk])


@pytest.mark.parametrize("missing", ["both queues", "one queue", "accounting", "good ones"])
def test_it_is_not_sent_again_before(claimed, missing):
    after = claimed.claimed_at + SETTLE + timedelta(seconds=1)
    if missing != "both queues":
        polled(claimed.cluster, "squeue", after, ok=missing != "good ones")
    if missing == "accounting":
        polled(claimed.cluster, "squeue", after)
        polled(claimed.cluster, "sacct", after, argv=["-j", "7"])  # no window
    else:
        polled(claimed.cluster, "sacct", after)
    assert recovered(claimed) == ("claimed", [])


def test_a_queue_read_while_sbatch_may_have_lived_proves_nothing(claimed):
    for _ in range(2):
        polled(claimed.cluster, "squeue", claimed.claimed_at + timedelta(seconds=10))
    polled(claimed.cluster, "sacct", claimed.claimed_at + timedelta(seconds=10))
    assert recovered(claimed) == ("claimed", [])


def test_a_bell_that_was_lost_is_rung_again(experiment, cluster):
    begin(experiment, cluster, ring=nobody_rings)
    Submission.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    one = Submission.objects.get()
    assert recovered(one) == ("waiting", [one.pk])


def test_a_job_of_that_name_without_the_mark_leaves_it_to_a_person(claimed):
    looked_for(claimed)
    make_job(
        claimed.cluster, 830, user="qc-alice", name="vit", submit_at=claimed.claimed_at,
        first_submit_at=claimed.claimed_at,
    )  # fmt: skip
    assert recovered(claimed) == ("unclear", [])
    assert "830" in claimed.error
    run = Run.objects.get()
    assert (run.status, run.reason) == ("UNKNOWN", "SubmissionUnclear")


def test_where_jobs_may_be_hidden_it_is_left_to_a_person(claimed):
    Cluster.objects.update(private_data=["jobs"])
    looked_for(claimed)
    assert recovered(claimed) == ("unclear", [])
    assert "PrivateData" in claimed.error


def test_after_some_tries_it_is_left_to_a_person(claimed):
    looked_for(claimed)
    Submission.objects.update(tries=MAX_TRIES)
    assert recovered(claimed) == ("unclear", [])


@pytest.fixture
def unclear(claimed) -> Submission:
    recording.mark_unclear(claimed, "nobody knows")
    claimed.refresh_from_db()
    return claimed


def decide(one: Submission, job_id: int | None) -> list[int]:
    rung: list[int] = []
    submission.decide_unclear(
        one, actor=Actor(one.created_by), job_id=job_id, at=timezone.now(), ring=rung.append
    )
    one.refresh_from_db()
    return rung


def test_a_person_says_which_job_it_is(unclear):
    make_job(unclear.cluster, 830, user="qc-alice")
    assert decide(unclear, 830) == []
    assert (unclear.state, unclear.slurm_job_id) == ("sent", 830)
    assert Run.objects.get().status == "PENDING"


def test_another_users_job_is_not_taken_for_it(unclear):
    make_job(unclear.cluster, 830, user="mallory")
    with pytest.raises(ConflictError, match="no job of qc-alice"):
        decide(unclear, 830)


def test_a_person_says_that_there_is_none(unclear):
    assert decide(unclear, None) == [unclear.pk]
    assert (unclear.state, Run.objects.get().status) == ("waiting", "SUBMITTING")


def test_what_is_clear_is_not_decided_again(claimed):
    with pytest.raises(ConflictError, match="nothing to decide"):
        decide(claimed, None)
