"""slurmctld or slurmdbd away, or both, and polls killed half-way: nothing lost or falsified."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests import services
from tests.cluster.lab import Lab
from tests.cluster.service import ACCOUNTING_S, QUEUE_S, Service, running
from tests.tracker.processes import command_line, descendants

pytestmark = pytest.mark.prove
OUTAGE_S = 60
TWO_POLLS_S = 2 * ACCOUNTING_S + QUEUE_S  # and what a poll itself takes


@pytest.fixture(scope="module")
def service(lab: Lab) -> Iterator[Service]:
    with running(lab, ways=["ssh"]) as service:
        yield service


@pytest.mark.parametrize("away", ["slurmctld", "slurmdbd", "slurmctld slurmdbd"])
def test_an_outage_changes_nothing_and_two_polls_after_it_all_is_known(service: Service, away: str):
    lab = service.lab
    goes_on = service.experiment("#!/bin/bash\nsleep 300\n", "ssh", time_limit_minutes=10)
    ends_meanwhile = service.experiment("#!/bin/bash\nsleep 20\n", "ssh")
    fails_meanwhile = service.experiment("#!/bin/bash\nsleep 20\nexit 5\n", "ssh")
    ids = [
        run_id
        for experiment in (goes_on, ends_meanwhile, fails_meanwhile)
        for run_id in service.start(experiment)
    ]
    for run_id in ids:
        service.wait_for(run_id, "RUNNING")
    seen = time.monotonic()
    _stop(lab, away)
    told = set()
    while time.monotonic() - seen < OUTAGE_S:
        told |= {(service.run(run_id)["status"], run_id) for run_id in ids}
        time.sleep(2)
    allowed = {("RUNNING", run_id) for run_id in ids}
    if "slurmctld" not in away:  # the queue still tells how jobs end
        allowed |= {("COMPLETED", ids[1]), ("FAILED", ids[2])}
    assert told <= allowed
    if "slurmctld" in away:
        assert _age_s(service) > OUTAGE_S / 2
    # a start while nobody answers is neither lost nor doubled
    [waiting] = service.start(service.experiment("#!/bin/bash\ntrue\n", "ssh"), key=away)
    _start(lab, away)
    back = time.monotonic()
    run = service.wait_for(ids[1], "COMPLETED", seconds=TWO_POLLS_S)
    assert run["exit_code"] == 0
    run = service.wait_for(ids[2], "FAILED", seconds=TWO_POLLS_S)
    assert run["exit_code"] == 5
    took_s = time.monotonic() - back
    assert service.run(ids[0])["status"] == "RUNNING"
    service.wait_for(waiting, "COMPLETED", seconds=200)
    ask = ("sacct", "-X", "-n", "-P", "-S", "now-1hour", "-o", "Comment")
    mark = f"queuecast:{waiting}"
    services.wait_until(lambda: mark in lab.run(*ask), "the mark in accounting", 30)
    assert lab.run(*ask).split().count(mark) == 1
    service.ask("POST", f"runs/{ids[0]}/cancel")
    service.wait_for(ids[0], "CANCELLED")
    print(f"{away}: all known {took_s:.1f} s after it was back")  # noqa: T201


def test_a_poll_killed_half_way_is_made_up_for(service: Service):
    """The worker and its squeue, killed while they speak."""
    experiment = service.experiment("#!/bin/bash\nsleep 5\n", "ssh")
    [run_id] = service.start(experiment)
    service.wait_for(run_id, "RUNNING", "COMPLETED")
    killed = 0
    deadline = time.monotonic() + 40
    while killed < 3 and time.monotonic() < deadline:
        for pid in descendants(service.process.pid):
            if command_line(pid).startswith("ssh "):  # which carries squeue or sacct
                for worker in descendants(service.process.pid):
                    if "worker -Q poll" in command_line(worker):
                        os.kill(worker, signal.SIGKILL)
                        killed += 1
                break
        time.sleep(0.005)
    assert killed
    run = service.wait_for(run_id, "COMPLETED", seconds=TWO_POLLS_S + 10)
    assert run["exit_code"] == 0
    services.wait_until(lambda: _age_s(service) < 2 * QUEUE_S, "a fresh poll", 30)
    print(f"{killed} workers killed within a poll; the run is {run['status']}")  # noqa: T201


def _stop(lab: Lab, daemons: str) -> None:
    if "slurmctld" in daemons:
        lab.stop_controller()
    if "slurmdbd" in daemons:
        lab.stop_dbd()


def _start(lab: Lab, daemons: str) -> None:
    if "slurmdbd" in daemons:
        lab.start_dbd()
    if "slurmctld" in daemons:
        lab.start_controller()


def _age_s(service: Service) -> float:
    """Of the last good poll of the queue, as the API tells it."""
    clusters = service.ask("GET", "clusters")["results"]
    told = next(cluster for cluster in clusters if cluster["name"] == "ssh")
    seen = datetime.fromisoformat(told["queue_as_of"])
    return (datetime.now(UTC) - seen).total_seconds()
