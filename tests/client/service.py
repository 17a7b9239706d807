"""A service at the edge of the client: it keeps what arrives, and fails as it is told to."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

RUN = "0190" * 8
Refusal = Callable[[str, str, Any], "tuple[int, dict[str, str]] | None"]


@dataclass
class Service:
    """One run at most. ``refuse`` is asked with method, path and body before anything is kept."""

    port: int = 0
    refuse: Refusal = lambda _method, _path, _body: None
    points: list[dict[str, Any]] = field(default_factory=list)  # as the service keeps them: once
    received: int = 0  # points, repeats among them
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    words: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"http://token:secret@127.0.0.1:{self.port}"

    def values(self, name: str) -> list[Any]:
        return [point["value"] for point in self.points if point["name"] == name]

    def statuses(self) -> list[str]:
        return [words["status"] for words in self.words if "status" in words]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        at = urlsplit(path)
        if re.fullmatch("/experiments/[0-9]+/runs", at.path):
            return self._create(body)
        if method == "GET" and at.path.endswith("/runs"):
            by = dict(parse_qsl(at.query))
            same = [run for run in self.runs if all(str(run[k]) == v for k, v in by.items())]
            return 200, {"results": same}
        if method == "GET":
            return 200, self.runs[0]
        if at.path.endswith("/metrics"):
            self.received += len(body)
            new = {json.dumps(point, sort_keys=True): point for point in body}
            new = {key: point for key, point in new.items() if key not in self._known}
            self._known |= set(new)
            self.points += new.values()
            return 201, {"stored": len(new)}
        if at.path.endswith("/artifacts"):
            self.artifacts.append(body)
            return 201, body
        self.words.append(body)
        return 200, {}

    def _create(self, body: dict[str, Any]) -> tuple[int, Any]:
        same = [run for run in self.runs if body["slurm_job_id"] and body.items() <= run.items()]
        if not same:
            self.runs.append({**body, "run_id": f"{len(self.runs):02}{RUN[2:]}", "attempt": 0})
        return 200 if same else 201, {"run_id": (same or self.runs)[-1]["run_id"]}


@contextmanager
def serving(service: Service) -> Iterator[None]:
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if self.headers["Content-Encoding"] == "gzip":
                data = gzip.decompress(data)
            body = json.loads(data) if data else None
            with lock:
                service.tokens.add(self.headers["Authorization"])
                service.requests.append((self.command, self.path, body))
                refusal = service.refuse(self.command, self.path, body)
                status, headers = refusal or (200, {})
                answer: Any = {"detail": "No."}
                if not refusal:
                    status, answer = service.answer(self.command, self.path, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = do_PATCH = _take  # noqa: N815 (names of http.server)

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", service.port), Handler) as server:
        service.port = server.server_port
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
