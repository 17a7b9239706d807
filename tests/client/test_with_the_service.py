"""The client's requests, answered by the service itself."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path

import pytest

from tests.client.node import Node
from tests.client.onefile import FILE
from tests.factories import make_cluster, make_experiment
from tracker.metrics.series import read_curve
from tracker.models import Cluster, Run, Submission, Token


@pytest.fixture
def experiment(people):
    return make_experiment(people.alice)


@pytest.fixture
def node(live_server, people, experiment, tmp_path: Path) -> Node:
    make_cluster()
    _, secret = Token.issue(user=people.alice, scope="run", experiment=experiment)
    address = live_server.url.replace("://", f"://token:{secret}@")
    return Node(tmp_path, {"TRACKER_API": address, "EXPERIMENT_ID": str(experiment.pk)})


def values_of(run: Run, name: str, **of: int) -> list[float]:
    return read_curve(run.series.get(name=name), **of).value.tolist()


def test_the_service_hands_out_the_file_that_these_tests_run(client):
    answer = client.get("/client/queuecast.py")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/x-python; charset=utf-8"
    assert answer.content == FILE.read_bytes()


def test_a_training_becomes_a_run_with_all_its_words(node: Node):
    ended = node.run(
        """
run = queuecast.init(config={"lr": 3e-4}, seed=1, name="first", tags={"data": "c4"})
for step in range(1_500): run.log({"loss": 1 / (step + 1), "grad": float("inf")}, step=step)
run.log_artifact("last.pt", kind="checkpoint")
assert run.flush(60)
run.finish()
print(run.id)
""",
        SLURM_JOB_ID="828",
    )
    assert ended.stderr == ""
    run = Run.objects.get()
    assert ended.stdout == f"{run.pk}\n"
    assert (run.slurm_job_id, run.seed, run.config) == (828, 1, {"lr": 3e-4})
    assert (run.status, run.exit_code) == ("COMPLETED", 0)
    assert values_of(run, "loss") == [1 / (step + 1) for step in range(1_500)]
    assert values_of(run, "grad") == [math.inf] * 1_500
    assert run.artifacts.get().path == str(node.home / "last.pt")
    assert run.name == "first"
    assert {tag.name: tag.value for tag in run.tags.all()} == {"data": "c4"}
    assert run.surroundings["host"]
    assert node.left() == []


def test_a_requeued_training_goes_on_with_its_run_whatever_its_configuration_says_now(node: Node):
    script = "queuecast.init(config={'from': '%s'}, seed=1)\nqueuecast.log({'loss': %d}, step=%d)"
    node.run(script % ("nothing", 5, 0), SLURM_JOB_ID="828")
    again = {"SLURM_JOB_ID": "828", "SLURM_RESTART_COUNT": "1"}
    assert node.run(script % ("checkpoint", 4, 1), **again).stderr == ""
    run = Run.objects.get()
    assert [values_of(run, "loss", attempt=attempt) for attempt in (0, 1)] == [[5], [4]]
    assert run.status == "RUNNING"


def test_each_task_of_a_started_sweep_logs_to_its_own_run(node: Node, people, experiment):
    sweep = Submission.objects.create(
        experiment=experiment, cluster=Cluster.objects.get(), request={}
    )
    _, secret = Token.issue(user=people.alice, scope="run", experiment=experiment, submission=sweep)
    made = [
        Run.objects.create(experiment=experiment, submission=sweep, array_task_id=task)
        for task in (0, 1)
    ]
    for task, run in enumerate(made):
        address = node.environ["TRACKER_API"].rpartition("@")[2]
        environ = {
            "TRACKER_API": f"http://{run.pk}:{secret}@{address}",
            "RUN_ID": run.pk,
            "SLURM_JOB_ID": str(829 - task),
        }
        script = f"queuecast.init(config={{'task': {task}}})\nqueuecast.log({{'loss': {task}}})"
        assert node.run(script, **environ).stderr == ""
    assert Run.objects.count() == 2
    assert [values_of(run, "loss") for run in made] == [[0], [1]]
    assert [Run.objects.get(pk=run.pk).config for run in made] == [{"task": 0}, {"task": 1}]


def test_what_a_killed_training_left_is_stored_once_by_two_syncs(node: Node, people):
    script = "queuecast.init()\nqueuecast.log({'loss': 1})\ntime.sleep(1)\nprint('on', flush=True)"
    with node.start(script + "\ntime.sleep(60)", TRACKER_API="", SLURM_JOB_ID="828") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert Run.objects.count() == 0
    for _ in range(2):
        told = node.command("sync", "--json")
        assert "its process goes on" in next(iter(json.loads(told.stdout)["files"].values()))
    assert values_of(Run.objects.get(), "loss") == [1]
    assert Run.objects.get().series.get().count == 1


def test_an_experiment_that_is_none_is_told_in_the_services_words(node: Node):
    ended = node.run("queuecast.init(999)\nqueuecast.log({'loss': 1})", SLURM_JOB_ID="828")
    assert ended.returncode == 0
    assert ended.stderr.startswith("queuecast: Experiment 999 is none that you may see.")
