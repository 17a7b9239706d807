"""Twenty crashes between the claim and sbatch's answer: never two jobs for a run, and none lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.cluster import service as stack
from tests.cluster.lab import Lab
from tests.cluster.service import Service, running

pytestmark = pytest.mark.service
CRASHES = 20
# Rows only, no bell: the test itself is the worker that will crash.
WAITING = """
from tracker.models import Actor, Cluster, Experiment
from tracker import submission
from django.contrib.auth.models import User
actor = Actor(User.objects.get(username="qc-alice"))
cluster = Cluster.objects.get(name="sudo")
experiment = Experiment.objects.get(pk=%d)
pks = []
for number in range(%d):
    started, _ = submission.start(
        experiment, actor=actor, cluster=cluster, wish=submission.Wish(), key=str(number),
        ring=pks.append,
    )
import json; print(json.dumps(pks))
"""
SEND = "from tracker import submission; submission.send(%d)"


@pytest.fixture(scope="module")
def service(lab: Lab) -> Iterator[Service]:
    with running(lab) as service:
        yield service


def slow_sbatch(lab: Lab) -> Path:
    """An sbatch that tells its pid, dawdles, and then submits."""
    told = lab.home / "told"
    told.mkdir(mode=0o777)
    told.chmod(0o777)
    real = (lab.commands / "sbatch").read_text().splitlines()
    slow = [real[0], f"echo $$ >{told}/$$", "sleep 1.5", *real[1:]]
    lab.write("bin/sbatch", "\n".join(slow) + "\n", 0o755)
    return told


def crash(service: Service, pk: int, told: Path, rng: random.Random) -> None:
    """Send in a process of its own and kill it before sbatch answers; in half of the cases the
    machine goes with it and takes sbatch along, in the other half sbatch lives on."""
    before = set(told.iterdir())
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", SEND % pk]
    worker = subprocess.Popen(
        [*command, "--data-dir", str(service.folder)],
        cwd=stack.ROOT,
        env=service.environment,
    )
    services.wait_until(lambda: set(told.iterdir()) != before, "sbatch", 30)
    [mark] = set(told.iterdir()) - before
    time.sleep(rng.uniform(0, 1.4))
    worker.kill()
    worker.wait()
    if rng.random() < 0.5:
        os.kill(int(mark.name), signal.SIGKILL)


def test_never_two_jobs_for_a_run(service: Service):
    lab, rng = service.lab, random.Random(20)
    real = (lab.commands / "sbatch").read_text()
    experiment = service.experiment("#!/bin/bash\nsleep 1\n", "sudo")
    pks = json.loads(service.manage("shell", "-v", "0", "-c", WAITING % (experiment, CRASHES)))
    told = slow_sbatch(lab)
    for pk in pks:
        crash(service, pk, told, rng)
    lab.write("bin/sbatch", real, 0o755)
    runs = service.ask("GET", f"experiments/{experiment}/runs?page_size=100")["results"]
    assert len(runs) == CRASHES
    for run in runs:
        service.wait_for(run["run_id"], "COMPLETED", seconds=240)
    fields = ("-X", "-n", "-P", "-S", "now-1hour", "-o", "Comment%60,JobID")
    rows = [row.split("|") for row in lab.run("sacct", *fields).splitlines()]
    marks = [comment for comment, _ in rows if comment.startswith("queuecast:")]
    assert sorted(marks) == sorted(f"queuecast:{run['run_id']}" for run in runs)
