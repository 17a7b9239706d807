"""The researcher's and the training job's day, by hand on the demo cluster."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext

from tests import services
from tests.e2e.conftest import ROOT, Service
from tests.e2e.looks import LOOKS, check, watch

pytestmark = pytest.mark.service
# Knows only requests, the two documented POSTs and three variables.
TRAINING = """\
#!{python}
#SBATCH --job-name=by-hand --partition=debug --time=5 --mem=200M
import os
import requests

api, experiment = os.environ["TRACKER_API"], os.environ["EXPERIMENT_ID"]
job = os.environ["SLURM_JOB_ID"]
run = requests.post(
    f"{{api}}/experiments/{{experiment}}/runs",
    json={{"slurm_job_id": job, "seed": 7, "config": {{"lr": 0.1}}}},
).json()["run_id"]
for step in range(50):
    point = {{"name": "loss", "value": 1 / (step + 1), "step": step}}
    requests.post(f"{{api}}/runs/{{run}}/metrics", json=point).raise_for_status()
"""


def manage(service: Service, *words: str) -> str:
    command = [sys.executable, "manage.py", *words, "--data-dir", str(service.data_dir)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def ask(url: str, secret: str) -> dict[str, object]:
    answer = requests.get(url, headers={"X-Queuecast-Token": secret}, timeout=10)
    answer.raise_for_status()
    return answer.json()


def token(service: Service, *scope: str) -> str:
    return json.loads(manage(service, "token", "admin", "--json", "--scope", *scope))["token"]


def new_experiment(context: BrowserContext) -> int:
    page = context.new_page()
    wrong = watch(page)
    page.goto("/experiments/new")
    page.get_by_label("Name (required)").fill('by hand "quoted" <b>')
    page.get_by_role("button", name="Make experiment").click()
    page.wait_for_url(re.compile(r"/experiments/\d+$"))
    assert wrong == []
    return int(page.url.rsplit("/", 1)[1])


def submit(service: Service, secret: str, experiment: int, folder: Path) -> int:
    commands = service.data_dir / "demo/bin"
    squeue = [commands / "squeue"]
    services.wait_until(
        lambda: squeue[0].exists() and subprocess.call(squeue, stdout=subprocess.DEVNULL) == 0,
        "the demo cluster",
        60,
    )
    script = folder / "train.py"
    script.write_text(TRAINING.format(python=sys.executable))
    port = service.url.rsplit(":", 1)[1]
    answer = subprocess.run(
        [commands / "sbatch", "--parsable", script],
        cwd=folder,
        env=os.environ
        | {
            "TRACKER_API": f"http://token:{secret}@127.0.0.1:{port}",
            "EXPERIMENT_ID": str(experiment),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return int(answer.stdout)


def test_submit_wait_train_and_look(
    context: BrowserContext, browser: Browser, session, service: Service, tmp_path: Path
) -> None:
    experiment = new_experiment(context)
    job_id = submit(
        service, token(service, "run", "--experiment", str(experiment)), experiment, tmp_path
    )
    reading = token(service, "read")
    epilog = token(service, "webhook")
    runs_url = f"{service.url}/api/v1/runs?experiment={experiment}"

    def ended() -> bool:
        # The epilog's word only makes the service look: sent early, late and again and again.
        hint = {"job_id": job_id, "status": "completed"}
        address = service.url.replace("//", f"//token:{epilog}@")
        assert requests.post(f"{address}/webhooks/slurm", data=hint, timeout=10).status_code == 202
        runs = ask(runs_url, reading)["results"]
        return [run["status"] for run in runs] == ["COMPLETED"]

    services.wait_until(ended, "the run's end", 150)
    run = ask(runs_url, reading)["results"][0]
    assert (run["slurm_job_id"], run["seed"], run["exit_code"]) == (job_id, 7, 0)
    curve = ask(f"{service.url}/api/v1/runs/{run['run_id']}/metrics?name=loss", reading)
    assert curve["step"] == list(range(50))

    for look, options in LOOKS.items():
        looking = browser.new_context(storage_state=session, base_url=service.url, **options)
        page = looking.new_page()
        wrong = watch(page)
        page.goto(f"/runs/{run['run_id']}")
        page.locator("#curve-part").scroll_into_view_if_needed()  # a chart out of view is not drawn
        page.locator(".js-plotly-plot path.js-line").first.wait_for(state="attached")
        check(page, f"run-{look}", wrong)
        looking.close()
