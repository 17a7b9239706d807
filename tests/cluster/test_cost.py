"""What the service costs slurmctld, by its own count: however many people look, whatever ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests import services
from tests.cluster.lab import Lab
from tests.cluster.service import Service, running

pytestmark = pytest.mark.prove
WATCHED_S = 120
PEOPLE = 100
TASKS = 1000
# The requests that asking makes; the others are jobs, nodes and hooks at work.
ASKED = "_INFO"
KIT = Path(__file__).resolve().parents[2] / "contrib/slurm"
# As a site has it: one, of the name that Slurm's own hooks tell.
ONE_CLUSTER = """
from tracker.models import Cluster
Cluster.objects.update(name="qclab")
"""
SESSIONS = """
import json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
keys = []
for number in range(%d):
    user = User.objects.create_user(f"visitor{number}", is_staff=True)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    keys.append(session.session_key)
print(json.dumps([settings.SESSION_COOKIE_NAME, keys]))
"""


@pytest.fixture(scope="module")
def service(lab: Lab) -> Iterator[Service]:
    """At its default paces, following one cluster."""
    with running(lab, ways=["sudo"], paces={}) as service:
        service.manage("shell", "-v", "0", "-c", ONE_CLUSTER)
        yield service


def asked(lab: Lab) -> int:
    return sum(count for name, count in lab.rpc_counts().items() if ASKED in name)


def rpcs_while(service: Service, what) -> int:
    """How many questions slurmctld counts in WATCHED_S, our own reading of the count left out."""
    service.lab.reset_rpc_counts()
    until = time.monotonic() + WATCHED_S
    what(until)
    time.sleep(max(until - time.monotonic(), 0))
    return asked(service.lab)


def test_a_hundred_people_cost_what_one_does(service: Service):
    cookie, keys = json.loads(service.manage("shell", "-v", "0", "-c", SESSIONS % PEOPLE))
    experiment = service.experiment("#!/bin/bash\nsleep 900\n", "qclab", time_limit_minutes=20)
    [run_id] = service.start(experiment)
    service.wait_for(run_id, "RUNNING", seconds=90)
    pages = [f"runs/{run_id}", f"runs/{run_id}/live", "clusters/qclab", "jobs", "plan"]
    pages += [f"experiments/{experiment}", "experiments"]
    views = 0

    def look(key: str, until: float) -> int:
        seen = 0
        with requests.Session() as browser:
            browser.cookies.set(cookie, key)
            while time.monotonic() < until:
                page = pages[seen % len(pages)]
                answer = browser.get(f"{service.url}/{page}", timeout=60)
                assert answer.status_code in (200, 204), (page, answer.status_code)
                seen += 1
                time.sleep(6)
        return seen

    def people(count: int):
        def all_look(until: float) -> None:
            nonlocal views
            with ThreadPoolExecutor(count) as pool:
                views = sum(pool.map(look, keys[:count], [until] * count))

        return all_look

    one = rpcs_while(service, people(1))
    hundred = rpcs_while(service, people(PEOPLE))
    one_round = 12  # a beat may fall on either side of the border between the two
    minutes = WATCHED_S / 60
    print(  # noqa: T201
        f"slurmctld answered {one / minutes:.1f} RPCs/min with 1 person on the pages and "
        f"{hundred / minutes:.1f} with {PEOPLE} ({views} page views)"
    )
    assert abs(hundred - one) <= one_round


def test_a_thousand_tasks_that_end_at_once_cost_few_questions(service: Service):
    """As many of them run as the QOS allows a user (160); the others wait, and end with them."""
    lab = service.lab
    _install_hook(service)
    experiment = service.experiment(
        "#!/bin/bash\nsleep 3000\n", "qclab", partition="cpu,gpu", mem="100M",
        time_limit_minutes=60,
    )  # fmt: skip
    service.start(experiment, seeds=list(range(TASKS)))
    running_tasks = 0

    def as_many_run_as_may() -> bool:
        nonlocal running_tasks
        before, rows = running_tasks, lab.run("squeue", "-h", "-r", "-t", "R", "-o", "%i")
        running_tasks = len(rows.split())
        return 0 < running_tasks == before

    services.wait_until(as_many_run_as_may, "the array", 120, every_s=10)
    listed = f"experiments/{experiment}/runs?page_size=100&open=true"
    quiet = rpcs_while(service, lambda _until: None)
    lab.reset_rpc_counts()
    began = time.monotonic()
    service.ask("POST", "runs/cancel-mine", body={"cluster": "qclab"})
    services.wait_until(
        lambda: not service.ask("GET", listed)["results"], "the end of every run", 300
    )
    took_s = time.monotonic() - began
    cost = asked(lab)
    lab.clear_hooks()
    print(  # noqa: T201
        f"{TASKS} tasks, {running_tasks} of them running, cancelled at once: all CANCELLED after "
        f"{took_s:.0f} s, {cost} RPCs in that time; {quiet} in {WATCHED_S} s without"
    )
    assert cost - quiet * took_s / WATCHED_S <= 10
    assert "OperationalError" not in (service.folder / "log").read_text()


def _install_hook(service: Service) -> None:
    """The kit's jobcomp script, with the lab's paths in place of /etc/slurm."""
    lab = service.lab
    conf = lab.home / "etc/queuecast-hook.conf"
    conf.write_text(f"URL={service.url}\nTOKEN={service.secrets['hook']}\n")
    conf.chmod(0o600)
    lab.own("slurm", "etc/queuecast-hook.conf")
    post = (KIT / "queuecast-post").read_text()
    (lab.home / "hooks/queuecast-post").write_text(
        post.replace("/etc/slurm/queuecast-hook.conf", str(conf))
    )
    (lab.home / "hooks/queuecast-post").chmod(0o755)
    lab.set_hook("jobcomp", (KIT / "queuecast-jobcomp").read_text())
