"""Real services for tests, each started from nothing in a folder of its own and ended by pid.

``python -m tests.services COMMAND…`` runs a command with DATABASE_URL and BROKER_URL set to a
fresh PostgreSQL and a fresh Redis.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def program(name: str, *elsewhere: str) -> str:
    """Path of a program that a service test needs: skipped without it, a failure under CI."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *elsewhere]))
    if found:
        return found
    reason = f"{name} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true allows no skipped service", pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(
    ready: Callable[[], bool], what: str, seconds: float = 30, *, every_s: float = 0.1
) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not ready within {seconds:.0f} s")
        time.sleep(every_s)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def folder(prefix: str, owner: pwd.struct_passwd | None = None) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=prefix))
    if owner:
        os.chown(path, owner.pw_uid, owner.pw_gid)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def postgres() -> Iterator[str]:
    """URL of an empty database of a private PostgreSQL server on loopback."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    bin_folder = Path(program("initdb", *map(str, versions))).resolve().parent
    # PostgreSQL refuses to run as root.
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    port = free_port()
    with folder("queuecast-postgres-", owner) as home:
        data = home / "data"
        subprocess.run(
            [bin_folder / "initdb", "-D", data, "-U", "queuecast", "-A", "trust", "-N"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=home,
            **user,
        )
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    *(bin_folder / "postgres", "-D", data, "-p", str(port), "-c", "fsync=off"),
                    *("-c", "listen_addresses=127.0.0.1"),
                    *("-c", f"unix_socket_directories={home}"),
                ],
                stderr=log,
                cwd=home,
                **user,
            )
        try:
            is_ready = [bin_folder / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            wait_until(lambda: subprocess.run(is_ready, check=False).returncode == 0, "PostgreSQL")
            yield f"postgres://queuecast@127.0.0.1:{port}/postgres"
        finally:
            end(server)


@contextmanager
def redis() -> Iterator[str]:
    """URL of a private Redis server on loopback that keeps nothing."""
    server_program = program("redis-server")
    port = free_port()
    with folder("queuecast-redis-") as home:
        server = subprocess.Popen(
            [server_program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
            stdout=subprocess.DEVNULL,
            cwd=home,
        )
        try:
            wait_until(lambda: answers(port), "Redis")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            end(server)


def main() -> int:
    with postgres() as database_url, redis() as broker_url:
        environment = os.environ | {"DATABASE_URL": database_url, "BROKER_URL": broker_url}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
