"""The cluster page: numbers by hand, every empty state, and no name that PrivateData hides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_cluster, make_experiment, make_job
from tracker.models import Cluster, ClusterAccount, Node, Partition, Poll, Reservation, Run
from tracker.recording import NewEstimate, publish_estimates

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(people) -> Cluster:
    """Partition gpu: two nodes of 4 a100, one drained; partition cpu: one node."""
    cluster = make_cluster()
    for name in ("cpu", "gpu"):
        Partition.objects.create(cluster=cluster, name=name, state="UP", max_minutes=1440)
    size = {"cpus": 32, "mem_mib": 131_072, "mem_alloc_mib": 0}
    gpus = {"gpus": {"a100": 4}, "partitions": ["gpu"]}
    for fields in (
        {"name": "gpu1", "state": "MIXED", "cpus_alloc": 8, "gpus_alloc": {"a100": 1}, **gpus},
        {"name": "gpu2", "state": "MIXED+DRAIN", "cpus_alloc": 8, "usable": False, **gpus}
        | {"gpus_alloc": {"a100": 2}, "reason": "fan broken"},
        {"name": "cpu1", "state": "IDLE", "cpus_alloc": 0, "partitions": ["cpu"]},
    ):
        Node.objects.create(cluster=cluster, **size, **fields)
    for command in ("squeue", "nodes", "sacct", "partitions"):
        poll(cluster, command)
    return cluster


def poll(cluster: Cluster, command: str, *, age=timedelta(seconds=20), **fields: object) -> Poll:
    defaults = {"seconds": 0.1, "rc": 0, "ok": True, "raw": b""}
    started_at = timezone.now() - age
    return Poll.objects.create(
        cluster=cluster, command=command, started_at=started_at, **(defaults | fields)
    )


def page(client, user, cluster: Cluster, **headers: str) -> str:
    client.force_login(user)
    response = client.get(f"/clusters/{cluster.name}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_devices_are_in_use_free_or_out_of_service(client, people, cluster) -> None:
    html = page(client, people.mallory, cluster)
    assert "3 of 8 a100 GPUs in use, 3 free, 2 out of service" in html
    assert "0 of 32 CPUs in use, 32 free" in html


def test_a_node_tells_on_focus_what_it_does_and_why_it_is_out(client, people, cluster) -> None:
    html = page(client, people.mallory, cluster)
    assert (
        "mixed, drain: 8 of 32 CPUs and 0 of 128 GiB in use, 2 of 4 GPUs (4 a100): fan broken"
    ) in html


def test_the_session_line_takes_one_gpu_with_its_share_of_the_node(client, people, cluster) -> None:
    html = page(client, people.mallory, cluster)
    assert (
        "srun --partition=gpu --gres=gpu:a100:1 --cpus-per-task=8 --mem=32G --time=60 --pty bash -i"
    ) in html
    assert "srun --partition=cpu --cpus-per-task=1 --mem=4G --time=60 --pty bash -i" in html


def test_reasons_are_grouped_in_plain_words_and_arrays_count_their_tasks(
    client, people, cluster
) -> None:
    make_job(cluster, 1, reason="Priority", array_job_id=1, array_tasks=[0, 1, 2])
    make_job(cluster, 2, reason="Priority", partition="gpu,cpu")
    make_job(cluster, 3, reason="ReqNodeNotAvail, UnavailableNodes:gpu2")
    client.force_login(people.mallory)
    context = client.get("/clusters/lab").context
    groups = {group.code: group for group in context["reasons"]}
    assert list(groups) == ["Priority", "ReqNodeNotAvail"]
    assert groups["Priority"].jobs == 4
    assert groups["Priority"].partitions == [("gpu", 4), ("cpu", 1)]
    assert context["waiting_jobs"] == 5
    assert "higher priority" in groups["Priority"].explanation.why


def test_the_median_wait_is_of_jobs_that_started_within_a_day(client, people, cluster) -> None:
    now = timezone.now()
    for job_id, wait_s, age in ((1, 60, 1), (2, 180, 2), (3, 9000, 30)):
        start_at = now - timedelta(hours=age)
        make_job(
            cluster,
            job_id,
            state="COMPLETED",
            in_queue=False,
            submit_at=start_at - timedelta(seconds=wait_s),
            start_at=start_at,
        )
    html = page(client, people.mallory, cluster)
    assert "2 min (last 24 h)" in html
    assert "no starts (last 24 h)" in html  # of partition cpu


def test_private_data_counts_others_and_names_none(client, people, cluster) -> None:
    make_job(cluster, 1, user="wanda", reason="Priority", name="secret-project")
    assert "wanda (1)" in page(client, people.mallory, cluster)
    cluster.private_data = ["jobs"]
    cluster.save()
    html = page(client, people.mallory, cluster)
    assert "wanda" not in html and "secret-project" not in html
    assert "higher priority" in html  # the aggregate stays
    assert "wanda (1)" in page(client, people.staff, cluster)


def test_private_nodes_and_reservations_are_for_staff_and_the_sums_for_all(
    client, people, cluster
) -> None:
    cluster.private_data = ["nodes", "reservations"]
    cluster.save()
    soon = timezone.now() + timedelta(hours=1)
    Reservation.objects.create(
        cluster=cluster, name="secret-window", start_at=soon, end_at=soon, state="INACTIVE"
    )
    node = cluster.node_set.first().name
    assert f'id="node-{node}"' in page(client, people.staff, cluster)
    seen = page(client, people.alice, cluster)
    assert f'id="node-{node}"' not in seen and "secret-window" not in seen
    assert "Free" in seen and "first poll" not in seen


def test_own_jobs_show_with_their_estimate_and_the_runs_one_may_see(
    client, people, cluster
) -> None:
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice7")
    job = make_job(cluster, 828, user="alice7", reason="Resources", name="mine")
    mine = make_experiment(people.alice)
    foreign = make_experiment(people.mallory, shared=False)
    seen, hidden = (
        Run.objects.create(experiment=experiment, config_sha256="0" * 64, job=job)
        for experiment in (mine, foreign)
    )
    now = timezone.now()
    publish_estimates(
        now,
        [
            NewEstimate(
                job_id=job.pk,
                snapshot_at=now,
                p50_at=now + timedelta(hours=3),
                horizon_s=86_400,
                replicas=1,
                method="plan",
            )
        ],
    )
    html = page(client, people.alice, cluster)
    assert "It is next in line" in html and "about <time" in html
    assert f"/runs/{seen.pk}" in html and f"/runs/{hidden.pk}" not in html


def test_a_reader_without_an_account_is_told_who_can_add_it(client, people, cluster) -> None:
    assert "Ask the staff" in page(client, people.mallory, cluster)
    assert "/admin/tracker/clusteraccount/add/" in page(client, people.staff, cluster)


def test_before_the_first_poll_the_page_says_so(client, people) -> None:
    html = page(client, people.mallory, make_cluster("new"))
    assert "The first poll is under way" in html and "no queue yet" in html


def test_a_cluster_paused_before_its_first_poll_promises_none(client, people) -> None:
    html = page(client, people.mallory, make_cluster("new", polling_paused=True))
    assert "Not polled yet" in html and "under way" not in html


def test_a_queue_that_was_never_read_is_not_called_empty(client, people, cluster) -> None:
    assert "Nothing waits" in page(client, people.mallory, cluster)
    Poll.objects.filter(command="squeue").delete()
    html = page(client, people.mallory, cluster)
    assert "The queue has not been read yet" in html and "Nothing waits" not in html
    assert "<dt>Waiting</dt><dd>–</dd>" in html


def test_data_an_hour_old_is_marked_and_a_failure_is_told_to_staff_only(
    client, people, cluster
) -> None:
    Poll.objects.all().delete()
    poll(cluster, "squeue", age=timedelta(hours=1))
    poll(cluster, "squeue", ok=False, rc=1, error="slurm_load_jobs error: job of wanda")
    html = page(client, people.mallory, cluster)
    assert "too old to trust" in html and "last try failed" in html
    assert "wanda" not in html
    assert "job of wanda" in page(client, people.staff, cluster)


def test_a_pause_is_said(client, people, cluster) -> None:
    cluster.polling_paused = True
    cluster.save()
    assert "Staff have paused polling" in page(client, people.mallory, cluster)


def test_a_maintenance_to_come_is_shown_and_a_past_one_is_not(client, people, cluster) -> None:
    now = timezone.now()
    for name, hours in (("maint_soon", 2), ("maint_past", -5)):
        Reservation.objects.create(
            cluster=cluster,
            name=name,
            start_at=now + timedelta(hours=hours),
            end_at=now + timedelta(hours=hours + 1),
            flags=["MAINT"],
            node_list="gpu[1-2]",
        )
    html = page(client, people.mallory, cluster)
    assert "maint_soon" in html and "maintenance" in html
    assert "maint_past" not in html


def test_a_hidden_partition_is_for_staff(client, people, cluster) -> None:
    Partition.objects.create(cluster=cluster, name="backstage", state="UP", hidden=True)
    assert "backstage" not in page(client, people.mallory, cluster)
    assert "backstage" in page(client, people.staff, cluster)


def test_the_part_that_refreshes_comes_alone_to_htmx(client, people, cluster) -> None:
    html = page(client, people.mallory, cluster, hx_request="true")
    assert "a100 GPUs in use" in html
    assert "<html" not in html


def test_odd_names_are_shown_as_text(client, people, cluster) -> None:
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice7")
    make_job(cluster, 1, user="alice7", name="<script>alert('x')\n</script>")
    assert "<script>alert" not in page(client, people.alice, cluster)


def test_the_number_of_queries_does_not_grow_with_the_cluster(
    client, people, cluster, django_assert_max_num_queries
) -> None:
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice7")
    for number in range(30):
        make_job(cluster, number + 1, user="alice7")
        Partition.objects.create(cluster=cluster, name=f"p{number}", state="UP")
        Node.objects.create(
            cluster=cluster,
            name=f"n{number}",
            state="IDLE",
            cpus=8,
            cpus_alloc=0,
            mem_mib=1024,
            mem_alloc_mib=0,
            partitions=["gpu", f"p{number}"],
        )
    client.force_login(people.alice)
    with django_assert_max_num_queries(26):
        client.get("/clusters/lab")


def test_one_cluster_is_shown_at_once_and_several_are_listed(client, people, cluster) -> None:
    client.force_login(people.mallory)
    assert client.get("/clusters").url == "/clusters/lab"
    make_cluster("other")
    html = client.get("/clusters").content.decode()
    assert "/clusters/lab" in html and "/clusters/other" in html


def test_without_a_cluster_the_list_tells_what_to_do(client, people) -> None:
    client.force_login(people.staff)
    assert "/admin/tracker/cluster/add/" in client.get("/clusters").content.decode()


def test_strangers_sign_in_first_and_unknown_clusters_are_404(client, people, cluster) -> None:
    assert client.get("/clusters/lab").url == "/signin?next=/clusters/lab"
    client.force_login(people.mallory)
    assert client.get("/clusters/nowhere").status_code == 404
