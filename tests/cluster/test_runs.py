"""Start over the API, on a real Slurm, by each way in: the run's true state to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests import services
from tests.cluster.lab import Lab
from tests.cluster.service import ACCOUNTING_S, QUEUE_S, WAYS, Service, running

pytestmark = pytest.mark.service
# What a job does that knows curl and the two documented POSTs.
TRAINING = """\
#!/bin/bash
post() { curl -sS --fail -H 'Content-Type: application/json' -d "$2" "$TRACKER_API/$1"; }
answer=$(post "experiments/$EXPERIMENT_ID/runs" "{\\"slurm_job_id\\": $SLURM_JOB_ID}")
run=$(printf %s "$answer" | tr -cd '[:xdigit:]\\n' | tail -c 32)
[ "$run" = "$RUN_ID" ] || { echo "told $answer, not $RUN_ID"; exit 9; }
for step in 1 2 3; do
  post "runs/$run/metrics" "{\\"name\\": \\"loss\\", \\"value\\": 1, \\"step\\": $step}" >/dev/null
done
id -un; hostname; env | sort; ls -R "$RUN_FOLDER"; cat "$CONFIG_FILE"
srun sh -c 'echo "a step knows $RUN_ID"'
"""


@pytest.fixture(scope="module")
def service(lab: Lab) -> Iterator[Service]:
    with running(lab) as service:
        yield service


@pytest.mark.parametrize("way", WAYS)
def test_it_runs_as_its_user_reports_and_completes_within_two_polls(service: Service, way: str):
    experiment = service.experiment(TRAINING, way)
    [run_id] = service.start(experiment, seeds=[7], configs=[{"lr": 0.1}])
    # the job's last word is its curve: from then on it takes Slurm and two polls
    services.wait_until(lambda: bool(service.run(run_id)["metrics"]), "a metric", 40)
    seen = time.monotonic()
    run = service.wait_for(run_id, "COMPLETED", seconds=2 * (QUEUE_S + ACCOUNTING_S))
    took_s = time.monotonic() - seen
    output = service.output(run)
    lines = output.splitlines()
    assert "qc-alice" in lines, output
    assert (run["exit_code"], run["attempt"], run["seed"]) == (0, 0, 7)
    assert run["metrics"][0]["count"] == 3
    assert '"lr": 0.1' in output
    assert "checkpoints" in output
    assert f"a step knows {run_id}" in lines
    assert f"SLURM_SUBMIT_DIR={service.lab.home}/work/qc-alice" in lines
    assert not [line for line in lines if line.startswith(("SECRET_KEY", "DATABASE_URL"))]
    print(f"{way}: COMPLETED {took_s:.1f} s after the last metric was seen")  # noqa: T201


def test_a_hook_brings_the_end_within_three_seconds(service: Service):
    lab = service.lab
    curl = f"/usr/bin/curl -s -m 3 -H 'X-Queuecast-Token: {service.secrets['hook']}'"
    post = f"{curl} -d job_id=$SLURM_JOB_ID -d status=completed {service.url}/webhooks/slurm"
    lab.set_hook("epilogctld", f"#!/bin/sh\n{post} >/dev/null\nexit 0\n")
    experiment = service.experiment("#!/bin/bash\nsleep 12\n", "sudo")
    [run_id] = service.start(experiment)
    run = service.wait_for(run_id, "COMPLETED", seconds=60)
    seen_at = time.time()
    lab.clear_hooks()
    end = lab.run("sacct", "-X", "-n", "-j", str(run["slurm_job_id"]), "-o", "End")
    ended_at = float(time.mktime(time.strptime(end.strip(), "%Y-%m-%dT%H:%M:%S")))
    # sacct's seconds are whole
    assert seen_at - ended_at <= 4.0
    print(f"seen {seen_at - ended_at:.1f} s after the end that sacct tells")  # noqa: T201
