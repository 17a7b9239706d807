"""The contracts over a real socket: a training script that knows only requests, and curl."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.factories import make_experiment, make_people
from tests.services import program
from tracker.models import JobHint, MetricPoint, Run, Token

pytestmark = pytest.mark.django_db(transaction=True)

TRAINING_SCRIPT = """
import os
import requests

api, experiment = os.environ["TRACKER_API"], os.environ["EXPERIMENT_ID"]
created = requests.post(
    f"{api}/experiments/{experiment}/runs",
    json={"slurm_job_id": os.environ["SLURM_JOB_ID"], "seed": 1, "config": {"lr": 0.1}},
)
created.raise_for_status()
run_id = created.json()["run_id"]
for step in range(3):
    logged = requests.post(
        f"{api}/runs/{run_id}/metrics", json={"name": "loss", "step": step, "value": 1 / (step + 1)}
    )
    logged.raise_for_status()
print(run_id)
"""


@pytest.fixture
def experiment(db):
    return make_experiment(make_people().alice)


def address(live_server, secret: str) -> str:
    return live_server.url.replace("http://", f"http://token:{secret}@")


def run_script(text: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    command = [sys.executable, "-c", text]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_script_that_knows_only_requests_works_twice_and_logs_once(
    live_server, experiment, tmp_path
):
    _, secret = Token.issue(user=experiment.owner, scope="run", experiment=experiment)
    variables = {
        "TRACKER_API": address(live_server, secret),
        "EXPERIMENT_ID": str(experiment.pk),
        "SLURM_JOB_ID": "828",
    }
    # The second time as Slurm starts it again after a requeue.
    for _ in range(2):
        finished = run_script(TRAINING_SCRIPT, tmp_path, **variables)
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout.strip() == Run.objects.get().pk
    assert MetricPoint.objects.count() == 3


def test_a_netrc_entry_that_replaced_the_token_is_named_in_the_401(
    live_server, experiment, tmp_path
):
    _, secret = Token.issue(user=experiment.owner, scope="run", experiment=experiment)
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine localhost login gitbot password hunter2\n")
    netrc.chmod(0o600)
    script = (
        "import os, requests; answer = requests.post(os.environ['TRACKER_API'] + "
        "'/experiments/1/runs', json={}); print(answer.status_code, answer.json()['detail'])"
    )
    told = run_script(script, tmp_path, TRACKER_API=address(live_server, secret)).stdout
    assert told.startswith("401")
    assert 'user "gitbot"' in told
    assert "~/.netrc" in told
    assert "X-Queuecast-Token" in told


def test_curl_in_an_epilog_is_accepted_early_and_repeated(live_server, experiment):
    curl = program("curl")
    _, secret = Token.issue(user=experiment.owner, scope="webhook")
    url = f"{address(live_server, secret)}/webhooks/slurm"
    for _ in range(2):
        answer = subprocess.run(
            [curl, "-sSX", "POST", url, "-d", "job_id=828&status=completed", "-w", " %{http_code}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert answer.stdout.endswith(" 202")
    hint = JobHint.objects.get()
    assert (hint.job_id, hint.times) == (828, 2)


def test_a_body_over_a_megabyte_is_answered_and_not_cut_off(live_server, experiment):
    _, secret = Token.issue(user=experiment.owner, scope="user")
    headers = {"X-Queuecast-Token": secret, "Content-Type": "application/json"}
    for path in (f"/experiments/{experiment.pk}/runs", "/api/v1/experiments"):
        answer = requests.post(
            live_server.url + path, data=b"x" * 3_000_000, headers=headers, timeout=60
        )
        assert answer.status_code == 413
        assert answer.json()["status"] == 413
