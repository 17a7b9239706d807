"""The planning page: its states, its form, and what PrivateData keeps out of it."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from planner.asking import questions
from planner.models import Forecast, Question
from tests.factories import make_cluster, make_job
from tests.planner.plan_world import small_cluster
from tracker.models import Cluster, ClusterAccount, Job, Node, Partition, Poll
from tracker.recording import NewEstimate, publish_estimates

pytestmark = pytest.mark.django_db


def queue_read(cluster: Cluster, age=timedelta(seconds=20)) -> None:
    started_at = timezone.now() - age
    Poll.objects.create(
        cluster=cluster, command="squeue", started_at=started_at, seconds=0.1, ok=True, raw=b""
    )


def forecast(cluster: Cluster, **fields: object) -> Forecast:
    now = timezone.now()
    defaults = {"state": "done", "requested_at": now, "finished_at": now, "snapshot_at": now}
    return Forecast.objects.create(cluster=cluster, **(defaults | fields))


def estimate(job: Job, **fields: object) -> None:
    now = timezone.now()
    fields = {"method": "plan"} | fields
    publish_estimates(now, [NewEstimate(job_id=job.pk, snapshot_at=now, **fields)])


@pytest.fixture
def cluster(people) -> Cluster:
    cluster = make_cluster()
    Partition.objects.create(cluster=cluster, name="gpu", state="UP", max_minutes=1440)
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice")
    queue_read(cluster)
    return cluster


@pytest.fixture
def small() -> Cluster:
    """The recorded cluster with a short queue: what can be asked about it is answered soon."""
    cluster = small_cluster()
    for name in ("cpu", "gpu"):
        Partition.objects.create(cluster=cluster, name=name, state="UP")
    size = {"cpus": 8, "cpus_alloc": 0, "mem_mib": 1024, "mem_alloc_mib": 0, "state": "IDLE"}
    Node.objects.create(cluster=cluster, name="gpu01", gpus={"a100": 4}, **size)
    return cluster


def page(client, user, url: str = "/plan?cluster=lab") -> str:
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_web_process_asks_without_loading_the_simulator() -> None:
    code = "import django; django.setup(); import planner.urls, sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "planner.asking.questions" in loaded
    assert not loaded & {"simpy", "planner.sim", "planner.sim.engine", "planner.advice"}


def test_without_a_cluster_the_page_says_what_is_missing(client, people) -> None:
    assert "No cluster yet" in page(client, people.mallory, "/plan")
    assert "/admin/tracker/cluster/add/" in page(client, people.staff, "/plan")


def test_before_the_first_poll_it_says_so_and_takes_no_question(client, people) -> None:
    make_cluster("new")
    html = page(client, people.mallory, "/plan?cluster=new&ask=1&cpus=2")
    assert "The first poll is under way" in html
    assert "has not been read yet" in html
    assert not Question.objects.exists()


def test_an_empty_queue_is_an_answer(client, people, cluster) -> None:
    assert "Nothing waits" in page(client, people.mallory)


def test_before_the_first_forecast_the_queue_stands_without_starts(client, people, cluster) -> None:
    make_job(cluster, 1)
    html = page(client, people.mallory)
    assert "1 job waits; the first forecast" in html and "no forecast yet" in html


def test_an_expected_start_is_shown_with_its_needs_and_slurms_own(client, people, cluster) -> None:
    job = make_job(
        cluster,
        7,
        node_count=2,
        cpus=16,
        mem_mib=65_536,
        gpus={"a100": 4},
        array_job_id=7,
        array_tasks=[3, 4],
    )
    start_at = timezone.now() + timedelta(hours=2)
    estimate(job, p50_at=start_at, slurm_start_at=start_at + timedelta(minutes=30))
    html = page(client, people.mallory)
    assert "7_[3-4]" in html
    assert "2 × 2 nodes, 16 CPUs, 4 a100, 64 GiB" in html
    assert "2 jobs wait; 2 are expected to start" in html  # both tasks of the array
    assert "+30 min" in html
    assert "data-predicted-start" in html and "time-line-figure" in html
    assert "spread-bar" not in html  # a plan knows no range
    assert "one plan in which every job runs to its time limit" in html


def test_ranges_are_drawn_on_one_axis_and_said_how_they_came_about(client, people, cluster) -> None:
    now = timezone.now()
    for job_id, hours in ((1, 1), (2, 6)):
        at = {f"p{level}_at": now + timedelta(hours=hours, minutes=level) for level in (10, 50, 90)}
        estimate(make_job(cluster, job_id), **at, method="ensemble", replicas=16)
    html = page(client, people.mallory)
    assert html.count('class="spread-bar"') == 2
    # 4 % after the last of them, and the page is asked for a little later.
    assert re.search(r"now to \+7 h 4[678] min", html)
    assert "16 simulated futures of the queue" in html
    assert '"8 starts in 10"' in html  # in the time line


def test_a_start_past_the_horizon_and_a_job_without_one_are_said(client, people, cluster) -> None:
    estimate(make_job(cluster, 1), later_than_horizon=("p50",), horizon_s=86_400)
    held = make_job(cluster, 2, reason="JobHeldUser")
    estimate(held, reason_class="F", why="Its user holds it. Release it.")
    html = page(client, people.mallory)
    assert "later than 1 d" in html
    assert "cannot be estimated" in html and "Its user holds it. Release it." in html
    assert "time-line-figure" not in html


def test_ones_own_next_start_is_the_first_sentence(client, people, cluster) -> None:
    for job_id, user, hours in ((1, "wanda", 1), (2, "alice", 2), (3, "alice", 3)):
        estimate(
            make_job(cluster, job_id, user=user), p50_at=timezone.now() + timedelta(hours=hours)
        )
    html = " ".join(page(client, people.alice).split())
    assert "Your job <strong>2</strong>: Starts about <strong><time" in html


def test_private_data_adds_others_up_and_names_none(client, people, cluster) -> None:
    for job_id, user in ((1, "alice"), (2, "wanda"), (3, "wanda")):
        job = make_job(cluster, job_id, user=user, cpus=4, gpus={"a100": 1}, name="secret")
        estimate(job, p50_at=timezone.now() + timedelta(hours=job_id))
    assert "wanda" in page(client, people.alice)
    cluster.private_data = ["jobs"]
    cluster.save()
    for reader in (people.alice, people.mallory):
        html = page(client, reader)
        assert "wanda" not in html and "secret" not in html
        assert "keeps jobs private" in html
    assert "2 a100" in page(client, people.alice)
    assert "wanda" in page(client, people.staff)


def test_a_queue_read_an_hour_ago_is_marked(client, people, cluster) -> None:
    Poll.objects.all().delete()
    queue_read(cluster, age=timedelta(hours=1))
    assert "what stands below is as of then" in page(client, people.mallory)


def test_a_failed_forecast_is_said_and_its_error_is_for_staff(client, people, cluster) -> None:
    estimate(make_job(cluster, 1), p50_at=timezone.now() + timedelta(hours=1))
    forecast(cluster, state="failed", error="KeyError: wanda's job")
    html = page(client, people.mallory)
    assert "failed" in html and "from the one before" in html
    assert "KeyError" not in html
    assert "KeyError" in page(client, people.staff)
    forecast(cluster)
    assert "failed" not in page(client, people.staff)


def test_the_form_keeps_what_was_typed_and_marks_what_is_wrong(client, people, cluster) -> None:
    html = page(client, people.alice, "/plan?cluster=lab&ask=1&mem=lots&time=2:00:00")
    assert "&#x27;lots&#x27; is not an amount of memory" in html
    assert 'value="2:00:00"' in html
    assert not Question.objects.exists()


def test_a_link_from_the_cluster_page_fills_the_form_and_asks_nothing(
    client, people, cluster
) -> None:
    html = page(client, people.alice, "/plan?cluster=lab&partition=gpu")
    assert 'value="gpu" id="plan-partition_0" checked' in html
    assert not Question.objects.exists()


def test_asking_and_reloading_is_one_question(client, people, cluster) -> None:
    url = "/plan?cluster=lab&ask=1&cpus=4"
    html = page(client, people.alice, url)
    page(client, people.alice, url)
    question = Question.objects.get()
    assert question.request["user"] == "alice"
    assert f'hx-get="/plan/questions/{question.pk}?seen=' in html


def test_the_answer_names_the_best_partition_and_the_command(client, people, small) -> None:
    ClusterAccount.objects.create(user=people.alice, cluster=small, unix_name="alice")
    url = "/plan?cluster=small&ask=1&gpus=2&gpu_type=a100&time=30"
    page(client, people.alice, url)
    question = Question.objects.get()
    questions.answer(question.pk)
    for html in (
        page(client, people.alice, url),
        page(client, people.alice, f"/plan/questions/{question.pk}"),
    ):
        assert "Submitted to <strong>gpu, QOS normal, a100</strong>" in html
        assert "--gpus=a100:2 --time=00:30:00 SCRIPT.sh" in html
        assert "Because it has no GPUs." in html
    assert Question.objects.count() == 1


def answered(people, cluster: Cluster, start: dict, **fields: object) -> str:
    """The address of a question whose answer has one option with this start."""
    whole = {
        **{"partition": "gpu", "allowed": True, "why_not": None, "limit_minutes": 60},
        **{"start": start, "finish": {"p10_s": None, "p50_s": 9000.0, "p90_s": 12_000.0}},
        **{"later_than_horizon": [], "p_within_10_min": None, "billing_units": 1.0},
        **{"sbatch_args": ["--gpus=1"], "reasons": []},
    } | fields
    answer = {"method": "ensemble", "replicas": 16, "horizon_s": 604_800, "best": 0}
    question = Question.objects.create(
        cluster=cluster,
        asked_by=people.alice,
        asked_at=timezone.now(),
        snapshot_at=timezone.now(),
        state="done",
        request={"user": "alice"},
        answer=answer | {"options": [whole]},
    )
    return f"/plan/questions/{question.pk}"


def text_of(html: str) -> str:
    return " ".join(strip_tags(html).split())


def test_an_answer_tells_range_chance_and_end(client, people, cluster) -> None:
    start = {"p10_s": 1200.0, "p50_s": 3600.0, "p90_s": 7200.0}
    html = page(client, people.alice, answered(people, cluster, start, p_within_10_min=0.0))
    text = text_of(html)
    assert "a wait of 1 h; nine times in ten by" in text
    assert "Under 6 % chance to start within ten minutes. It would end about" in text
    assert "From 16 simulated futures of the queue" in text and "7 d ahead" in text
    assert "8 in 10: 20 min to 2 h" in text
    assert 'class="spread-bar"' in html


def test_an_answer_that_may_lie_beyond_the_horizon_says_so(client, people, cluster) -> None:
    start = {"p10_s": 1200.0, "p50_s": 3600.0, "p90_s": None}
    url = answered(people, cluster, start, later_than_horizon=["p90"])
    text = text_of(page(client, people.alice, url))
    assert "at least one time in ten later than 7 d from now" in text
    assert "8 in 10: 20 min to over 7 d" in text


def test_pages_say_that_a_demo_cluster_is_simulated(client, people) -> None:
    demo = make_cluster("demo", is_demo=True, location="/demo/bin")
    for url in ("/", "/plan", "/clusters/demo"):
        assert "a simulated Slurm on this machine" in page(client, people.alice, url)
    Cluster.objects.filter(pk=demo.pk).update(is_demo=False)
    assert "a simulated Slurm" not in page(client, people.alice, "/plan")


def test_the_command_can_be_pasted_into_a_shell(client, people, cluster) -> None:
    start = {"p10_s": 0.0, "p50_s": 0.0, "p90_s": 0.0}
    url = answered(people, cluster, start, sbatch_args=["--constraint=cpu&avx512"])
    html = unescape(page(client, people.alice, url))
    assert "'--constraint=cpu&avx512' SCRIPT.sh" in html


def test_a_failed_question_shows_its_error_to_staff_only(client, people, cluster) -> None:
    for user in (people.alice, people.staff):
        client.force_login(user)
        client.get("/plan?cluster=lab&ask=1&cpus=4")
    Question.objects.update(state="failed", error="ParseError: wanda's line")
    mine, of_staff = Question.objects.order_by("asked_at")
    html = page(client, people.alice, f"/plan/questions/{mine.pk}")
    assert "could not be answered" in html and "wanda" not in html
    assert "wanda" in page(client, people.staff, f"/plan/questions/{of_staff.pk}")


def test_an_answer_that_the_page_has_already_is_not_sent_again(client, people, cluster) -> None:
    start = {"p10_s": 1200.0, "p50_s": 3600.0, "p90_s": 7200.0}
    client.force_login(people.alice)
    url = answered(people, cluster, start)
    seen = client.get(url).context["answer_seen"]
    assert client.get(f"{url}?seen={seen}").status_code == 204
    Question.objects.update(answer=Question.objects.get().answer | {"replicas": 32})
    assert client.get(f"{url}?seen={seen}").status_code == 200


def test_anothers_question_is_not_there(client, people, cluster) -> None:
    page(client, people.alice, "/plan?cluster=lab&ask=1&cpus=4")
    client.force_login(people.staff)
    assert client.get(f"/plan/questions/{Question.objects.get().pk}").status_code == 404


def test_the_queue_is_sent_again_only_when_there_is_something_new(client, people, cluster) -> None:
    client.force_login(people.alice)
    job = make_job(cluster, 1)
    seen = client.get("/plan?cluster=lab").context["seen"]
    assert client.get(f"/plan/lab/queue?seen={seen}").status_code == 204
    estimate(job, p50_at=timezone.now() + timedelta(hours=1))
    fresh = client.get(f"/plan/lab/queue?seen={seen}")
    assert fresh.status_code == 200
    assert 'id="headline"' in fresh.content.decode()  # swapped along with the queue


def test_the_number_of_queries_does_not_grow_with_the_queue(
    client, people, cluster, django_assert_max_num_queries
) -> None:
    for job_id in range(40):
        estimate(make_job(cluster, job_id + 1), p50_at=timezone.now() + timedelta(hours=1))
    client.force_login(people.alice)
    with django_assert_max_num_queries(24):
        client.get("/plan?cluster=lab")
