"""Asked against used on the pages of a run and of its experiment, and the way to the plan."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils.html import strip_tags

from tests.factories import NOW, make_cluster, make_experiment, make_job
from tracker.models import Actor, Attempt, AttemptUsage, ClusterAccount, Job, Run
from tracker.recording import bind_runs, create_run

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
GIB = 1024


@pytest.fixture
def experiment(people):
    return make_experiment(people.alice, cluster=make_cluster())


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


def ended(experiment, people, job_id: int = 828, state: str = "COMPLETED", **usage: object) -> Run:
    """A run of a job that asked for 64 GiB, 8 CPUs and 2 GPUs for 10 h and ran one."""
    job = make_job(
        experiment.cluster, job_id, state=state, is_final=True, in_queue=False, account="vision",
        node_count=1, ntasks=2, cpus=8, mem_mib=64 * GIB, gpus={"a100": 2}, limit_minutes=600,
        start_at=NOW + HOUR, end_at=NOW + 2 * HOUR,
    )  # fmt: skip
    job.attempts.update(
        start_at=job.start_at, end_at=job.end_at, accounted=True, alloc_tres={"cpus": 8}
    )
    run, _ = create_run(experiment, actor=Actor(people.alice), slurm_job_id=job_id)
    bind_runs(job)
    if usage:
        AttemptUsage.objects.create(attempt=job.attempts.get(), read_at=NOW, **usage)
    run.refresh_from_db()
    return run


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(strip_tags(answer.text).split())


def plan_link(html: str) -> dict[str, list[str]]:
    href = html.partition('href="/plan?cluster')[2].partition('"')[0].replace("&amp;", "&")
    return parse_qs(urlsplit(f"/plan?cluster{href}").query)


def test_the_page_of_a_run_holds_what_it_used_against_what_it_asked_for(
    alice, people, experiment
) -> None:
    run = ended(experiment, people, cpu_s=6 * 3600.0, max_rss_mib=10 * GIB, gpu_util_percent=97)
    answer = alice.get(f"/runs/{run.pk}")
    text = text_of(answer)
    assert "Time 10 h 1 h 10 %" in text
    assert "CPUs 8 6.0 busy on average 75 %" in text
    assert "Memory 64 GiB 10 GiB at its peak 16 %" in text
    assert "GPUs 2 highest sample 97 % 97 %" in text
    assert "Next time ask for --mem=12G, --time=01:10:00." in text
    assert "By 1 completed job of this experiment" in text
    assert plan_link(answer.text) == {
        "cluster": ["lab"], "ask": ["1"], "partition": ["gpu"], "nodes": ["1"], "ntasks": ["2"],
        "cpus": ["4"], "mem": ["12288M"], "gpus": ["2"], "gpu_type": ["a100"],
        "time": ["01:10:00"],
    }  # fmt: skip


def test_the_plan_of_ones_own_job_names_its_account(alice, people, experiment) -> None:
    ClusterAccount.objects.create(user=people.alice, cluster=experiment.cluster, unix_name="alice")
    run = ended(experiment, people, max_rss_mib=10 * GIB)
    assert plan_link(alice.get(f"/runs/{run.pk}").text)["account"] == ["vision"]


def test_all_jobs_of_the_same_size_count_and_no_others(alice, people, experiment) -> None:
    ended(experiment, people, 1, max_rss_mib=20 * GIB)
    other = ended(experiment, people, 2, max_rss_mib=40 * GIB)
    Job.objects.filter(pk=other.job_id).update(gpus={"a100": 4})
    run = ended(experiment, people, 3, max_rss_mib=10 * GIB)
    text = text_of(alice.get(f"/runs/{run.pk}"))
    assert "--mem=24G" in text and "By 2 completed jobs" in text


def test_out_of_memory_asks_for_more(alice, people, experiment) -> None:
    run = ended(experiment, people, state="OUT_OF_MEMORY", max_rss_mib=64 * GIB)
    text = text_of(alice.get(f"/runs/{run.pk}"))
    assert "It ran out of memory, with 64 GiB a node" in text and "--mem=96G" in text
    assert "By jobs that did not complete" in text


def test_runs_of_one_job_are_said_to_share_what_it_used(alice, people, experiment) -> None:
    run = ended(experiment, people, max_rss_mib=10 * GIB)
    assert "is shared by" not in text_of(alice.get(f"/runs/{run.pk}"))
    create_run(experiment, actor=Actor(people.alice), slurm_job_id=run.slurm_job_id, seed=2)
    assert "is shared by 2 runs" in text_of(alice.get(f"/runs/{run.pk}"))


def test_what_was_not_recorded_is_said(alice, people, experiment) -> None:
    run = ended(experiment, people)
    assert "are read from Slurm's accounting some minutes after the end" in text_of(
        alice.get(f"/runs/{run.pk}")
    )
    AttemptUsage.objects.create(attempt=Attempt.objects.get(), read_at=NOW)
    assert "Slurm recorded no memory and no CPU time" in text_of(alice.get(f"/runs/{run.pk}"))


def test_a_run_without_an_ended_job_has_no_such_part(alice, people, experiment) -> None:
    run, _ = create_run(experiment, actor=Actor(people.alice))
    assert "Asked against used" not in text_of(alice.get(f"/runs/{run.pk}"))


def test_where_jobs_are_private_anothers_use_is_hidden(client, people, experiment) -> None:
    run = ended(experiment, people, max_rss_mib=10 * GIB)
    experiment.cluster.private_data = ["jobs"]
    experiment.cluster.save()
    client.force_login(people.bob)
    for url in (f"/runs/{run.pk}", f"/experiments/{experiment.pk}"):
        text = text_of(client.get(url))
        assert "Asked against used" not in text and "--mem=" not in text


def test_the_experiment_says_in_a_line_what_to_ask_for_next(alice, people, experiment) -> None:
    assert "Next time" not in text_of(alice.get(f"/experiments/{experiment.pk}"))
    ended(experiment, people, max_rss_mib=10 * GIB)
    answer = alice.get(f"/experiments/{experiment.pk}")
    assert "Next time: --mem=12G, --time=01:10:00, by 1 completed job." in text_of(answer)
    assert plan_link(answer.text.partition("Next time")[2])["mem"] == ["12288M"]


def test_the_api_tells_the_same(alice, people, experiment) -> None:
    run = ended(experiment, people, cpu_s=6 * 3600.0, max_rss_mib=10 * GIB)
    told = alice.get(f"/api/v1/runs/{run.pk}/usage").json()
    assert told["attempt"] == 0
    assert told["spent"]["max_rss_mib"] == 10 * GIB and told["spent"]["gpu_util_percent"] is None
    assert told["next"]["mem_mib_per_node"] == 12 * GIB and told["next"]["limit_minutes"] == 70
    assert told["next"]["completed"] == 1 and len(told["next"]["sentences"]) == 3
    other, _ = create_run(experiment, actor=Actor(people.alice))
    refused = alice.get(f"/api/v1/runs/{other.pk}/usage")
    assert refused.status_code == 404 and "no job that has run" in refused.json()["detail"]
