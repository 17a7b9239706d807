"""One question to slurmrestd over HTTP and its answer: bounded in time and size, no redirects."""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tracker.slurm.errors import SlurmUnavailable

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Address:
    """Of ``http://host:port``, ``https://…`` with or without a path before Slurm's own, or
    ``unix:/path`` of a socket."""

    url: str
    scheme: str
    host: str
    port: int | None
    path: str  # of the socket, or before every path of Slurm's

    def connect(self, timeout_s: float) -> http.client.HTTPConnection:
        if self.scheme == "unix":
            return _UnixConnection(self.path, timeout_s)
        if self.scheme == "https":
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout_s)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)

    def target(self, path: str) -> str:
        return path if self.scheme == "unix" else self.path + path


def read_address(url: str) -> Address:
    """ValueError, with the cure, for what is no address of slurmrestd."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is no address: {error}") from error
    is_socket = parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc
    is_host = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    if not (is_socket or is_host) or parts.query or parts.fragment or not url.isprintable():
        raise ValueError(
            f"{url!r} is no address of slurmrestd; give http://host:6820, https://host or "
            "unix:/path"
        )
    return Address(url, parts.scheme, parts.hostname or "", port, parts.path.rstrip("/"))


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    media_type: str
    text: str


def exchange(
    address: Address,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    timeout_s: float,
    max_output_bytes: int,
) -> Answer:
    """Whatever the status is; SlurmUnavailable where nothing whole came back in time."""
    deadline = time.monotonic() + timeout_s
    asked = f"{method} {path.partition('?')[0]} of {address.url}"
    try:
        connection = address.connect(timeout_s)
        try:
            connection.request(method, address.target(path), body, dict(headers))
            response = _Response(connection.sock, method, deadline)
            response.begin()
            content = _read(response, max_output_bytes)
        finally:
            connection.close()
    except TimeoutError as error:
        raise SlurmUnavailable(f"{asked}: no whole answer in time") from error
    except _TooLongError as error:
        raise SlurmUnavailable(f"{asked}: more than {max_output_bytes} bytes came") from error
    except (OSError, http.client.HTTPException) as error:
        why = (isinstance(error, OSError) and error.strerror) or str(error) or repr(error)
        raise SlurmUnavailable(f"{asked}: {why}; does slurmrestd run there?") from error
    media_type = response.headers.get_content_type()
    return Answer(response.status, media_type, content.decode("utf-8", "replace"))


class _TooLongError(Exception):
    """More came than is wanted."""


def _read(response: http.client.HTTPResponse, max_output_bytes: int) -> bytes:
    content = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        content += chunk
        if len(content) > max_output_bytes:
            raise _TooLongError
    if response.length:  # the connection ended before what was promised
        raise http.client.IncompleteRead(bytes(content[:80]), response.length)
    return bytes(content)


class _Response(http.client.HTTPResponse):
    """An answer that must have come by a moment, however slowly its bytes do."""

    def __init__(self, sock: socket.socket, method: str, deadline: float) -> None:
        super().__init__(sock, method=method)
        self.fp.close()
        self.fp = io.BufferedReader(_UntilDeadline(sock, deadline))


class _UntilDeadline(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.sock, self.deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self.sock.settimeout(left_s)
        return self.sock.recv_into(buffer)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)
