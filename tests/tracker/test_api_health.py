"""healthz, readyz and the metrics for Prometheus."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import NOW, make_cluster, make_experiment, make_job
from tests.tracker.callers import anonymous, by_token
from tracker import recording
from tracker.models import Actor, Cluster, Poll

AGO = timedelta(seconds=30)


def poll(cluster: Cluster, age: timedelta = AGO, *, ok: bool = True) -> None:
    at = timezone.now() - age
    Poll.objects.create(
        cluster=cluster, command="squeue", started_at=at, seconds=0.1, ok=ok, raw=b""
    )


def test_healthz_asks_no_database():
    # Without the database mark any query fails this test.
    assert anonymous().get("/healthz").content == b"ok\n"


@pytest.mark.django_db
def test_a_fresh_service_without_clusters_is_ready():
    assert anonymous().get("/readyz").json() == {"ready": True, "database": "ok", "clusters": {}}


@pytest.mark.django_db
def test_a_cluster_that_was_not_heard_of_for_long_is_late():
    lab = make_cluster()
    assert anonymous().get("/readyz").status_code == 503
    poll(lab, timedelta(hours=1))
    poll(lab, ok=False)
    answer = anonymous().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["clusters"]["lab"]["late"]
    poll(lab)
    answer = anonymous().get("/readyz")
    assert answer.status_code == 200
    assert 30 <= answer.json()["clusters"]["lab"]["last_good_poll_age_s"] < 600


@pytest.mark.django_db
def test_a_paused_cluster_is_not_late():
    make_cluster(polling_paused=True)
    assert anonymous().get("/readyz").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("scope", ["read", "user"])
def test_prometheus_reads_ages_queues_and_open_runs_with_a_token_of_staff(people, scope):
    lab = make_cluster()
    poll(lab)
    job = make_job(lab)
    recording.create_run(
        make_experiment(people.alice), actor=Actor(people.alice), slurm_job_id=job.job_id
    )
    estimate = recording.NewEstimate(job_id=job.pk, snapshot_at=NOW)
    recording.publish_estimates(timezone.now() - AGO, [estimate])
    answer = by_token(people.staff, scope).get("/metrics")
    lines = dict(
        line.rsplit(" ", 1) for line in answer.content.decode().splitlines() if line[0] != "#"
    )
    assert float(lines['queuecast_poll_age_seconds{cluster="lab",command="squeue"}']) >= 30
    assert float(lines['queuecast_forecast_age_seconds{cluster="lab"}']) >= 30
    assert lines['queuecast_queue_jobs{cluster="lab",state="PENDING"}'] == "1.0"
    assert lines['queuecast_open_runs{status="PENDING"}'] == "1.0"
    assert lines["queuecast_waiting_hints"] == "0.0"
