"""The servers that ``bench/tracking.py`` compares, each with one web worker and a fresh database.

Ours is started by the command that ``manage.py up`` starts its web process with, and the bare view
by the same. MLflow's is started as its manual says, without what it runs beside tracking (jobs) and
without its access log, both in its favour: ours has neither.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench import idle
from tests import services

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("PATH", "HOME", "USER", "LANG", "TMPDIR")


@dataclass
class Server:
    pid: int
    port: int
    database_pids: Sequence[int] = ()  # of a PostgreSQL that works for it
    told: Mapping[str, Any] = field(default_factory=dict)  # what its preparation answered

    def cpu_s(self) -> float:
        """Of all its processes since they began, and of its database's."""
        pids = [below for root in (self.pid, *self.database_pids) for below in idle.tree(root)]
        return sum(idle.cpu_s(pid) for pid in pids)

    def pss_mib(self) -> float:
        return sum(idle.pss_mib(pid) for pid in idle.tree(self.pid))


@dataclass(frozen=True)
class Place:
    """Where a server keeps what it has: a folder, and a database of PostgreSQL if one is given."""

    folder: Path
    postgres_url: str | None = None

    def database_url(self, name: str) -> str | None:
        """A new, empty database; None: SQLite."""
        if self.postgres_url is None:
            return None
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.postgres_url.rpartition("/")[0] + f"/{name}"

    def database_pids(self) -> list[int]:
        if self.postgres_url is None:
            return []
        with psycopg.connect(self.postgres_url) as connection:
            own = connection.info.backend_pid
            return [int(Path(f"/proc/{own}/stat").read_text().rsplit(")", 1)[1].split()[1])]


def ours_with(place: Place, database_url: str | None) -> dict[str, str]:
    """The environment of our processes."""
    return _environment() | {
        "DJANGO_SETTINGS_MODULE": "tracker.settings",
        "QUEUECAST_DATA_DIR": str(place.folder),
        **({"DATABASE_URL": database_url} if database_url else {}),
    }


@contextmanager
def ours(place: Place) -> Iterator[tuple[Server, dict[str, str]]]:
    """The server, which was told an experiment and tokens, and the environment of its processes."""
    port, database_url = services.free_port(), place.database_url("ours")
    environment = ours_with(place, database_url)
    told = in_django(environment, "prepare", port=port)
    with _running(told["argv"], environment, place.folder, port) as pid:
        yield Server(pid, port, place.database_pids(), told), environment


@contextmanager
def ours_whole(place: Place, environment: Mapping[str, str]) -> Iterator[Server]:
    """``manage.py up`` on the same data, beside the server that is there already."""
    port = services.free_port()
    words = [sys.executable, "manage.py", "up", "--no-browser", "--port", str(port)]
    with _running(words, environment, place.folder, port) as pid:
        yield Server(pid, port)


@contextmanager
def bare(place: Place, argv: Sequence[str], port_of_ours: int) -> Iterator[Server]:
    """The same gunicorn with the same settings of the database in front of one plain view."""
    port, database_url = services.free_port(), place.database_url("bare")
    words = [word.replace(str(port_of_ours), str(port)) for word in argv]
    words[words.index("tracker.wsgi")] = "bench.tracking_bare"
    with _running(words, ours_with(place, database_url), place.folder, port) as pid:
        yield Server(pid, port, place.database_pids())


@contextmanager
def mlflow(place: Place, python: Path, *, with_jobs: bool = False) -> Iterator[tuple[Server, str]]:
    """The server, and the URI of its database."""
    port = services.free_port()
    name = "mlflow_with_jobs" if with_jobs else "mlflow"
    url = place.database_url(name) or f"sqlite:///{place.folder}/{name}.sqlite3"
    uri = url.replace("postgres://", "postgresql+psycopg2://")
    words = [
        *(str(python), "-m", "mlflow", "server", "--backend-store-uri", uri),
        *("--default-artifact-root", str(place.folder / "artifacts")),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--uvicorn-opts", "--no-access-log"),
    ]
    environment = _environment() | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": str(with_jobs).lower(),
    }
    with _running(words, environment, place.folder, port) as pid:
        yield Server(pid, port, place.database_pids()), uri


def in_django(environment: Mapping[str, str], deed: str, **asked: object) -> dict[str, Any]:
    """What a function of ``bench.tracking_ours`` answers, called inside our service's settings."""
    code = f"from bench.tracking_ours import told; told({deed!r}, {json.dumps(asked)!r})"
    command = [sys.executable, "manage.py", "shell", "-v", "0", "--no-imports", "-c", code]
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    told: dict[str, Any] = json.loads(answer.splitlines()[-1])
    return told


@contextmanager
def _running(
    words: Sequence[str], environment: Mapping[str, str], folder: Path, port: int
) -> Iterator[int]:
    path = folder / f"log-{port}"
    with path.open("wb") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def is_up() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{words[:4]} ended at once:\n{path.read_text()[-2000:]}")
        return services.answers(port)

    try:
        services.wait_until(is_up, " ".join(words[1:4]), 120)
        yield process.pid
    finally:
        services.end(process)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1", "SECRET_KEY": "of-the-bench-only-" + "x" * 40}
