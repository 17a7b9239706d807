"""The adapter as a service's own unprivileged user: sudo by the documented line, or itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.cluster.lab import Lab

pytestmark = pytest.mark.service
TRACKER = Path(__file__).resolve().parents[2] / "tracker"
# The pure adapter needs the standard library only, so that any Python 3.11 of the machine runs it.
SUBMIT = """
import json, sys
from tracker.slurm.batch import BatchOptions
from tracker.slurm.door import FORMATS, CommandDoor
from tracker.slurm.errors import SlurmError
from tracker.slurm.transports import LocalTransport
given = json.load(sys.stdin)
door = CommandDoor(LocalTransport(path=given["path"], as_user=given["user"], formats=FORMATS))
options = BatchOptions(chdir=given["chdir"], comment="queuecast:test", output="jobs/%j.out")
try:
    print(door.submit(given["script"], options, given["variables"], [given["chdir"] + "/jobs"]))
except SlurmError as error:
    print(type(error).__name__, error)
"""
SCRIPT = '#!/bin/bash\n#SBATCH --output=jobs/%j.out\nid -un\necho "secret $TRACKER_API"\n'


@pytest.fixture(scope="module")
def adapter() -> Iterator[Path]:
    """A copy that every user may read, wherever the checkout lies."""
    with services.folder("queuecast-adapter-") as folder:
        folder.chmod(0o755)
        for name in ("__init__.py", "slurm"):
            copy = shutil.copytree if (TRACKER / name).is_dir() else shutil.copyfile
            (folder / "tracker").mkdir(exist_ok=True)
            copy(TRACKER / name, folder / "tracker" / name)
        yield folder


def submitted(lab: Lab, adapter: Path, *, service: str, user: str | None, home: str) -> str:
    given = {
        "path": str(lab.commands),
        "user": user,
        "chdir": f"{lab.home}/work/{home}",
        "script": SCRIPT,
        "variables": {"TRACKER_API": "http://token:s3cret@host", "EXPERIMENT_ID": "1"},
    }
    argv = ["runuser", "-u", service, "--", "/usr/bin/env", "-i", "PATH=/usr/bin:/bin"]
    argv += [f"PYTHONPATH={adapter}", "/usr/bin/python3"]  # Debian's, which everybody may run
    told = subprocess.run(
        [*argv, "-c", SUBMIT],
        input=json.dumps(given), stdout=subprocess.PIPE, text=True, cwd="/", check=True,
    )  # fmt: skip
    return told.stdout.strip()


@pytest.mark.parametrize(("way", "runs_as"), [("sudo", "qc-carol"), ("self", "qc-bob")])
def test_a_job_runs_as_its_user(lab: Lab, adapter: Path, way: str, runs_as: str):
    service = lab.sudo_service_user if way == "sudo" else runs_as
    user = runs_as if way == "sudo" else None
    job_id = submitted(lab, adapter, service=service, user=user, home=runs_as)
    assert job_id.isdigit(), job_id
    output = lab.home / f"work/{runs_as}/jobs/{job_id}.out"
    services.wait_until(lambda: output.exists() and "secret" in output.read_text(), "the job", 40)
    assert output.read_text().splitlines() == [runs_as, "secret http://token:s3cret@host"]
    assert output.owner() == runs_as


@pytest.mark.parametrize("user", ["root", "slurm", "qc-service"])
def test_sudo_lets_it_be_nobody_else(lab: Lab, adapter: Path, user: str):
    told = submitted(lab, adapter, service=lab.sudo_service_user, user=user, home="qc-carol")
    assert told.startswith("SlurmRefused"), told
    assert "password is required" in told or "not allowed" in told
