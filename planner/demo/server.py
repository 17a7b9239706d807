"""The demo cluster's server: one thread, one unix socket, one clock."""

from __future__ import annotations

import json
import logging
import os
import select
import shlex
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from planner.demo import client
from planner.demo.calls import Answer, Call
from planner.demo.commands import NAMES, answer
from planner.demo.controller import Controller

log = logging.getLogger(__name__)

MAX_QUESTION_BYTES = 16 * 1024**2
PATIENCE_S = 5.0  # with one caller, while all others wait
LOOKS_EVERY_S = 1.0


class AlreadyRunningError(Exception):
    """Another server answers on the socket."""


def listen(path: Path) -> socket.socket:
    """A listening socket that only this user may connect to; one left by a dead server goes."""
    if path.exists():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
            else:
                raise AlreadyRunningError(f"{path} is in use: a demo cluster already runs there")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener


def install_commands(folder: Path, socket_path: Path) -> None:
    """Write the executables that ask the server at ``socket_path``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # -I and -S: no environment, no site-packages, half the start-up time.
    asks = shlex.join([sys.executable, "-I", "-S", str(Path(client.__file__)), str(socket_path)])
    for name in NAMES:
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {asks} {name} "$@"\n')
        path.chmod(0o700)


def serve(
    controller: Controller,
    listener: socket.socket,
    *,
    stops: Callable[[], bool],
    clock: Callable[[], float] = time.time,
) -> None:
    """Let the cluster's time follow the clock and answer questions, until ``stops()``."""
    while not stops():
        readable, _, _ = select.select([listener], [], [], LOOKS_EVERY_S)
        controller.advance(int(clock()))
        if readable:
            connection, _ = listener.accept()
            with connection:
                _converse(controller, connection)


def _converse(controller: Controller, connection: socket.socket) -> None:
    connection.settimeout(PATIENCE_S)
    try:
        reply = _reply(controller, connection)
        connection.sendall(json.dumps(reply).encode())
    except OSError as error:
        log.warning("demo cluster: a caller went away: %s", error)


def _reply(controller: Controller, connection: socket.socket) -> dict[str, Any]:
    if _peer_uid(connection) != os.getuid():
        said = Answer(stderr="error: Access/permission denied\n", rc=1)
    else:
        call = _read(connection)
        try:
            said = answer(controller, call)
        except Exception:
            # One bad question must not end everybody's jobs; the log has it in full.
            log.exception("demo cluster: %s %s failed", call.command, call.arguments)
            said = Answer(stderr=f"{call.command}: error: Unspecified error\n", rc=1)
    return {
        "stdout": said.stdout,
        "stderr": said.stderr,
        "rc": said.rc,
        "wants_stdin": said.wants_stdin,
    }


def _peer_uid(connection: socket.socket) -> int:
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    return int(struct.unpack("3i", credentials)[1])


def _read(connection: socket.socket) -> Call:
    """The question. Raises OSError if it is too long, too slow, or none."""
    received = bytearray()
    deadline = time.monotonic() + PATIENCE_S
    while chunk := connection.recv(65536):
        received += chunk
        if len(received) > MAX_QUESTION_BYTES or time.monotonic() > deadline:
            raise OSError(f"question of {len(received)} bytes not finished in time")
    try:
        values = json.loads(received)
        return Call(
            values["command"],
            tuple(values["arguments"]),
            values["cwd"],
            values["environment"],
            values.get("stdin"),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(f"question is not one of the client's: {error}") from error
