from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from tests.factories import make_cluster, make_job
from tests.tracker.fake_slurm import FakeSlurm
from tracker import tasks
from tracker.models import Cluster, JobHint, Node, Poll, StartEstimate

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return make_cluster(location=str(FakeSlurm(tmp_path).folder))


@pytest.mark.parametrize(
    ("task", "commands"),
    [
        (tasks.poll_queue, {"squeue"}),
        (tasks.poll_nodes, {"sdiag", "nodes"}),
        (tasks.poll_accounting, {"sacct", "sshare", "sprio"}),
        (tasks.poll_configuration, {"config", "partitions", "reservations", "qos", "assoc"}),
    ],
)
def test_each_beat_asks_its_own_commands(cluster: Cluster, task, commands: set[str]) -> None:
    task()
    assert set(Poll.objects.filter(ok=True).values_list("command", flat=True)) == commands


def test_every_tracker_entry_of_the_schedule_is_a_task() -> None:
    names = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    ours = {name.rpartition(".")[2] for name in names if name.startswith("tracker.tasks.")}
    assert ours and all(callable(getattr(tasks, name)) for name in ours)


def test_a_paused_cluster_is_left_alone(cluster: Cluster) -> None:
    Cluster.objects.update(polling_paused=True)
    tasks.poll_queue()
    tasks.check_hinted_jobs()
    assert not Poll.objects.exists()


def test_a_broken_cluster_does_not_keep_the_next_one_waiting(cluster: Cluster) -> None:
    make_cluster("aaa-first", location="/nowhere")
    tasks.poll_nodes()
    assert Node.objects.filter(cluster=cluster).exists()
    assert Poll.objects.filter(cluster__name="aaa-first", ok=False).count() == 2


def test_checked_hints_and_old_polls_go_after_the_days_they_are_kept(cluster: Cluster) -> None:
    long_ago = timezone.now() - timedelta(days=settings.POLL_KEEP_DAYS + 1)
    JobHint.objects.create(job_id=1, received_at=long_ago, checked_at=long_ago)
    waiting = JobHint.objects.create(job_id=2, received_at=long_ago)
    Poll.objects.create(cluster=cluster, command="squeue", started_at=long_ago, seconds=0, ok=False)
    tasks.prune()
    assert list(JobHint.objects.all()) == [waiting]
    assert not Poll.objects.exists()


def test_estimates_of_the_record_are_kept_for_their_own_time(cluster: Cluster) -> None:
    job = make_job(cluster)
    ages = [timedelta(days=settings.ESTIMATE_KEEP_DAYS + days) for days in (2, 1, -1)]
    facts = {"horizon_s": 86_400, "replicas": 1, "method": "plan", "milestone_minutes": 0}
    for age, is_newest in zip(ages, (False, True, False), strict=True):
        at = timezone.now() - age
        StartEstimate.objects.create(
            job=job, issued_at=at, snapshot_at=at, is_newest=is_newest, **facts
        )
    tasks.prune()
    # the newest of a job that waits stays, however old
    assert sorted(StartEstimate.objects.values_list("is_newest", flat=True)) == [False, True]
