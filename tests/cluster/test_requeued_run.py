"""A requeued job goes on with its run: the next attempt, in the same curves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import services
from tests.cluster.lab import Lab
from tests.cluster.service import Service, running

pytestmark = pytest.mark.service
# Its first life ends after step 3, of which the second, from its checkpoint, knows nothing.
TRAINING = """\
#!/bin/bash
cd "$RUN_FOLDER"
/usr/bin/curl -sS --fail -o queuecast.py "$TRACKER_API/client/queuecast.py" || exit 9
/usr/bin/python3 - <<'END'
import os, time
import queuecast
life = int(os.environ.get("SLURM_RESTART_COUNT", 0))
queuecast.init(config={"lr": 0.1})
for step in range(3 * life, 3 * life + (3 if life else 4)):
    queuecast.log({"loss": step + 0.5 * life}, step=step)
if not life:
    time.sleep(600)
END
"""


@pytest.fixture(scope="module")
def service(lab: Lab) -> Iterator[Service]:
    with running(lab, ways=["ssh"]) as service:
        yield service


def test_a_requeued_job_goes_on_with_its_run(service: Service):
    experiment = service.experiment(TRAINING, "ssh")
    [run_id] = service.start(experiment)

    def curve(query: str = "") -> dict[str, list[float]]:
        return service.ask("GET", f"runs/{run_id}/metrics?name=loss{query}")

    def count() -> int:
        metrics = service.run(run_id)["metrics"]
        return metrics[0]["count"] if metrics else 0

    services.wait_until(lambda: count() == 4, "the first life's steps", 40)
    job = str(service.run(run_id)["slurm_job_id"])
    service.lab.run("scontrol", "requeue", job)
    # Slurm lets a requeued job wait for two minutes, unless an operator says otherwise.
    services.wait_until(lambda: service.run(run_id)["attempt"] == 1, "the next attempt", 30)
    service.lab.run("scontrol", "update", f"JobId={job}", "StartTime=now")
    run = service.wait_for(run_id, "COMPLETED", seconds=60)
    assert (run["attempt"], str(run["slurm_job_id"])) == (1, job)
    assert len(service.ask("GET", f"experiments/{experiment}/runs")["results"]) == 1
    assert curve()["step"] == [0, 1, 2, 3, 4, 5]
    assert curve()["value"] == [0.0, 1.0, 2.0, 3.5, 4.5, 5.5]  # step 3 as the second life saw it
    assert curve("&attempt=0")["value"] == [0.0, 1.0, 2.0, 3.0]
