"""The log of a run over the API: whose file it is, and who may read it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from tests.factories import NOW, make_cluster, make_experiment, make_job
from tests.tracker.callers import by_session, by_token
from tracker.models import Cluster, ClusterAccount, Job, Run

pytestmark = pytest.mark.django_db
ME = pwd.getpwuid(os.geteuid()).pw_name  # whose files the test can make


@pytest.fixture
def cluster(people, tmp_path: Path) -> Cluster:
    (tmp_path / "work").mkdir()
    cluster = make_cluster(log_roots=[str(tmp_path)])
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name=ME)
    return cluster


@pytest.fixture
def job(cluster: Cluster, tmp_path: Path) -> Job:
    return make_job(
        cluster, 828, user=ME, state="RUNNING", start_at=NOW, work_dir=str(tmp_path / "work"),
        node_list="gpu[03-04]",
    )  # fmt: skip


@pytest.fixture
def run(people, cluster, job) -> Run:
    return Run.objects.create(
        experiment=make_experiment(people.alice),
        cluster=cluster,
        job=job,
        slurm_job_id=828,
        status="RUNNING",
        config_sha256="",
        created_by=people.alice,
    )


def write(tmp_path: Path, text: str, name: str = "slurm-828.out") -> Path:
    path = tmp_path / "work" / name
    path.write_text(text)
    return path


def get(user, run: Run, query: str = "", what: str = "log"):
    return by_session(user).get(f"/api/v1/runs/{run.pk}/{what}{query}")


def test_its_end_comes_first_and_then_what_follows(people, run, tmp_path):
    path = write(tmp_path, "first\n")
    piece = get(people.alice, run).json()
    assert (piece["text"], piece["start"], piece["end"]) == ("first\n", 0, 6)
    with path.open("a") as file:
        file.write("second\n")
    assert get(people.alice, run, "?start=6").json()["text"] == "second\n"
    assert get(people.alice, run, "?before=6").json()["text"] == "first\n"


def test_it_is_searched(people, run, tmp_path):
    write(tmp_path, "epoch 1\nTraceback\nepoch 2\n")
    found = get(people.alice, run, "?q=traceback&ignore_case=true", "log/search").json()
    assert found["hits"] == [{"offset": 8, "line": "Traceback"}]
    assert found["next_start"] is None


def test_a_pattern_that_slurm_told_is_filled(people, run, job, tmp_path):
    write(tmp_path, "err", "train-gpu03-828.err")
    Job.objects.update(name="train", std_err="%x-%N-%j.err")
    assert get(people.alice, run, "?stream=err").json()["text"] == "err"


def test_members_of_the_experiment_read_it_too(people, run, tmp_path):
    write(tmp_path, "text")
    assert get(people.rita, run).status_code == 200
    assert get(people.mallory, run).status_code == 404
    assert by_token(people.alice, "read").get(f"/api/v1/runs/{run.pk}/log").status_code == 200


def test_a_run_that_names_another_users_job_shows_nothing_of_it(people, cluster, run, tmp_path):
    """Anybody may create a run with any job id; that makes nobody's file theirs."""
    write(tmp_path, "secret")
    theirs = make_experiment(people.mallory, shared=False)
    Run.objects.filter(pk=run.pk).update(experiment=theirs, created_by=people.mallory)
    answer = get(people.mallory, run)
    assert answer.status_code == 403
    assert "only" in answer.json()["detail"]
    assert b"secret" not in answer.content


def test_where_jobs_are_private_only_their_user_reads_it(people, cluster, run, tmp_path):
    write(tmp_path, "text")
    Cluster.objects.update(private_data=["jobs"])
    assert get(people.alice, run).status_code == 200
    assert get(people.bob, run).status_code == 403


@pytest.mark.parametrize(
    ("pattern", "status", "told"),
    [
        ("absent.out", 404, "is not there"),
        ("/etc/passwd", 403, "outside"),
        ("../../../../etc/passwd", 403, "outside"),
        ("/dev/null", 403, "throws this away"),
        ("link.out", 403, "symbolic link"),
    ],
)
def test_what_is_not_shown_says_why(run, tmp_path, pattern, status, told):
    (tmp_path / "work/link.out").symlink_to("/etc/passwd")
    Job.objects.update(std_out=pattern)
    answer = get(run.created_by, run)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_not_shown(people, run, tmp_path):
    os.chown(write(tmp_path, "secret"), 65534, 65534)
    answer = get(people.alice, run)
    assert answer.status_code == 403
    assert "belongs to uid 65534" in answer.json()["detail"]


def test_before_the_job_has_started_there_is_none(people, run, job):
    Job.objects.update(start_at=None)
    answer = get(people.alice, run)
    assert (answer.status_code, "not started" in answer.json()["detail"]) == (404, True)


def test_a_user_that_this_host_does_not_know_is_told(people, cluster, run, tmp_path):
    Job.objects.update(user="nobody-here")
    ClusterAccount.objects.update(unix_name="nobody-here")
    assert "does not know the user" in get(people.alice, run).json()["detail"]


@pytest.mark.parametrize("query", ["?start=-1", "?stream=both", "?before=x"])
def test_nonsense_is_a_400(people, run, tmp_path, query):
    write(tmp_path, "text")
    assert get(people.alice, run, query).status_code == 400


def test_as_text_it_is_its_end_for_browsers_without_a_script(people, run, tmp_path):
    write(tmp_path, "<b>text</b>")
    answer = get(people.alice, run, "?as=text")
    assert answer.content == b"<b>text</b>"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_services_own_files_are_no_logs(people, cluster, run, tmp_path, settings):
    settings.DATA_DIR = tmp_path.resolve()
    write(tmp_path, "the secret key")
    answer = get(people.alice, run)
    assert (answer.status_code, "a file of this service" in answer.text) == (403, True)
