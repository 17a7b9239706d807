"""What attempts used: asked once after the end, of jobs that runs follow, and kept by attempt."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.factories import make_cluster, make_experiment
from tests.tracker.fake_slurm import FakeSlurm
from tracker import ingest, polling
from tracker.models import Actor, Attempt, AttemptUsage, Cluster, Poll, Run
from tracker.recording import create_run
from tracker.slurm.records import AccountedJob, Tres
from tracker.slurm.usage import JobUsage

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)


def at(minute: float) -> datetime:
    return NOW + timedelta(minutes=minute)


def told(state: str, submit: float, end: float | None, job_id: int = 828) -> AccountedJob:
    return AccountedJob(
        job_id=job_id,
        state=state,
        user="alice",
        name="train",
        exit_code=0,
        submit_at=at(submit),
        start_at=at(submit + 1),
        end_at=None if end is None else at(end),
    )


def used(submit: float, job_id: int = 828, **fields: object) -> JobUsage:
    return JobUsage(
        job_id=job_id, submit_at=at(submit), elapsed_s=240, alloc_tres=Tres(cpus=4), **fields
    )


@pytest.fixture
def slurm(tmp_path: Path) -> FakeSlurm:
    return FakeSlurm(tmp_path)


@pytest.fixture
def cluster(slurm: FakeSlurm) -> Cluster:
    return make_cluster(location=str(slurm.folder))


@pytest.fixture
def run(people, cluster: Cluster) -> Run:
    """Of job 828, which was requeued once and has ended."""
    experiment = make_experiment(people.alice, cluster=cluster)
    ingest.record_queue(cluster, [], at(-1))
    rows = [told("NODE_FAIL", -20, -15), told("COMPLETED", -15, -5), told("COMPLETED", -20, -5, 7)]
    ingest.record_accounting(cluster, rows, NOW)
    return create_run(experiment, actor=Actor(people.alice), slurm_job_id=828)[0]


def usages() -> dict[int, AttemptUsage]:
    return {one.attempt.number: one for one in AttemptUsage.objects.select_related("attempt")}


def test_only_jobs_of_ended_runs_are_asked_for_and_only_once(run: Run, cluster: Cluster) -> None:
    assert run.status == "COMPLETED" and Attempt.objects.count() == 3
    assert ingest.ids_without_usage(cluster, NOW) == [828]
    ingest.record_usage(cluster, [used(-20, cpu_s=9.5), used(-15)], NOW, asked=[828])
    assert ingest.ids_without_usage(cluster, NOW) == []
    assert (usages()[0].cpu_s, usages()[1].cpu_s) == (9.5, None)


def test_what_is_told_twice_is_kept_once_and_the_last_word_counts(
    run: Run, cluster: Cluster
) -> None:
    for mib in (100, 200):
        ingest.record_usage(cluster, [used(-15, max_rss_mib=mib)], NOW, asked=[828])
    assert usages()[1].max_rss_mib == 200


def test_an_attempt_that_accounting_has_forgotten_is_not_asked_for_again(
    run: Run, cluster: Cluster
) -> None:
    assert ingest.record_usage(cluster, [], NOW, asked=[828]) == 2
    assert usages()[1].max_rss_mib is None
    assert ingest.ids_without_usage(cluster, NOW) == []


def test_a_run_that_ended_a_week_ago_is_left_alone(run: Run, cluster: Cluster) -> None:
    assert ingest.ids_without_usage(cluster, NOW + timedelta(days=8)) == []


def test_the_poll_of_accounting_asks_for_steps_by_id(
    run: Run, cluster: Cluster, slurm: FakeSlurm
) -> None:
    slurm.says("squeue", "")
    slurm.says("sacct", "")
    epoch = int(at(-15).timestamp())
    step = "828.batch\x1f828.batch\x1f{}\x1f240\x1fcpu=4\x1f00:08:00\x1f3G\x1fmem=3G\x1fmem=3G\n"
    slurm.says(
        "usage",
        f"828\x1f828\x1f{epoch}\x1f240\x1fcpu=4\x1f00:08:00\x1f\x1f\x1f\n{step.format(epoch + 1)}",
    )
    polling.poll(cluster, "accounting", force=True)
    assert usages()[1].max_rss_mib == 3072 and usages()[1].cpu_s == 480
    [asked] = [call for call in slurm.calls if "MaxRSS" in call]
    assert asked.endswith(" -j 828") and " -X " not in asked
    polling.poll(cluster, "accounting", force=True)
    assert len([call for call in slurm.calls if "MaxRSS" in call]) == 1
    assert Poll.objects.filter(command="usage", ok=True).count() == 1


def test_a_recording_is_never_asked_for_steps(people, run: Run, cluster: Cluster) -> None:
    cluster.transport, cluster.location = (
        "capture",
        str(Path(__file__).resolve().parents[1] / "data/slurm/22.05-capture"),
    )
    cluster.save()
    polling.poll(cluster, "accounting", force=True)
    assert not Poll.objects.filter(command="usage").exists()
