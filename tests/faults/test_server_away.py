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
from typing import NamedTuple

import pytest
import requests

from tests import services
from tests.faults.serving import WebServer, web_server
from tracker.client.onefile import client_source

LOOP = Path(__file__).with_name("training_loop.py")
STEPS = 100  # of a block: some 5 s
AWAY_S = float(os.environ.get("AWAY_S", "600"))


class Block(NamedTuple):
    """Steps that were made one after another."""

    wall_s: float
    cpu_s: float


Pair = tuple[Block, Block]  # with logging, and without


@dataclass
class Training:
    process: subprocess.Popen[str]
    steps: int = 0

    def train(self, steps: int) -> Block:
        self.steps += steps
        return Block(*map(float, self._ask(str(steps)).split()))

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


def in_turn(logging: Training, plain: Training, seconds: float, steps: int) -> list[Pair]:
    """Blocks of as many steps with and without logging, each pair one after the other."""
    ends_s, pairs = time.monotonic() + seconds, []
    while time.monotonic() < ends_s:
        without = plain.train(steps)
        pairs.append((logging.train(steps), without))
    return pairs


def outage(
    server: WebServer, folder: Path, *, refused_s: float, deaf_s: float, steps: int
) -> list[Pair]:
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
        pairs = in_turn(logging, plain, refused_s, steps)
        with deaf(server.port):
            pairs += in_turn(logging, plain, deaf_s, steps)
        server.start()
        logging.train(10)
        run = logging.flushed()
        for name in ("loss", "accuracy"):
            curve = stored(server, run, name)
            assert curve["step"] == list(range(logging.steps))
        assert stored(server, run, "loss")["value"] == [1 / (1 + n) for n in range(logging.steps)]
        return pairs


def test_all_steps_of_an_outage_arrive_once(tmp_path: Path):
    with web_server() as server:
        outage(server, tmp_path, refused_s=1, deaf_s=0, steps=10)


@pytest.mark.prove
def test_an_outage_of_ten_minutes_costs_the_training_under_one_percent():
    with services.folder("queuecast-away-") as folder, web_server() as server:
        pairs = outage(server, folder, refused_s=AWAY_S / 2, deaf_s=AWAY_S / 2, steps=STEPS)
        slower = [logging.wall_s / plain.wall_s - 1 for logging, plain in pairs]
        cpu_ms = [1000 * (logging.cpu_s - plain.cpu_s) / STEPS for logging, plain in pairs]
        print(  # noqa: T201
            f"away for {AWAY_S:.0f} s, {len(pairs)} pairs of {STEPS} steps: slower by "
            f"{100 * median(slower):.2f} % (from {100 * min(slower):.1f} to "
            f"{100 * max(slower):.1f} %), {median(cpu_ms):.2f} ms of CPU a step"
        )
        assert median(slower) < 0.01
