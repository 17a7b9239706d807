"""A recorded cluster into rows, once and again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_cluster, make_experiment
from tests.tracker.fake_slurm import CAPTURE
from tracker.ingest import record_accounting, record_configuration, record_queue
from tracker.models import (
    Association,
    Attempt,
    Cluster,
    Job,
    Node,
    Partition,
    Qos,
    Reservation,
    Run,
)
from tracker.slurm.capture import read_capture
from tracker.slurm.client import parse

pytestmark = pytest.mark.django_db
OUTPUTS = read_capture(CAPTURE).transport.outputs
QUEUE, ACCOUNTING = parse(OUTPUTS["squeue"]), parse(OUTPUTS["sacct"])
AT = OUTPUTS["squeue"].started_at


@pytest.fixture
def cluster() -> Cluster:
    cluster = make_cluster()
    record_queue(cluster, QUEUE, AT)
    record_accounting(cluster, ACCOUNTING, AT)
    record_queue(cluster, QUEUE, AT)
    return cluster


def test_the_queue_and_the_history_of_a_recorded_cluster_become_jobs(cluster: Cluster) -> None:
    jobs = Job.objects.filter(cluster=cluster)
    assert jobs.filter(in_queue=True, state="PENDING").count() == 204
    assert jobs.filter(in_queue=True, state="RUNNING").count() == 55
    assert not jobs.filter(in_queue=True, is_final=True).exists()
    assert jobs.filter(is_final=True, state="COMPLETED", exit_code=0).exists()
    assert not jobs.filter(is_final=False, in_queue=False).exists()


def test_the_same_polls_again_write_nothing_and_ask_little(cluster: Cluster) -> None:
    with CaptureQueriesContext(connection) as queries:
        record_queue(cluster, QUEUE, AT + timedelta(minutes=1))
        record_accounting(cluster, ACCOUNTING, AT + timedelta(minutes=1))
    said = [query["sql"].split()[0] for query in queries.captured_queries]
    assert not {"INSERT", "UPDATE", "DELETE"} & set(said)
    assert said.count("SELECT") <= 8


def test_five_thousand_jobs_that_did_not_change_cost_a_handful_of_queries(cluster: Cluster) -> None:
    template = next(row for row in QUEUE if row.state == "PENDING" and not row.array_tasks)
    many = [replace(template, job_id=100_000 + n) for n in range(5_000)]
    record_queue(cluster, many, AT)
    with CaptureQueriesContext(connection) as queries:
        counts = record_queue(cluster, many, AT + timedelta(seconds=30))
    assert (counts.created, counts.changed) == (0, 0)
    assert len(queries) <= 8


def test_a_requeued_job_waits_again_while_accounting_has_its_first_end(cluster: Cluster) -> None:
    job = Job.objects.get(cluster=cluster, job_id=957)
    assert (job.state, job.in_queue, job.is_final) == ("PENDING", True, False)
    assert job.start_at is None and job.end_at is None
    first, second = job.attempts.all()
    assert (first.state, first.number, first.accounted) == ("NODE_FAIL", 0, True)
    assert (second.state, second.number, second.accounted) == ("PENDING", 1, False)
    assert job.first_submit_at == first.submit_at < second.submit_at == job.submit_at


def test_array_tasks_split_off_have_ids_of_their_own_and_name_their_array(cluster: Cluster) -> None:
    rest = next(row for row in QUEUE if row.array_tasks)
    job = Job.objects.get(cluster=cluster, job_id=rest.job_id)
    assert job.array_tasks == list(rest.array_tasks)
    task = Job.objects.filter(cluster=cluster, array_task_id__isnull=False).first()
    assert task is not None
    assert task.shown_id == f"{task.array_job_id}_{task.array_task_id}"


def test_slurms_own_estimate_is_kept_with_the_time_it_was_read(cluster: Cluster) -> None:
    row = next(row for row in QUEUE if row.state == "PENDING" and row.start_at)
    later = AT + timedelta(minutes=1)
    record_queue(cluster, [replace(row, start_at=None)], later)
    job = Job.objects.get(cluster=cluster, job_id=row.job_id)
    assert (job.slurm_start_at, job.slurm_start_seen_at) == (row.start_at, AT)
    moved = row.start_at + timedelta(minutes=5)
    record_queue(cluster, [replace(row, start_at=moved)], later)
    job.refresh_from_db()
    assert (job.slurm_start_at, job.slurm_start_seen_at) == (moved, later)


def test_runs_created_before_the_first_poll_are_bound_and_follow(people) -> None:
    cluster = make_cluster()
    experiment = make_experiment(people.alice)
    running = next(row for row in QUEUE if row.state == "RUNNING")
    run = Run.objects.create(experiment=experiment, slurm_job_id=running.job_id)
    record_queue(cluster, QUEUE, AT)
    run.refresh_from_db()
    assert (run.cluster, run.status, run.started_at) == (cluster, "RUNNING", running.start_at)


def test_what_the_cluster_is_made_of_becomes_rows_and_a_repeat_changes_none() -> None:
    cluster = make_cluster()
    commands = ("config", "nodes", "partitions", "reservations", "qos", "assoc", "sshare")
    for command in commands:
        assert record_configuration(cluster, command, parse(OUTPUTS[command])) > 0
    for command in commands:
        assert record_configuration(cluster, command, parse(OUTPUTS[command])) == 0
    cluster.refresh_from_db()
    assert cluster.slurm_version == "22.05.8"
    gpu_node = Node.objects.get(cluster=cluster, name="gpu01")
    assert sum(gpu_node.gpus.values()) == 4
    assert Partition.objects.filter(cluster=cluster, is_default=True).count() == 1
    assert Reservation.objects.filter(cluster=cluster).count() == 2
    assert Qos.objects.get(cluster=cluster, name="high").limits["MaxTRESPU"] == "cpu=96,gres/gpu=8"
    shares = Association.objects.filter(cluster=cluster, fair_share__isnull=False)
    assert shares.exists() and shares.exclude(user="").exists()


def test_what_a_poll_no_longer_tells_is_gone() -> None:
    cluster = make_cluster()
    nodes = parse(OUTPUTS["nodes"])
    record_configuration(cluster, "nodes", nodes)
    assert record_configuration(cluster, "nodes", nodes[1:]) == 1
    assert not Node.objects.filter(cluster=cluster, name=nodes[0].name).exists()


def test_privacy_that_staff_have_set_outlives_a_laxer_slurm() -> None:
    cluster = make_cluster(private_data=["jobs"])
    record_configuration(cluster, "config", parse(OUTPUTS["config"]))
    cluster.refresh_from_db()
    assert cluster.hides_jobs


def test_every_attempt_of_every_job_has_its_own_number(cluster: Cluster) -> None:
    pairs = Attempt.objects.filter(job__cluster=cluster).values_list("job_id", "number")
    assert len(pairs) == len(set(pairs)) > 0
