"""The whole service in front of the test cluster: ``manage.py up`` with its real workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests

from tests import services
from tests.cluster import people
from tests.cluster.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
QUEUE_S, ACCOUNTING_S = 5, 10  # between two polls
FAST = {"POLL_QUEUE_S": str(QUEUE_S), "POLL_ACCOUNTING_S": str(ACCOUNTING_S)}
WAYS = ("sudo", "ssh", "slurmrestd")  # clusters of these names are one Slurm, reached in three ways
# Staff's part, done once: people, who they are on each cluster, and how each cluster is reached.
SETTLE = """
import json, sys
from datetime import timedelta
from django.contrib.auth.models import User
from tracker.models import Cluster, ClusterAccount, Token
given = json.load(sys.stdin)
secrets = {}
Cluster.objects.all().delete()
staff = User.objects.get(username="admin")
_, secrets["admin"] = Token.issue(user=staff, scope="user")
_, secrets["hook"] = Token.issue(user=staff, scope="webhook")
for fields in given["clusters"]:
    Cluster.objects.create(**fields)
for name in given["people"]:
    user = User.objects.create_user(name)
    for cluster in Cluster.objects.all():
        ClusterAccount.objects.create(user=user, cluster=cluster, unix_name=name)
    _, secrets[name] = Token.issue(user=user, scope="user")
print(json.dumps(secrets))
"""


@dataclass
class Service:
    """A running service; ``secrets`` are tokens by user, and ``hook`` for the epilog."""

    lab: Lab
    folder: Path
    port: int
    paces: dict[str, str]
    stores: dict[str, str]  # DATABASE_URL and BROKER_URL, of its own; empty: SQLite and files
    process: subprocess.Popen[bytes] = field(init=False)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Of its own processes, and of commands beside them."""
        names = ("PATH", "HOME", "USER", "LANG", "SECRET_KEY")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return (
            kept
            | self.stores
            | {
                "SLURM_CONF": self.lab.environment["SLURM_CONF"],
                "QUEUECAST_SSH_CONFIG": str(self.lab.ssh_config),
                # by name: a loopback address is refused, since it is every node's own
                "QUEUECAST_PUBLIC_URL": f"http://{people.host_name()}:{self.port}",
                "FORECAST_S": "3600",
                **self.paces,
            }
        )

    def ask(self, method: str, path: str, *, who: str = "qc-alice", body: Any = None) -> Any:
        """The JSON of /api/v1; a refusal is an error that shows what was said."""
        answer = requests.request(
            method,
            f"{self.url}/api/v1/{path}",
            json=body,
            headers={"X-Queuecast-Token": self.secrets[who]},
            timeout=30,
        )
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def experiment(self, script: str, cluster: str, *, who: str = "qc-alice", **asked: Any) -> int:
        request = {"cluster": cluster, "time_limit_minutes": 10, "partition": "cpu"} | asked
        body = {"name": "vit", "cluster": cluster, "batch_script": script, "requests": [request]}
        return self.ask("POST", "experiments", who=who, body=body)["id"]

    def start(
        self, experiment: int, *, key: str = "k", who: str = "qc-alice", **wish: Any
    ) -> list[str]:
        """Ids of the runs that were started."""
        path = f"experiments/{experiment}/start"
        started = self.ask("POST", path, who=who, body={"key": key, **wish})
        return [run["run_id"] for run in started["runs"]]

    def run(self, run_id: str, *, who: str = "qc-alice") -> dict[str, Any]:
        return self.ask("GET", f"runs/{run_id}", who=who)

    def output(self, run: dict[str, Any]) -> str:
        """What the job of a run of qc-alice has written; slurmrestd makes no folder for it."""
        folder = "" if run["cluster"] == "slurmrestd" else "jobs/"
        path = self.lab.home / f"work/qc-alice/{folder}{run['slurm_job_id']}.out"
        return path.read_text()

    def wait_for(
        self, run_id: str, *statuses: str, seconds: float = 60, who: str = "qc-alice"
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def has_come() -> bool:
            found.update(self.run(run_id, who=who))
            return found["status"] in statuses

        try:
            services.wait_until(has_come, f"{' or '.join(statuses)} of {run_id}", seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it is {found}") from None
        return found

    def manage(self, *words: str, stdin: str = "") -> str:
        command = [sys.executable, "manage.py", *words, "--data-dir", str(self.folder)]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, input=stdin, text=True, check=True,
            capture_output=True,
        ).stdout  # fmt: skip


@contextmanager
def running(
    lab: Lab, *, ways: Sequence[str] = WAYS, paces: dict[str, str] = FAST
) -> Iterator[Service]:
    """Each of ``ways`` is a cluster to the service, though all are the one of the lab."""
    with services.folder("queuecast-service-") as folder:
        _prepare_rest(lab, folder)
        port = services.free_port()
        service = Service(lab, folder, port, paces, _own_stores(port))
        command = [sys.executable, "manage.py", "up", "--no-browser", "--port", str(service.port)]
        with (folder / "log").open("wb") as log:
            service.process = subprocess.Popen(
                [*command, "--data-dir", str(folder)],
                cwd=ROOT,
                env=service.environment,
                stdout=log,
                stderr=log,
            )
            try:
                services.wait_until(_is_up(service), "the service", 90)
                service.secrets = _settle(service, ways)
                yield service
            finally:
                services.end(service.process)


def _own_stores(port: int) -> dict[str, str]:
    """Where the tests run on PostgreSQL and Redis, a database of each for this service alone: two
    services on one would follow each other's clusters."""
    url, broker = os.environ.get("DATABASE_URL"), os.environ.get("BROKER_URL")
    if not url or not broker:
        return {}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "service{port}"')
    return {
        "DATABASE_URL": url.rpartition("/")[0] + f"/service{port}",
        "BROKER_URL": broker.rpartition("/")[0] + f"/{port % 7 + 1}",
    }


def _is_up(service: Service) -> Callable[[], bool]:
    def is_up() -> bool:
        if service.process.poll() is not None:
            raise RuntimeError((service.folder / "log").read_text())
        return services.answers(service.port)

    return is_up


def _settle(service: Service, ways: Sequence[str]) -> dict[str, str]:
    lab = service.lab
    shared = {
        "location": str(lab.commands),
        "ssh_host": "qclab",
        "rest_url": lab.rest_url,
        "service_user": "qc-frank",
        "work_dir": f"{lab.home}/work/{{user}}",
        "log_roots": [f"{lab.home}/work"],
    }
    clusters = [
        {"name": way, "submit_as": way, "transport": "local" if way == "sudo" else way, **shared}
        for way in ways
    ]
    given = json.dumps({"clusters": clusters, "people": ["qc-alice", "qc-bob", "qc-carol"]})
    return json.loads(service.manage("shell", "-v", "0", "-c", SETTLE, stdin=given))


def _prepare_rest(lab: Lab, folder: Path) -> None:
    """What a site does for it: a folder, and by cron a JWT a user where the service looks."""
    # slurmrestd makes no folder for a job's output
    output = lab.home / "work/qc-alice/jobs"
    output.mkdir(parents=True, exist_ok=True)
    lab.own("qc-alice", "work/qc-alice", "work/qc-alice/jobs")
    jwts = folder / "jwt" / "slurmrestd"
    jwts.mkdir(mode=0o700, parents=True)
    for user in ("qc-alice", "qc-bob", "qc-carol", "qc-frank"):
        (jwts / user).write_text(lab.jwt(user))
