"""What every part of the test cluster builds on: its folder, its ports, commands and daemons."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests import services
from tests.cluster.configuration import Ports

SBIN = "/usr/sbin"
DAEMONS = (b"slurm", b"munged", b"mariadbd", b"sshd")


@dataclass(frozen=True)
class Place:
    home: Path
    ports: Ports

    @property
    def environment(self) -> dict[str, str]:
        """With which Slurm's commands speak to this cluster and no other."""
        path = os.environ.get("PATH", "/usr/bin:/bin")
        return {"PATH": path, "SLURM_CONF": str(self.home / "etc/slurm.conf"), "LC_ALL": "C.UTF-8"}

    def run(self, *argv: str, user: str | None = None, stdin: str = "") -> str:
        """Standard output of a Slurm command, as root or as one of the testers."""
        as_user = ["runuser", "-u", user, "--"] if user else []
        answer = subprocess.run(
            [*as_user, *argv],
            check=False,
            input=stdin,
            env=self.environment,
            cwd=self.home / "work",
            capture_output=True,
            text=True,
            timeout=60,
        )
        if answer.returncode:
            raise RuntimeError(f"{' '.join(argv)}: {answer.stderr.strip()}")
        return answer.stdout

    def answers(self, *argv: str) -> bool:
        answer = subprocess.run(argv, env=self.environment, capture_output=True, check=False)
        return answer.returncode == 0

    def wait(self, ready: Callable[[], bool], what: str, seconds: float = 40) -> None:
        try:
            services.wait_until(ready, what, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; see {self.home}/log") from None

    # --- daemons
    def start(self, *argv: str, user: str | None = None) -> None:
        """Start a daemon that goes to the background by itself and writes its own pid file."""
        subprocess.run([*_as(user), *_found(argv)], env=self.environment, check=True)

    def start_behind(self, name: str, *argv: str, user: str | None = None, **more: str) -> None:
        """Start a daemon that would stay in the foreground, with a log and a pid file ``name``."""
        # setsid --fork: no child of ours, so that it leaves no zombie; exec keeps the pid
        to_background = ["setsid", "--fork", "sh", "-c", 'echo $$ >"$0"; exec "$@"']
        words = [*to_background, str(self.pid_file(name)), *_as(user), *_found(argv)]
        with (self.home / f"log/{name}.log").open("ab") as log:
            environment = self.environment | more
            subprocess.run(words, stdout=log, stderr=log, env=environment, check=True)

    def stop(self, daemon: str) -> None:
        """End one daemon (slurmctld, slurmdbd, slurmd.cpu01) as an outage would."""
        if pid := self.pid_of(daemon):
            os.kill(pid, signal.SIGTERM)
            services.wait_until(lambda: not Path(f"/proc/{pid}").exists(), f"the end of {daemon}")

    def pid_file(self, daemon: str) -> Path:
        return self.home / f"run/{daemon}.pid"

    def pid_of(self, daemon: str) -> int | None:
        """The running daemon of a pid file, None if the pid now belongs to another program."""
        try:
            pid = int(self.pid_file(daemon).read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (ValueError, OSError):
            return None
        return pid if any(name in command for name in DAEMONS) else None

    # --- files
    def write(self, name: str, text: str, mode: int) -> None:
        """Put a file under the lab's folder, whole: whoever reads it meanwhile has the old one."""
        path = self.home / name
        new = path.with_name(f"{path.name}.new")
        new.write_text(text)
        new.chmod(mode)
        new.replace(path)

    def own(self, user: str, *names: str) -> None:
        entry = pwd.getpwnam(user)
        for name in names:
            os.chown(self.home / name, entry.pw_uid, entry.pw_gid)


def _as(user: str | None) -> list[str]:
    if user is None:
        return []
    group = str(pwd.getpwnam(user).pw_gid)
    return ["setpriv", "--reuid", user, "--regid", group, "--clear-groups"]


def _found(argv: tuple[str, ...]) -> list[str]:
    return [services.program(argv[0], SBIN), *argv[1:]]
