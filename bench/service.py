"""The whole service by ``manage.py up``, on SQLite in a folder of its own, for benchmarks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.services import answers, free_port, wait_until

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("PATH", "HOME", "LANG")


class Service:
    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.port = free_port()
        self.token = ""
        self.environment = {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            "QUEUECAST_DATA_DIR": str(folder),
            **settings,
        }

    def manage(self, *words: str, check: bool = True) -> str:
        argv = [sys.executable, "manage.py", *words]
        answer = subprocess.run(
            argv, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True, check=check
        )
        return answer.stdout.strip()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "manage.py", *words]
        return subprocess.Popen(argv, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Prefer": "wait=0",
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            told: dict[str, Any] = json.load(answer)
            return told


@contextmanager
def running(service: Service) -> Iterator[int]:
    """Its pid, once it answers."""
    process = service.start("up", "--port", str(service.port), "--no-browser")
    try:
        wait_until(lambda: answers(service.port), "the service", 60)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
