"""The test cluster itself: its ways in, its hooks and its faults, with real jobs."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.cluster.doors import SSH_HOST
from tests.cluster.hooks import HOOKS
from tests.cluster.lab import Lab

pytestmark = pytest.mark.service
FOREIGN = {"PATH": os.environ["PATH"], "HOME": "/root"}  # knows of no cluster


def submit(lab: Lab, *words: str, wrap: str = "sleep 300") -> str:
    argv = ("sbatch", "--parsable", "-o", "/dev/null", *words, "--wrap", wrap)
    return lab.run(*argv, user="qc-alice").strip()


def wait_for_state(lab: Lab, job_id: str, state: str, seconds: float = 30) -> None:
    def reached() -> bool:
        return lab.run("sacct", "-nXPj", job_id, "-o", "State").strip() == state

    services.wait_until(reached, f"{state} of job {job_id}", seconds)


def wait_for_running(lab: Lab, job_id: str) -> None:
    def runs() -> bool:
        return lab.run("squeue", "-hj", job_id, "-o", "%T").strip() == "RUNNING"

    services.wait_until(runs, f"the start of job {job_id}")


def owner_once_ended(lab: Lab, job_id: str, output: Path) -> str:
    """As whom a job ran that ran ``id -un``."""
    wait_for_state(lab, job_id, "COMPLETED")
    return output.read_text().strip()


def test_a_job_comes_over_ssh(lab: Lab) -> None:
    output = lab.home / "work/ssh.out"
    remote = f"{lab.commands}/sbatch --parsable -D {lab.home}/work -o {output} --wrap 'id -un'"
    argv = ["ssh", "-F", str(lab.ssh_config), f"qc-bob@{SSH_HOST}", remote]
    job_id = subprocess.run(argv, check=True, env=FOREIGN, stdout=subprocess.PIPE, text=True).stdout
    assert owner_once_ended(lab, job_id.strip(), output) == "qc-bob"


def by_sudo(lab: Lab, user: str, *argv: str) -> subprocess.CompletedProcess[str]:
    words = ["runuser", "-u", lab.sudo_service_user, "--", "sudo", "-n", "-u", user, *argv]
    return subprocess.run(
        words, check=False, env=FOREIGN, cwd=lab.home / "work", capture_output=True, text=True
    )


def test_a_job_comes_by_sudo(lab: Lab) -> None:
    output = lab.home / "work/sudo.out"
    sbatch = str(lab.commands / "sbatch")
    answer = by_sudo(lab, "qc-carol", sbatch, "--parsable", "-o", str(output), "--wrap", "id -un")
    assert answer.returncode == 0, answer.stderr
    assert owner_once_ended(lab, answer.stdout.strip(), output) == "qc-carol"


@pytest.mark.parametrize(
    ("user", "command"), [("root", "sbatch"), ("slurm", "scancel"), ("qc-carol", "sacctmgr")]
)
def test_sudo_goes_no_further(lab: Lab, user: str, command: str) -> None:
    assert "password is required" in by_sudo(lab, user, str(lab.commands / command)).stderr


def test_a_job_comes_over_rest(lab: Lab) -> None:
    output = lab.home / "work/rest.out"
    job = {
        "name": "rest",
        "current_working_directory": str(lab.home / "work"),
        "standard_output": str(output),
        "environment": {"PATH": "/usr/bin:/bin"},
    }
    request = urllib.request.Request(  # noqa: S310
        f"{lab.rest_url}/slurm/v0.0.38/job/submit",
        data=json.dumps({"script": "#!/bin/sh\nid -un\n", "job": job}).encode(),
        headers={
            "Content-Type": "application/json",
            "X-SLURM-USER-NAME": "qc-dave",
            "X-SLURM-USER-TOKEN": lab.jwt("qc-dave"),
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        job_id = str(json.load(answer)["job_id"])
    assert owner_once_ended(lab, job_id, output) == "qc-dave"


@pytest.fixture
def calls(lab: Lab) -> Iterator[Path]:
    """A file in which each hook writes its name, the job and, if it knows it, the job's state."""
    file = lab.home / "work/hooks"
    file.touch()
    file.chmod(0o666)
    for hook in HOOKS:
        text = f'#!/bin/sh\necho "{hook} $SLURM_JOB_ID$JOBID $JOBSTATE" >>{file}\n'
        lab.set_hook(hook, text)
    yield file
    lab.clear_hooks()


def test_each_hook_is_called_at_the_end_of_a_job(lab: Lab, calls: Path) -> None:
    job_id = submit(lab, wrap="true")
    expected = {f"epilog {job_id} ", f"epilogctld {job_id} ", f"jobcomp {job_id} COMPLETED"}
    services.wait_until(lambda: expected <= set(calls.read_text().splitlines()), "three calls")


def test_only_jobcomp_is_told_of_a_job_cancelled_while_pending(lab: Lab, calls: Path) -> None:
    job_id = submit(lab, "--hold")
    lab.run("scancel", job_id)
    later = submit(lab, wrap="true")
    services.wait_until(lambda: f"epilogctld {later} " in calls.read_text(), "a later job's end")
    told = [line for line in calls.read_text().splitlines() if line.split()[1] == job_id]
    assert told == [f"jobcomp {job_id} CANCELLED"]


def test_a_job_outlives_the_controllers_outage(lab: Lab) -> None:
    job_id = submit(lab, wrap="sleep 4")
    wait_for_running(lab, job_id)
    lab.stop_controller()
    assert not lab.answers("scontrol", "ping")
    lab.start_controller()
    wait_for_state(lab, job_id, "COMPLETED")


def test_an_end_during_accountings_outage_is_told_afterwards(lab: Lab) -> None:
    lab.stop_dbd()
    job_id = submit(lab, wrap="true")
    with pytest.raises(RuntimeError, match="Connection refused"):
        lab.run("sacct", "-nXPj", job_id)
    lab.start_dbd()
    wait_for_state(lab, job_id, "COMPLETED", 60)


def test_requests_to_the_controller_are_counted(lab: Lab) -> None:
    lab.reset_rpc_counts()
    for _ in range(3):
        lab.run("squeue")
    assert lab.rpc_counts()["REQUEST_JOB_INFO"] == 3


def test_a_job_over_its_memory_is_ended(lab: Lab) -> None:
    lab.require_limited_memory()
    job_id = submit(lab, "--mem=50M", wrap="python3 -c 'bytearray(200 << 20)'")
    wait_for_state(lab, job_id, "OUT_OF_MEMORY")


def test_the_death_of_a_node_ends_its_job(lab: Lab) -> None:
    job_id = submit(lab, "--no-requeue", "-w", "cpu08")
    services.wait_until(lambda: bool(lab.steps("cpu08")), "the job's processes")
    lab.kill_node("cpu08")
    services.wait_until(lambda: not lab.steps("cpu08"), "the end of the job's processes")
    wait_for_state(lab, job_id, "NODE_FAIL", 90)
    lab.start_node("cpu08")
    again = submit(lab, "-w", "cpu08", wrap="true")
    wait_for_state(lab, again, "COMPLETED")
