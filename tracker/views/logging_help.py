"""Ready-made texts for logging to an experiment: from Python with the one-file client or without,
from curl, and a job for sbatch."""

from __future__ import annotations

from tracker.models import Experiment

CLIENT = """\
import queuecast

queuecast.init(config={"lr": 3e-4}, seed=1)
for step in range(1000):
    loss = train_one_step()
    queuecast.log({"loss": loss}, step=step)
"""
PYTHON = """\
import os
import requests

api, experiment = os.environ["TRACKER_API"], os.environ["EXPERIMENT_ID"]
run = requests.post(
    f"{api}/experiments/{experiment}/runs",
    json={"slurm_job_id": os.environ.get("SLURM_JOB_ID"), "seed": 1, "config": {"lr": 3e-4}},
    timeout=10,
).json()["run_id"]

for step in range(1000):
    loss = train_one_step()
    requests.post(
        f"{api}/runs/{run}/metrics",
        json={"name": "loss", "step": step, "value": loss},
        timeout=10,
    )
"""
CURL = r"""
RUN=$(curl -s "$TRACKER_API/experiments/$EXPERIMENT_ID/runs" \
        -H 'Content-Type: application/json' \
        -d "{\"slurm_job_id\": ${SLURM_JOB_ID:-null}, \"seed\": 1}" |
      python3 -c 'import json,sys; print(json.load(sys.stdin)["run_id"])')
curl -s "$TRACKER_API/runs/$RUN/metrics" \
  -H 'Content-Type: application/json' \
  -d '{"name": "loss", "step": 0, "value": 0.7}'
""".lstrip()


def logging_help(experiment: Experiment, public_url: str) -> dict[str, str]:
    """Texts by name: ``environment``, ``sbatch``, ``fetch``, ``client``, ``python``, ``curl``."""
    scheme, _, host = public_url.partition("://")
    environment = (
        f"export TRACKER_API={scheme}://token:SECRET@{host}\nexport EXPERIMENT_ID={experiment.pk}"
    )
    # The secret stays in the environment of the shell that submits: never in script or arguments.
    sbatch = f"{environment}\nsbatch --export=ALL train.sh"
    return {
        "environment": environment,
        "sbatch": sbatch,
        "fetch": f"curl -O {public_url.rstrip('/')}/client/queuecast.py",
        "client": CLIENT,
        "python": PYTHON,
        "curl": CURL,
    }
