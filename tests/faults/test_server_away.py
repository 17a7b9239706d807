"""The server goes away in the middle of a training: nothing is lost, nothing comes twice, and the
training goes on as fast as one that logs nothing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest
import requests

from tests import services
from tests.faults.serving import WebServer, web_server
from tracker.client.onefile import client_source

LOOP = Path(__file__).with_name("training_loop.py")
AWAY_S = float(os.environ.get("AWAY_S", "600"))


@dataclass
class Training:
    process: subprocess.Popen[str]
    steps: int = 0

    def train(self, steps: int) -> float:
        self.steps += steps
        return float(self._ask(str(steps)))

    def flushed(self) -> str:
        """The run's id, when the server has acknowledged everything."""
        return self._ask("flush")

    def _ask(self, line: str) -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def training(kind: str, server: WebServer, folder: Path) -> Iterator[Training]:
    """With the client as it is served, alone in a folder."""
    (folder / "queuecast.py").write_text(client_source())
    shutil.copy(LOOP, folder)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TRACKER_API": f"http://token:{server.tokens[0]}@127.0.0.1:{server.port}",
        "EXPERIMENT_ID": str(server.experiment),
    }
    with subprocess.Popen(
        [sys.executable, folder / LOOP.name, kind],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield Training(process)


@contextmanager
def deaf(port: int) -> Iterator[None]:
    """Takes every connection and never answers: worse than nobody there."""
    with socket.create_server(("127.0.0.1", port), backlog=128):
        yield


def stored(server: WebServer, run: str, name: str) -> dict[str, list[float]]:
    url = f"{server.url}/api/v1/runs/{run}/metrics?name={name}"
    return requests.get(url, headers={"X-Queuecast-Token": server.tokens[0]}, timeout=60).json()


def slowdown(logging: Training, plain: Training, seconds: float, block: int) -> list[float]:
    """Part by which each block of steps took longer than one of the plain loop, in turn."""
    ends_s, parts = time.monotonic() + seconds, []
    while time.monotonic() < ends_s:
        without_s = plain.train(block)
        parts.append(logging.train(block) / without_s - 1)
    return parts


def outage(
    server: WebServer, folder: Path, *, refused_s: float, deaf_s: float, block: int
) -> list[float]:
    """Begin with the server there, lose it, get it back; all steps must have arrived once."""
    (folder / "plain").mkdir()
    (folder / "logging").mkdir()
    with (
        training("plain", server, folder / "plain") as plain,
        training("logging", server, folder / "logging") as logging,
    ):
        server.start()
        logging.train(10)
        server.kill()
        parts = slowdown(logging, plain, refused_s, block)
        with deaf(server.port):
            parts += slowdown(logging, plain, deaf_s, block)
        server.start()
        logging.train(10)
        run = logging.flushed()
        for name in ("loss", "accuracy"):
            curve = stored(server, run, name)
            assert curve["step"] == list(range(logging.steps))
        assert stored(server, run, "loss")["value"] == [1 / (1 + n) for n in range(logging.steps)]
        return parts


def test_all_steps_of_an_outage_arrive_once(tmp_path: Path):
    with web_server() as server:
        outage(server, tmp_path, refused_s=1, deaf_s=0, block=10)


@pytest.mark.prove
def test_an_outage_of_ten_minutes_costs_the_training_under_one_percent():
    with services.folder("queuecast-away-") as folder, web_server() as server:
        parts = outage(server, folder, refused_s=AWAY_S / 2, deaf_s=AWAY_S / 2, block=100)
        cost = median(parts)
        print(  # noqa: T201
            f"away for {AWAY_S:.0f} s: {len(parts)} blocks of 100 steps, slower by "
            f"{100 * cost:.2f} % (from {100 * min(parts):.1f} to {100 * max(parts):.1f} %)"
        )
        assert cost < 0.01
