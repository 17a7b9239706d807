"""Twenty crashes between the claim and sbatch's answer: never two jobs for a run, and none lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.cluster import service as stack
from tests.cluster.lab import Lab
from tests.cluster.service import Service, running

pytestmark = pytest.mark.prove
CRASHES = 20
# A worker that will crash: it makes the rows, and is killed while it waits for sbatch.
START = """
from tracker.models import Actor, Cluster, Experiment
from tracker import submission
from django.contrib.auth.models import User
submission.start(
    Experiment.objects.get(pk=%d),
    actor=Actor(User.objects.get(username="qc-alice")),
    cluster=Cluster.objects.get(name="sudo"),
    wish=submission.Wish(),
    key="%d",
    ring=submission.send,
)
"""


@pytest.fixture(scope="module")
def service(lab: Lab) -> Iterator[Service]:
    with running(lab, ways=["sudo"]) as service:
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


def crash(service: Service, script: str, told: Path, rng: random.Random) -> None:
    """Kill a worker before sbatch answers it; in half of the cases the machine goes with it and
    takes sbatch along, in the other half sbatch lives on."""
    before = set(told.iterdir())
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", script]
    worker = subprocess.Popen(
        [*command, "--data-dir", str(service.folder)], cwd=stack.ROOT, env=service.environment
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
    told = slow_sbatch(lab)
    for number in range(CRASHES):
        crash(service, START % (experiment, number), told, rng)
    lab.write("bin/sbatch", real, 0o755)
    runs = service.ask("GET", f"experiments/{experiment}/runs?page_size=100")["results"]
    assert len(runs) == CRASHES
    for run in runs:
        service.wait_for(run["run_id"], "COMPLETED", seconds=240)
    fields = ("-X", "-n", "-P", "-S", "now-1hour", "-o", "Comment%60,JobID")
    rows = [row.split("|") for row in lab.run("sacct", *fields).splitlines()]
    jobs = Counter(comment for comment, _ in rows)  # of other tests on this cluster, too
    marks = {f"queuecast:{run['run_id']}": 1 for run in runs}
    assert {mark: jobs[mark] for mark in marks} == marks
    print(f"{CRASHES} crashes, {len(marks)} jobs, no run with two")  # noqa: T201
