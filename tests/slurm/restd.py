"""slurmrestd's place taken by a small HTTP server that gives recorded answers."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.slurm.recordings import FOLDER

RECORDED = FOLDER / "22.05-rest"
NOT_FOUND = "Unable find requested URL. Please view /openapi/v3 for API reference."


def answer(name: str) -> str:
    """A recorded answer such as ``slurm_38_jobs``."""
    path = RECORDED / f"{name}.json"
    if path.exists():
        return path.read_text(encoding="utf-8")
    return gzip.decompress(path.with_name(f"{name}.json.gz").read_bytes()).decode("utf-8")


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Restd:
    """``answers`` are status and body by method and path without the query."""

    port: int = 0
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    location: str = ""  # of a redirect
    pause_s: float = 0  # before each byte of an answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def offer(self, *versions: int) -> None:
        paths = {f"/slurm/v0.0.{number}/jobs": {} for number in versions}
        self.answers["GET /openapi/v3"] = (200, json.dumps({"paths": paths}).replace("/", "\\/"))

    @property
    def lines(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]


@contextmanager
def serving(restd: Restd) -> Iterator[Restd]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            restd.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            known = f"{self.command} {self.path.partition('?')[0]}"
            status, text = restd.answers.get(known, (404, NOT_FOUND))
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if "{" in text else "text/plain")
            self.send_header("Content-Length", str(len(text.encode())))
            if restd.location:
                self.send_header("Location", restd.location)
            self.end_headers()
            self.send_body(text.encode())

        def send_body(self, content: bytes) -> None:
            try:
                for byte in content if restd.pause_s else ():
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(restd.pause_s)
                self.wfile.write(b"" if restd.pause_s else content)
            except OSError:
                pass  # the other side has had enough

        do_GET = do_POST = do_DELETE = respond  # noqa: N815 (names of the base class)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    restd.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield restd
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
