"""Hostile names and texts through sudo and ssh to a real sbatch, and where secrets are not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.cluster.lab import Lab
from tests.cluster.service import WAYS, Service, running
from tests.slurm.corpus import CANARY, HOSTILE_TEXTS

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def service(lab: Lab) -> Iterator[Service]:
    with running(lab) as service:
        yield service


# What may be the name of a job: one line that is not empty. The rest is refused (tests/slurm).
NAMES = sorted({text[:200].strip() for text in HOSTILE_TEXTS if text.isprintable()} - {""})
TEXTS = sorted({text for text in HOSTILE_TEXTS if "\0" not in text and len(text) < 10_000})


@pytest.mark.parametrize("way", WAYS)
def test_hostile_texts_arrive_as_they_are_and_run_nothing(service: Service, way: str):
    """Each as the configuration of a run in one sweep, and as the name of a job of its own."""
    sweep = service.experiment('#!/bin/bash\ncat "$CONFIG_FILE"\n', way)
    tasks = service.start(sweep, configs=[{"text": text} for text in TEXTS])
    named = {}
    for number, name in enumerate(NAMES):
        # long enough for a poll to see it: accounting alone may tell a name in latin1
        experiment = service.experiment("#!/bin/bash\nsleep 8\n", way, job_name=name)
        [named[name]] = service.start(experiment, key=str(number))
    for name, run_id in named.items():
        run = service.wait_for(run_id, "COMPLETED", "FAILED", seconds=300)
        assert run["status"] == "COMPLETED", (name, run)
        found = service.ask("GET", f"jobs?job_id={run['slurm_job_id']}&cluster={way}")
        assert found["results"][0]["name"] == name
    home = service.lab.home / "work/qc-alice"
    for text, run_id in zip(TEXTS, tasks, strict=True):
        run = service.wait_for(run_id, "COMPLETED", seconds=300)
        assert json.loads(service.output(run)) == {"text": text}
    folders = (home, Path("/home/qc-alice"), Path.cwd(), service.folder)
    assert [str(found) for folder in folders for found in folder.rglob(f"*{CANARY}*")] == []
    print(f"{way}: {len(TEXTS)} texts and {len(NAMES)} names, none let through")  # noqa: T201


def test_the_secret_stands_nowhere_but_in_the_jobs_environment(service: Service):
    lab = service.lab
    script = '#!/bin/bash\necho "$TRACKER_API" >address\nsleep 20\n'
    [run_id] = service.start(service.experiment(script, "ssh"), key="secret")
    job_id = str(service.wait_for(run_id, "RUNNING")["slurm_job_id"])
    address = lab.home / "work/qc-alice/address"
    services.wait_until(lambda: address.exists() and address.read_text(), "the job", 20)
    secret = address.read_text().partition("@")[0].rpartition(":")[2]
    assert len(secret) > 20
    ask = ("sacct", "-X", "-n", "-P", "-j", job_id, "-o", "SubmitLine")
    told = "--export=EXPERIMENT_ID,TRACKER_API"
    services.wait_until(lambda: told in lab.run(*ask), "the line in accounting", 20)
    places = {
        "sacct": lab.run("sacct", "-X", "-P", "-j", job_id, "-o", "ALL"),
        "scontrol": lab.run("scontrol", "-dd", "show", "job", job_id),
        "script": lab.run("scontrol", "write", "batch_script", job_id, "-"),
        "ps": subprocess.check_output(["ps", "axww", "-o", "args"], text=True),
    }
    files = [*lab.home.glob("log/*"), *(path for path in service.folder.rglob("*"))]
    places |= {
        str(path): path.read_bytes().decode(errors="replace") for path in files if path.is_file()
    }
    assert "queuecast:" in places["sacct"]
    assert [place for place, text in places.items() if secret in text] == []
