"""``manage.py up`` itself: the whole service on a free port, in a folder of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.services import folder, free_port, wait_until
from tests.tracker.fake_slurm import FakeSlurm
from tests.tracker.processes import children, command_line, descendants, is_alive

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"http://\S+/signin\?token=\S+")
PROGRAMS = ("gunicorn", "-Q poll", "-Q compute", "-Q ask", "beat")


class Service:
    """One start; ``slurm`` stands on PATH as a site's own would."""

    def __init__(self, data_dir: Path, slurm: FakeSlurm) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.log = data_dir / f"log-{self.port}"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "BROKER_URL", "QUEUECAST_DATA_DIR")
        }
        self.environment["PATH"] = f"{slurm.folder}:{os.environ['PATH']}"
        self.process = self.up()
        wait_until(lambda: self.link is not None, "the printed link", 60)

    def up(self) -> subprocess.Popen[bytes]:
        words = ["--port", str(self.port), "--data-dir", str(self.data_dir), "--no-browser"]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "up", *words],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def link(self) -> str | None:
        if self.process.poll() is not None:
            raise RuntimeError("up ended early:\n" + self.log.read_text())
        match = LINK.search(self.log.read_text())
        return match[0] if match else None

    def program(self, words: str) -> int | None:
        pids = children(self.process.pid)
        return next((pid for pid in pids if words in command_line(pid)), None)

    def is_whole(self) -> bool:
        return all(self.program(words) for words in PROGRAMS)

    def count(self, table: str, where: str = "1") -> int:
        with closing(sqlite3.connect(self.data_dir / "queuecast.sqlite3", timeout=20)) as base:
            row = base.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone()  # noqa: S608
            return int(row[0])

    def end(self, number: int = signal.SIGTERM) -> list[int]:
        """What is left of its processes after the signal."""
        pids = descendants(self.process.pid)
        self.process.send_signal(number)
        self.process.wait(20)
        return [pid for pid in pids if is_alive(pid)]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> FakeSlurm:
    return FakeSlurm(tmp_path_factory.mktemp("slurm"))


@pytest.fixture(scope="module")
def service(slurm: FakeSlurm) -> Iterator[Service]:
    with folder("queuecast-up-") as data_dir:
        service = Service(data_dir, slurm)
        yield service
        if service.process.poll() is None:
            service.end()


def test_the_printed_link_signs_in(service: Service) -> None:
    assert service.link is not None
    assert service.log.read_text().count("/signin?token=") == 1
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(service.link, timeout=20) as answer:
        assert answer.status == 200
        assert "/signin" not in answer.url


def test_a_slurm_on_path_is_followed_at_once(service: Service) -> None:
    good = "ok AND command IN ('squeue', 'sacct', 'nodes')"
    wait_until(lambda: service.count("tracker_poll", good) >= 3, "the first polls", 60)
    assert service.count("tracker_cluster", "name = 'lab' AND NOT is_demo") == 1
    assert service.count("tracker_job", "state = 'PENDING'") > 100


def test_a_second_service_on_the_same_folder_is_refused(service: Service) -> None:
    second = service.up()
    assert second.wait(30) == 1
    said = service.log.read_text()
    assert f"already runs on {service.data_dir} (process {service.process.pid})" in said
    assert service.is_whole()


def test_programs_killed_hard_are_replaced(service: Service) -> None:
    wait_until(service.is_whole, "all programs")
    killed = [pid for words in PROGRAMS if (pid := service.program(words))]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)

    def is_mended() -> bool:
        return service.is_whole() and not {service.program(w) for w in PROGRAMS} & set(killed)

    wait_until(is_mended, "new programs", 30)
    beat_pid = service.data_dir / "beat.pid"
    wait_until(
        lambda: beat_pid.exists() and beat_pid.read_text().strip() == str(service.program("beat")),
        "beat's own pid file",
    )


def test_a_second_start_goes_on_with_all_data(service: Service, slurm: FakeSlurm) -> None:
    jobs = service.count("tracker_job")
    assert service.end(signal.SIGTERM) == []
    assert service.process.returncode == 0
    again = Service(service.data_dir, slurm)
    try:
        assert again.count("tracker_job") >= jobs > 0
        assert again.count("auth_user") == again.count("tracker_cluster") == 1
        assert again.count("tracker_token", "scope = 'signin'") == 1
        assert again.end(signal.SIGINT) == []
    finally:
        again.process.kill()


def test_a_taken_port_is_told_before_anything_starts(service: Service, slurm: FakeSlurm) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ["--port", str(port), "--data-dir", str(service.data_dir / "other")]
        done = subprocess.run(
            [sys.executable, "manage.py", "up", *words],
            cwd=ROOT,
            env=service.environment,
            check=False,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr
