"""The unix users of the test clusters. They belong to the machine: clusters that run at the same
time share them, and they and their homes in /home stay when a cluster goes."""

from __future__ import annotations

import fcntl
import os
import pwd
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.configuration import USERS

HOMES = Path("/home")
TESTERS = "qc-people"  # the group of USERS
SERVICE = "qc-service"  # as whom a service runs that submits by sudo
# sshd without PAM refuses a locked account ("!"); "*" matches no password and is not locked.
ACCOUNT = ("--password", "*", "--shell", "/bin/bash")


def settle() -> None:
    """Make the users as the tests want them, also out of those that an older lab left."""
    with _one_at_a_time():
        subprocess.run(["groupadd", "--force", TESTERS], check=True)
        for name in USERS:
            _user(name, "--groups", TESTERS)
        _user(SERVICE, "--groups", "")
        _name_this_host()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    folder = os.open(HOMES, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _user(name: str, *more: str) -> None:
    home = HOMES / name
    verb = "usermod" if any(entry.pw_name == name for entry in pwd.getpwall()) else "useradd"
    options = [*ACCOUNT, "--home", str(home), *more]
    subprocess.run([verb, *options, name], check=True, stdout=subprocess.DEVNULL)
    home.mkdir(exist_ok=True)
    home.chmod(0o700)
    entry = pwd.getpwnam(name)
    os.chown(home, entry.pw_uid, entry.pw_gid)


def host_name() -> str:
    return socket.gethostname().partition(".")[0]


def _name_this_host() -> None:
    """Slurm's daemons look their host up by name."""
    host, hosts = host_name(), Path("/etc/hosts")
    if not any(host in line.split()[1:] for line in hosts.read_text().splitlines()):
        with hosts.open("a") as file:
            file.write(f"127.0.0.1 {host}\n")
