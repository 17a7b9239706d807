"""Issued forecasts: the rows they leave, with what their record needs to know."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from planner.record.milestones import last_reached
from tests.factories import make_cluster
from tests.planner.issued import issue
from tests.planner.plan_world import small_cluster, store_polls
from tests.planner.recorded import recorded_facts, row
from tracker.models import Cluster, Job, Poll, StartEstimate
from tracker.slurm.errors import SlurmUnavailable

pytestmark = pytest.mark.django_db
TAKEN_AT = recorded_facts().taken_at
HOUR = timedelta(hours=1)


def said_of(job_id: int) -> StartEstimate:
    return StartEstimate.objects.get(job__job_id=job_id)


@pytest.fixture
def cluster() -> Cluster:
    return small_cluster()


def test_each_row_of_the_queue_gets_an_estimate_or_a_reason(cluster: Cluster) -> None:
    made = issue(cluster)
    starts_s = {job.pending.key: job.p50_s for job in made.forecast.jobs}
    assert len(starts_s) == 14 + 5  # the array has six tasks and one row
    assert StartEstimate.objects.filter(is_newest=True).count() == 14
    plain, held = said_of(996), said_of(794)
    assert plain.p50_at == TAKEN_AT + timedelta(seconds=starts_s["996"])
    assert plain.slurm_start_at == row(996).start_at  # of the same poll
    assert (plain.method, plain.replicas, plain.nodes != "") == ("plan", 1, True)
    assert (held.p50_at, held.reason_class) == (None, "F")
    assert "scontrol release 794" in held.why


def test_the_row_of_an_array_gets_the_start_of_its_first_task(cluster: Cluster) -> None:
    made = issue(cluster)
    first_s = min(j.p50_s for j in made.forecast.jobs if j.pending.key.startswith("1072_"))
    assert said_of(1072).p50_at == TAKEN_AT + timedelta(seconds=first_s)
    assert said_of(1072).is_of_array
    assert not said_of(996).is_of_array


def test_the_last_task_of_an_array_is_a_job_of_its_own(cluster: Cluster) -> None:
    poll = Poll.objects.get(command="squeue")
    one_left = poll.text.replace("1-6%3", "6%3")
    assert one_left != poll.text
    Poll.objects.filter(pk=poll.pk).update(raw=Poll.compress(one_left))
    issue(cluster)
    assert not said_of(1072).is_of_array


def test_an_estimate_tells_its_attempt_and_the_age_of_its_oldest_needed_input(
    cluster: Cluster,
) -> None:
    Poll.objects.filter(command="nodes").update(started_at=TAKEN_AT - HOUR)
    Poll.objects.filter(command="sprio").update(started_at=TAKEN_AT - 2 * HOUR)
    made = issue(cluster)
    ages_s = made.known.ages_s(made.issued_at)
    assert ages_s["squeue"] == (made.issued_at - TAKEN_AT).total_seconds()
    assert ages_s["nodes"] == pytest.approx(ages_s["squeue"] + 3600)
    assert ages_s["sprio"] == pytest.approx(ages_s["squeue"] + 7200)
    assert "sdiag" not in ages_s  # no forecast reads it
    estimate = said_of(996)
    assert estimate.inputs_age_s == ages_s["nodes"]
    assert estimate.submit_at == row(996).submit_at
    assert estimate.partition == ",".join(row(996).partitions)
    assert not estimate.is_replayed


@pytest.mark.parametrize(
    ("waited_s", "minutes"),
    [(-1, 0), (0, 0), (599, 0), (600, 10), (3599, 10), (3600, 60), (21_600, 360), (1e9, 360)],
)
def test_a_milestone_is_the_last_that_the_wait_has_reached(waited_s: float, minutes: int) -> None:
    assert last_reached(waited_s) == minutes


def test_the_first_estimate_of_each_milestone_is_of_the_record(cluster: Cluster) -> None:
    submit_at = row(996).submit_at
    assert submit_at is not None
    for waited in (1, 2, 11, 12, 59, 61):  # minutes
        Poll.objects.update(started_at=submit_at + timedelta(minutes=waited))
        issue(cluster)
    said = StartEstimate.objects.filter(job__job_id=996, milestone_minutes__isnull=False)
    waits = {e.milestone_minutes: (e.snapshot_at - submit_at) / timedelta(minutes=1) for e in said}
    assert waits == {0: 1, 10: 11, 60: 61}


def test_whoever_came_later_to_a_partition_expects_a_queue(cluster: Cluster) -> None:
    issue(cluster)
    said = StartEstimate.objects.filter(partition="highmem")
    order = said.exclude(reason_class="F").order_by("submit_at", "job__job_id")
    expects = list(order.values_list("expects_queue", flat=True))
    assert expects[0] is False
    assert len(expects) > 1 and all(expects[1:])
    assert said_of(794).submit_at < said_of(996).submit_at < said_of(1072).submit_at
    assert not said_of(996).expects_queue  # 794 is held: it is in nobody's way
    assert said_of(1072).expects_queue


def test_an_attempt_not_known_here_gets_no_estimate(cluster: Cluster) -> None:
    job = Job.objects.get(job_id=996)
    job.attempts.update(submit_at=TAKEN_AT - 9 * HOUR)
    issue(cluster)
    assert not StartEstimate.objects.filter(job=job).exists()


def test_a_replay_knows_only_what_had_been_answered_by_then(cluster: Cluster) -> None:
    at = TAKEN_AT + timedelta(minutes=1)
    store_polls(cluster, later=HOUR)
    made = issue(cluster, as_of=at)
    assert (made.issued_at, made.forecast.snapshot_at) == (at, TAKEN_AT)
    assert made.known.ages_s(made.issued_at)["squeue"] == 60
    estimate = said_of(996)
    assert (estimate.is_replayed, estimate.is_newest, estimate.issued_at) == (True, False, at)
    live = issue(cluster)
    assert live.forecast.snapshot_at == TAKEN_AT + HOUR
    assert live.issued_at <= timezone.now()


def test_without_a_queue_there_is_nothing_to_issue() -> None:
    with pytest.raises(SlurmUnavailable, match="squeue"):
        issue(make_cluster())
