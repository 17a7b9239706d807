"""A page with the log on it, answered from real files as the views do, without the service."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.template.loader import render_to_string

from tracker.logs import Unreadable, open_file, read_before, read_piece, search

STATIC = settings.BASE_DIR / "tracker" / "static_site"
STYLES = ("theme", "queuecast", "components", "log")
SCRIPTS = ("log_text", "log_search", "log")
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'"


class LogServer(ThreadingHTTPServer):
    """The page at /, its files, and the log of ``folder``: out.log and err.log."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.folder = folder
        self.is_open = True
        self.slow_s = 0.0
        self.asked: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def page(self) -> str:
        log = {
            "streams": [("out", "Output"), ("err", "Errors")],
            "url": "/log",
            "search_url": "/log/search",
            "is_open": self.is_open,
            "path": str(self.folder / "out.log"),
        }
        styles = "".join(f'<link rel="stylesheet" href="/queuecast/{name}.css">' for name in STYLES)
        scripts = "".join(f'<script src="/queuecast/{name}.js" defer></script>' for name in SCRIPTS)
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<link rel="icon" href="/queuecast/mark.svg">{styles}{scripts}</head><body>'
            '<main class="site-main"><h1>Run</h1>'
            f"{render_to_string('tracker/_log.html', {'log': log})}</main></body></html>"
        )

    def answer(self, path: str, query: dict[str, str]) -> dict[str, object]:
        place = PurePosixPath(self.folder / f"{query['stream']}.log")
        with open_file(place, roots=[str(self.folder)], owner_uid=os.getuid()) as file:
            if path == "/log/search":
                return self.found(file, query)
            if "before" in query:
                piece = read_before(file, end=int(query["before"]))
            else:
                piece = read_piece(file, start=int(query["start"]) if "start" in query else None)
            return asdict(piece) | {"is_open": self.is_open, "path": str(place)}

    def found(self, file: BinaryIO, query: dict[str, str]) -> dict[str, object]:
        start, ignore_case = int(query["start"]), "ignore_case" in query
        found = search(file, query["q"], start=start, max_bytes=1_000_000, ignore_case=ignore_case)
        hits = [{"offset": hit.offset, "line": hit.line_text} for hit in found.hits]
        return {"hits": hits, "next_start": found.next_start}


class Answers(BaseHTTPRequestHandler):
    server: LogServer

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/":
            self._send(200, "text/html; charset=utf-8", self.server.page().encode())
        elif url.path.startswith("/queuecast/"):
            kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
            body = (STATIC / url.path.lstrip("/")).read_bytes()
            self._send(200, kind[url.path.rpartition(".")[2]], body)
        else:
            self._send_log(url.path, dict(parse_qsl(url.query)))

    def _send_log(self, path: str, query: dict[str, str]) -> None:
        server = self.server
        server.asked.append(query)
        time.sleep(server.slow_s)
        try:
            status, kind, answer = 200, "application/json", server.answer(path, query)
        except Unreadable as refused:
            status = 404 if refused.kind == "absent" else 403
            kind = "application/problem+json"
            answer = {"title": "Refused", "detail": refused.message, "status": status}
        self._send(status, kind, json.dumps(answer).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
