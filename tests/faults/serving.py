"""The web process of ``manage.py up`` alone, on a database and a port of its own, to be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import services
from tracker import embedded

ROOT = Path(__file__).resolve().parents[2]
SETTLE = """
import json
from django.contrib.auth.models import User
from django.core.management import call_command
from tracker.models import Actor, Experiment, Token
from tracker.recording import create_run
call_command("migrate", verbosity=0)
user = User.objects.create_user("trainer")
experiment = Experiment.objects.create(owner=user, name="faults")
runs = [create_run(experiment, actor=Actor(user))[0].pk for _ in range(%d)]
issued = [Token.issue(user=user, scope="user")[1] for _ in range(%d)]
print(json.dumps([experiment.pk, runs, issued]))
"""
# Points become chunks without a pause while others are written: what the worker does now and then.
SEAL = """
import time
from datetime import UTC, datetime, timedelta
from tracker.recording import seal_points
while True:
    seal_points(datetime.now(UTC), quiet_for=timedelta(0))
    time.sleep(0.05)
"""


@dataclass
class WebServer:
    port: int
    environment: dict[str, str]
    log: Path
    experiment: int = 0
    runs: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, with_sealing: bool = False) -> None:
        """Returns when it answers."""
        web = embedded.programs("127.0.0.1", self.port, demo=False)[0]
        self._run(web.argv)
        if with_sealing:
            self._run(_shell(SEAL))
        services.wait_until(lambda: services.answers(self.port), "the web server", 120)

    def kill(self) -> None:
        """SIGKILL to every process at once: nobody tidies up."""
        ended = [process.args for process in self.processes if process.poll() is not None]
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self.processes.clear()
        if ended:
            raise RuntimeError(f"{ended} ended by itself:\n{self.log.read_text()[-2000:]}")

    def settle(self, *, runs: int, tokens: int) -> None:
        answer = subprocess.run(
            _shell(SETTLE % (runs, tokens)),
            cwd=ROOT, env=self.environment, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout  # fmt: skip
        self.experiment, self.runs, self.tokens = json.loads(answer.splitlines()[-1])

    def _run(self, argv: Sequence[str]) -> None:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                argv,
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)


@contextmanager
def web_server(*, database_url: str = "", runs: int = 1, tokens: int = 1) -> Iterator[WebServer]:
    """One that is settled and not started; no URL means SQLite."""
    with services.folder("queuecast-faults-") as folder:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "SECRET_KEY")}
        environment = kept | {
            "DJANGO_SETTINGS_MODULE": "tracker.settings",
            "QUEUECAST_DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
        }
        server = WebServer(services.free_port(), environment, folder / "log")
        server.settle(runs=runs, tokens=tokens)
        try:
            yield server
        finally:
            server.kill()


def _shell(code: str) -> list[str]:
    return [sys.executable, "manage.py", "shell", "-v", "0", "--no-imports", "-c", code]
