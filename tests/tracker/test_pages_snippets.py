"""The texts to copy from an experiment's page, run as they stand."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.factories import make_experiment
from tracker.models import Token
from tracker.views.logging_help import logging_help


@pytest.fixture
def shown(live_server, people):
    """The texts for one experiment of alice, her token's secret put in place of SECRET."""
    experiment = make_experiment(people.alice)
    _, secret = Token.issue(user=people.alice, scope="run", experiment=experiment)
    texts = logging_help(experiment, live_server.url)
    return experiment, texts | {"environment": texts["environment"].replace("SECRET", secret)}


def bash(texts, then, tmp_path):
    script = f"{texts['environment']}\n{then}"
    # A ~/.netrc of whoever runs the tests would replace the token.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = ["bash", "-ec", script]
    return subprocess.run(
        command, env=environment, check=False, capture_output=True, text=True, timeout=60
    )


def test_the_python_text_makes_a_run_and_logs_to_it(shown, tmp_path):
    experiment, texts = shown
    training = "train_one_step = lambda: 0.5\n" + texts["python"].replace("1000", "3")
    (tmp_path / "train.py").write_text(training)
    done = bash(texts, f"{sys.executable} {tmp_path / 'train.py'}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert experiment.runs.get().series.get().count == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_text_with_the_client_fetches_it_and_logs_to_a_run(shown, tmp_path):
    experiment, texts = shown
    training = "train_one_step = lambda: 0.5\n" + texts["client"].replace("1000", "3")
    (tmp_path / "train.py").write_text(training)
    in_folder = f"cd {tmp_path}\n{texts['fetch']} -s\n{sys.executable} train.py"
    done = bash(texts, in_folder, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert experiment.runs.get().series.get().count == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_text_makes_a_run_and_logs_to_it(shown, tmp_path):
    experiment, texts = shown
    for job in ("", "export SLURM_JOB_ID=4711\n"):
        done = bash(texts, job + texts["curl"], tmp_path)
        assert done.returncode == 0, done.stderr
    by_hand, in_a_job = experiment.runs.order_by("created_at")
    assert (by_hand.slurm_job_id, in_a_job.slurm_job_id) == (None, 4711)
    assert by_hand.series.get().name == in_a_job.series.get().name == "loss"
