"""A real Slurm on one machine: munge, MariaDB, slurmdbd, slurmctld and 22 slurmd on loopback.

Needs root and Debian's packages (see PROGRAMS). Everything lives in one folder, so that several
can run beside each other and a site's own Slurm stays untouched; daemons are ended by pid.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests import services
from tests.cluster import configuration
from tests.cluster.configuration import Ports

PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "mariadb-install-db")
SBIN = "/usr/sbin"
FOLDERS = ("etc", "run", "log", "ctld", "spool", "dev", "db", "munge", "work")


@dataclass(frozen=True)
class Lab:
    home: Path
    ports: Ports

    @property
    def environment(self) -> dict[str, str]:
        """With which Slurm's commands speak to this cluster and no other."""
        path = os.environ.get("PATH", "/usr/bin:/bin")
        return {"PATH": path, "SLURM_CONF": str(self.home / "etc/slurm.conf"), "LC_ALL": "C.UTF-8"}

    def run(self, *argv: str, user: str | None = None) -> str:
        """Standard output of a Slurm command, as root or as one of the testers."""
        as_user = ["runuser", "-u", user, "--"] if user else []
        answer = subprocess.run(
            [*as_user, *argv],
            check=False,
            env=self.environment,
            cwd=self.home / "work",
            capture_output=True,
            text=True,
            timeout=60,
        )
        if answer.returncode:
            raise RuntimeError(f"{' '.join(argv)}: {answer.stderr.strip()}")
        return answer.stdout

    # --- up
    def boot(self) -> None:
        """From nothing or from any leftover state; ends when every node is idle."""
        for program in PROGRAMS:
            services.program(program, SBIN)
        self.halt()
        shutil.rmtree(self.home, ignore_errors=True)
        self._lay_out()
        self._start_munge()
        self._start_mariadb()
        self._daemon("slurmdbd", as_slurm=True)
        self._wait(lambda: self._answers("sacctmgr", "-n", "show", "cluster"), "slurmdbd")
        self._start_slurm()
        self._fill_accounting()

    def _lay_out(self) -> None:
        self.home.mkdir(parents=True)
        self.home.chmod(0o755)
        for name in FOLDERS:
            (self.home / name).mkdir()
        for index in range(4):
            (self.home / f"dev/gpu{index}").symlink_to("/dev/null")
        (self.home / "work").chmod(0o1777)
        self._own("slurm", "ctld", "run", "log", "etc")
        self._own("mysql", "db")
        self._own("munge", "munge")
        host = socket.gethostname().partition(".")[0]
        hosts = Path("/etc/hosts")
        if not any(host in line.split()[1:] for line in hosts.read_text().splitlines()):
            with hosts.open("a") as file:
                file.write(f"127.0.0.1 {host}\n")
        self._write("slurm.conf", configuration.slurm_conf(self.home, host, self.ports), 0o644)
        self._write("slurmdbd.conf", configuration.slurmdbd_conf(self.home, self.ports), 0o600)
        self._write("gres.conf", configuration.gres_conf(self.home), 0o644)
        self._write("jwt_hs256.key", secrets.token_hex(16), 0o600)
        (self.home / "run").chmod(0o1777)

    def _start_munge(self) -> None:
        key = self.home / "munge/key"
        self._as("munge", "mungekey", "--create", f"--keyfile={key}")
        folder = self.home / "munge"
        self._as(
            "munge",
            *("munged", "--force", f"--key-file={key}"),
            f"--socket={self.home}/run/munge.socket",
            *(f"--pid-file={self.home}/run/munged.pid", f"--log-file={folder}/log"),
            f"--seed-file={folder}/seed",
        )

    def _start_mariadb(self) -> None:
        data, sock = self.home / "db", self.home / "run/mariadb.socket"
        install = ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}"]
        subprocess.run(install, check=True, capture_output=True)
        options = ["--no-defaults", "--user=mysql", f"--datadir={data}", f"--socket={sock}"]
        options += ["--bind-address=127.0.0.1", f"--port={self.ports.mariadb}"]
        options += [f"--pid-file={self.home}/run/mariadb.pid", "--innodb-lock-wait-timeout=900"]
        # setsid --fork: a daemon of its own, as the others make themselves
        argv = ["setsid", "--fork", services.program("mariadbd", SBIN), *options]
        with (self.home / "log/mariadb.log").open("wb") as log:
            subprocess.run(argv, stdout=log, stderr=log, check=True)
        client = ["mariadb", "--no-defaults", f"--socket={sock}", "-e"]
        self._wait(lambda: self._answers(*client, "select 1"), "MariaDB")
        grant = "create database slurm_acct_db; grant all on slurm_acct_db.* to slurm@'127.0.0.1'"
        grant += " identified by 'of-the-test-cluster'; grant all on slurm_acct_db.* to"
        grant += " slurm@localhost identified by 'of-the-test-cluster'"
        subprocess.run([*client, grant], check=True)

    def _start_slurm(self) -> None:
        self.run("sacctmgr", "-i", "add", "cluster", "qclab")
        self.start_controller()
        for node in configuration.NODES:
            subprocess.run(
                [services.program("slurmd", SBIN), "-N", node], env=self.environment, check=True
            )
        idle = ["sinfo", "-h", "-N", "-t", "idle", "-o", "%N"]
        everyone = set(configuration.NODES)
        self._wait(lambda: set(self.run(*idle).split()) == everyone, "every node", 60)

    def start_controller(self) -> None:
        self._daemon("slurmctld", as_slurm=True)
        self._wait(lambda: self._answers("scontrol", "ping"), "slurmctld")

    def _fill_accounting(self) -> None:
        def add(*words: str) -> None:
            self.run("sacctmgr", "-i", *words)

        for name, limits in configuration.QOS:
            verb = "modify" if name == "normal" else "add"
            settings = ["set", *limits.split()] if verb == "modify" else limits.split()
            add(verb, "qos", name, *settings)
        for name, parent, shares in configuration.ACCOUNTS:
            add("add", "account", name, f"parent={parent}", f"fairshare={shares}")
        add("modify", "account", "edu", "set", configuration.EDU_LIMIT)
        for user, (account, shares) in configuration.USERS.items():
            if not _has_user(user):
                subprocess.run(["useradd", "-M", user], check=True)
            add("add", "user", user, f"account={account}", f"fairshare={shares}")
            add("modify", "user", user, "set", "qos=normal,high,low", "defaultqos=normal")

    # --- down
    def halt(self) -> None:
        """End every job and every daemon whose pid file stands here, and no other process."""
        try:
            self._cancel_jobs()
        finally:
            self._end_daemons()

    def _end_daemons(self) -> None:
        pids = {pid for file in self.home.glob("run/*.pid") if (pid := self._pid_of(file))}
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            if time.monotonic() > deadline:
                for pid in pids:
                    if Path(f"/proc/{pid}").exists():
                        os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.1)

    def _cancel_jobs(self) -> None:
        """A job outlives the daemons, and its slurmstepd would look for them for ever."""
        if not self._answers("scontrol", "ping"):
            return
        jobs = set(self.run("squeue", "-h", "-o", "%F").split())
        if jobs and self._answers("scancel", *jobs):
            services.wait_until(
                lambda: not self.run("squeue", "-h", "-t", "R,CG"), "the last job", 20
            )

    def stop(self, daemon: str) -> None:
        """End one daemon (slurmctld, slurmdbd, slurmd.cpu01) as an outage would."""
        if pid := self._pid_of(self.home / f"run/{daemon}.pid"):
            os.kill(pid, signal.SIGTERM)
            services.wait_until(lambda: not Path(f"/proc/{pid}").exists(), f"the end of {daemon}")

    def start_accounting(self) -> None:
        self._daemon("slurmdbd", as_slurm=True)

    # --- inside
    def _pid_of(self, file: Path) -> int | None:
        """The running daemon of a pid file, None if the pid now belongs to another program."""
        try:
            pid = int(file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (ValueError, OSError):
            return None
        known = (b"slurm", b"munged", b"mariadbd")
        return pid if any(name in command for name in known) else None

    def _daemon(self, name: str, *, as_slurm: bool) -> None:
        drop = ["setpriv", "--reuid", "slurm", "--regid", "slurm", "--clear-groups"]
        argv = [*(drop if as_slurm else []), services.program(name, SBIN)]
        subprocess.run(argv, env=self.environment, check=True)

    def _as(self, user: str, program: str, *options: str) -> None:
        drop = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
        subprocess.run([*drop, services.program(program, SBIN), *options], check=True)

    def _write(self, name: str, text: str, mode: int) -> None:
        path = self.home / "etc" / name
        path.write_text(text)
        path.chmod(mode)
        self._own("slurm", f"etc/{name}")

    def _own(self, user: str, *names: str) -> None:
        entry = pwd.getpwnam(user)
        for name in names:
            os.chown(self.home / name, entry.pw_uid, entry.pw_gid)

    def _answers(self, *argv: str) -> bool:
        answer = subprocess.run(argv, env=self.environment, capture_output=True, check=False)
        return answer.returncode == 0

    def _wait(self, ready: Callable[[], bool], what: str, seconds: float = 40) -> None:
        try:
            services.wait_until(ready, what, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; see {self.home}/log") from None


def _has_user(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())
