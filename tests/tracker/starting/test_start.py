"""Start: rows first, sbatch second, once."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from tests.tracker.starting.start import Wish, begin, nobody_rings
from tracker import recording, submission
from tracker.models import Actor, AuditEntry, Cluster, ClusterAccount, Experiment, Run, Token
from tracker.recording import ConflictError
from tracker.slurm.batch import BatchOptions

pytestmark = pytest.mark.django_db


def test_it_makes_the_run_and_gives_sbatch_the_script(experiment, cluster, slurm):
    started, is_new = begin(experiment, cluster, Wish(seeds=(7,), configs=({"lr": 0.1},)))
    run = Run.objects.get()
    started.refresh_from_db()
    assert is_new
    assert (run.status, run.slurm_job_id, run.seed, run.config) == ("PENDING", 828, 7, {"lr": 0.1})
    assert (started.state, started.slurm_job_id, started.tries) == ("sent", 828, 1)
    sent = (slurm.folder / "sbatch.stdin").read_text()
    assert sent == started.script
    assert "python train.py" in sent
    assert "#SBATCH --time=10" in sent or "#SBATCH --time=00:10:00" in sent
    assert f"--comment=queuecast:{run.pk}" in slurm.calls[-1]


def test_the_secret_reaches_the_job_by_its_environment_alone(experiment, cluster, slurm):
    started, _ = begin(experiment, cluster)
    environment = dict(
        line.split("=", 1)
        for line in (slurm.folder / "sbatch.env").read_text().splitlines()
        if "=" in line
    )
    secret = environment["TRACKER_API"].split("token:")[1].split("@")[0]
    token = Token.find(secret)
    assert token.submission == started
    assert environment["EXPERIMENT_ID"] == str(experiment.pk)
    assert "SECRET_KEY" not in environment
    kept = json.dumps([started.script, started.argv, started.request, slurm.calls])
    assert secret not in kept
    assert secret not in str(AuditEntry.objects.values_list("detail", flat=True))


def test_the_same_key_again_starts_nothing(experiment, cluster, slurm):
    first, _ = begin(experiment, cluster)
    again, is_new = begin(experiment, cluster)
    assert (again.pk, is_new) == (first.pk, False)
    assert len([call for call in slurm.calls if call.startswith("sbatch")]) == 1


def test_a_bell_that_rings_twice_sends_once(experiment, cluster, slurm):
    started, _ = begin(experiment, cluster)
    submission.send(started.pk)
    assert len([call for call in slurm.calls if call.startswith("sbatch")]) == 1


def test_a_refusal_fails_the_run_in_slurms_words(experiment, cluster, slurm):
    slurm.fails("sbatch", "sbatch: error: invalid partition specified: gpux")
    started, _ = begin(experiment, cluster)
    run = Run.objects.get()
    started.refresh_from_db()
    assert (run.status, run.reason, started.state) == ("FAILED", "Refused", "refused")
    assert "invalid partition specified: gpux" in run.message
    assert run.started_at is None
    assert not Token.objects.live(timezone.now()).filter(submission=started).exists()


def test_without_an_answer_it_stays_claimed(experiment, cluster, slurm):
    slurm.fails("sbatch", "sbatch: error: Unable to contact slurm controller (connect failure)")
    started, _ = begin(experiment, cluster)
    started.refresh_from_db()
    assert started.state == "claimed"
    assert "Unable to contact" in started.error
    assert Run.objects.get().status == "SUBMITTING"


def test_a_sweep_is_one_array_with_a_run_a_task(experiment, cluster, slurm):
    wish = Wish(seeds=(1, 2), configs=({"lr": 1}, {"lr": 2}), at_once=3)
    started, _ = begin(experiment, cluster, wish)
    runs = list(Run.objects.order_by("array_task_id"))
    assert [(run.seed, run.config["lr"], run.array_task_id) for run in runs] == [
        (1, 1, 0), (1, 2, 1), (2, 1, 2), (2, 2, 3),
    ]  # fmt: skip
    assert started.request["array"] == "0-3%3"
    assert {run.status for run in runs} == {"SUBMITTING"} or {r.status for r in runs} == {"PENDING"}
    assert all(run.pk in started.script for run in runs)
    assert all(run.slurm_job_id is None for run in Run.objects.all())


def test_an_experiments_own_array_makes_a_run_a_task(experiment, cluster):
    options = BatchOptions(array="3-5%2")
    started, _ = begin(experiment, cluster, Wish(options=options))
    assert sorted(started.runs.values_list("array_task_id", flat=True)) == [3, 4, 5]


def test_what_is_asked_at_the_start_wins_over_the_experiment_and_that_over_the_script(
    experiment, cluster
):
    recording.update_experiment(
        experiment,
        actor=Actor(experiment.owner),
        requests=[{"cluster": cluster, "partition": "gpu", "time_limit_minutes": 30, "nodes": 2}],
    )
    started, _ = begin(experiment, cluster, Wish(options=BatchOptions(partition="debug")))
    assert started.request["partition"] == "debug"
    assert started.request["time_limit_minutes"] == 30
    assert started.request["nodes"] == 2


def test_each_run_has_its_folder_and_the_site_its_lines(experiment, cluster, tmp_path):
    cluster.setup_lines = "module load cuda\nsource venv/bin/activate"
    cluster.run_folder = "experiments/exp-{experiment}"
    cluster.save()
    started, _ = begin(experiment, cluster, Wish(configs=({"lr": 0.1},)))
    assert f"experiments/exp-{experiment.pk:03}" in started.script
    folder = f"{started.request['chdir']}/experiments/exp-{experiment.pk:03}"
    assert started.runs.get().folder == folder
    assert "module load cuda\nsource venv/bin/activate" in started.script
    assert started.request["output"] == "jobs/%j.out"
    assert (tmp_path / "home/jobs").is_dir()


def test_tasks_of_a_sweep_do_not_share_a_folder(experiment, cluster):
    started, _ = begin(experiment, cluster, Wish(seeds=(1, 2)))
    assert "/task-0" in started.script
    assert "/task-1" in started.script


REFUSALS = [
    ({"batch_script": ""}, {}, "batch_script"),
    ({"batch_script": "echo"}, {}, "batch_script"),
    ({}, {"options": BatchOptions(partition="a b")}, "partition"),
    ({}, {"options": BatchOptions(array="1-3"), "seeds": (1, 2), "configs": ({}, {})}, "array"),
    ({}, {"seeds": tuple(range(1001))}, "seeds"),
    ({}, {"options": BatchOptions(job_name="x\n#SBATCH --uid=0")}, "job_name"),
]


@pytest.mark.parametrize(("fields", "wish", "blamed"), REFUSALS)
def test_what_cannot_be_sent_names_its_field_and_stores_nothing(
    experiment, cluster, fields, wish, blamed
):
    Experiment.objects.filter(pk=experiment.pk).update(**fields)
    experiment.refresh_from_db()
    with pytest.raises(ConflictError) as refused:
        begin(experiment, cluster, Wish(**wish))
    assert refused.value.field == blamed
    assert not Run.objects.exists()


def test_nobody_starts_as_somebody_else(experiment, cluster, people):
    ClusterAccount.objects.all().delete()
    with pytest.raises(ConflictError, match="ask staff to add your unix name"):
        begin(experiment, cluster)
    assert not Run.objects.exists()


@pytest.mark.parametrize("name", ["root", "slurm"])
def test_never_as_root(experiment, cluster, name, settings):
    settings.PUBLIC_URL = "http://queuecast.example.org"
    Cluster.objects.update(is_demo=False, submit_as="sudo")
    ClusterAccount.objects.update(unix_name=name)
    cluster.refresh_from_db()
    with pytest.raises(ConflictError, match=f"never submitted as {name}"):
        begin(experiment, cluster)


def test_a_real_cluster_is_not_told_a_loopback_address(experiment, cluster, settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    Cluster.objects.update(is_demo=False, submit_as="sudo")
    cluster.refresh_from_db()
    with pytest.raises(ConflictError, match="--public-url"):
        begin(experiment, cluster)


def test_a_cluster_that_is_only_read_takes_nothing(experiment, cluster):
    Cluster.objects.update(submit_as="")
    cluster.refresh_from_db()
    with pytest.raises(ConflictError, match="only read"):
        begin(experiment, cluster)


def test_starting_again_makes_a_new_run_of_the_same_seed_and_options(experiment, cluster):
    begin(experiment, cluster, Wish(seeds=(7,), options=BatchOptions(partition="debug")))
    first = Run.objects.get()
    again, _ = submission.start_again(
        first, actor=Actor(experiment.owner), key="k2", ring=nobody_rings
    )
    second = again.runs.get()
    assert (second.seed, second.pk != first.pk) == (7, True)
    assert again.request["partition"] == "debug"


def test_what_is_taken_back_in_time_is_never_sent(experiment, cluster, slurm):
    started, _ = begin(experiment, cluster, ring=nobody_rings)
    run = Run.objects.get()
    submission.ask_cancel(run, actor=Actor(experiment.owner), now=timezone.now(), ring=lambda: None)
    submission.send(started.pk)
    run.refresh_from_db()
    assert run.status == "CANCELLED"
    assert not [call for call in slurm.calls if call.startswith("sbatch")]
