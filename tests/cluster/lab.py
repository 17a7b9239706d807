"""A real Slurm on one machine: munge, MariaDB, slurmdbd, slurmctld and 22 slurmd on loopback.

Needs root and Debian's packages (see PROGRAMS). Everything lives in one folder, so that several
can run beside each other and a site's own Slurm stays untouched; daemons are ended by pid. What
belongs to the machine are the users (people) and one file in /etc/sudoers.d (doors).
"""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests import services
from tests.cluster import configuration, people
from tests.cluster.doors import Doors
from tests.cluster.faults import Faults, kill, with_descendants
from tests.cluster.hooks import Hooks
from tests.cluster.memory import Memory
from tests.cluster.place import SBIN

PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "slurmrestd", "munged", "mariadbd")
PROGRAMS += ("mariadb-install-db", "sshd")
FOLDERS = ("etc", "run", "log", "ctld", "spool", "dev", "db", "munge", "work", "hooks")


class Lab(Doors, Hooks, Faults, Memory):
    # --- up
    def boot(self) -> None:
        """From nothing or from any leftover state; ends when every node is idle."""
        for program in PROGRAMS:
            services.program(program, SBIN)
        self.halt()
        shutil.rmtree(self.home, ignore_errors=True)
        people.settle()
        self._lay_out()
        self._start_munge()
        self._start_mariadb()
        self.start_dbd()
        self.run("sacctmgr", "-i", "add", "cluster", "qclab")
        self.start_controller()
        self._start_nodes()
        self.open_doors()
        self._fill_accounting()

    def _lay_out(self) -> None:
        self.home.mkdir(parents=True)
        self.home.chmod(0o755)
        for name in FOLDERS:
            (self.home / name).mkdir()
        for index in range(4):
            (self.home / f"dev/gpu{index}").symlink_to("/dev/null")
        (self.home / "work").chmod(0o1777)
        (self.home / "run").chmod(0o1777)
        self.own("slurm", "ctld", "run", "log", "etc")
        self.own("mysql", "db")
        self.own("munge", "munge")
        self.clear_hooks()
        self.lay_out_memory()
        host = people.host_name()
        conf = configuration.slurm_conf(self.home, host, self.ports, self.task_plugin)
        self.write("etc/slurm.conf", conf, 0o644)
        self.write("etc/gres.conf", configuration.gres_conf(self.home), 0o644)
        dbd_conf = configuration.slurmdbd_conf(self.home, self.ports)
        self.write("etc/slurmdbd.conf", dbd_conf, 0o600)
        self.write("etc/jwt_hs256.key", secrets.token_hex(16), 0o600)
        self.own("slurm", "etc/slurmdbd.conf", "etc/jwt_hs256.key")

    def _start_munge(self) -> None:
        folder = self.home / "munge"
        self.start("mungekey", "--create", f"--keyfile={folder}/key", user="munge")
        options = [f"--key-file={folder}/key", f"--socket={self.home}/run/munge.socket"]
        options += [f"--pid-file={self.pid_file('munged')}", f"--log-file={folder}/log"]
        self.start("munged", "--force", *options, f"--seed-file={folder}/seed", user="munge")

    def _start_mariadb(self) -> None:
        data, sock = self.home / "db", self.home / "run/mariadb.socket"
        common = ["--no-defaults", "--user=mysql", f"--datadir={data}"]
        self._install_database(["mariadb-install-db", *common])
        options = [f"--socket={sock}", "--bind-address=127.0.0.1", f"--port={self.ports.mariadb}"]
        options += ["--innodb-lock-wait-timeout=900"]
        self.start_behind("mariadb", "mariadbd", *common, *options)
        client = ["mariadb", "--no-defaults", f"--socket={sock}", "-e"]
        self.wait(lambda: self.answers(*client, "select 1"), "MariaDB")
        grant = "create database slurm_acct_db; grant all on slurm_acct_db.* to slurm@'127.0.0.1'"
        grant += " identified by 'of-the-test-cluster'; grant all on slurm_acct_db.* to"
        grant += " slurm@localhost identified by 'of-the-test-cluster'"
        subprocess.run([*client, grant], check=True)

    def _install_database(self, argv: list[str], tries: int = 3) -> None:
        """Tried again: two that are made at the same moment were seen to be in each other's way."""
        for _ in range(tries):
            answer = subprocess.run(argv, check=False, capture_output=True, text=True)
            if answer.returncode == 0:
                return
            shutil.rmtree(self.home / "db")
            (self.home / "db").mkdir()
            self.own("mysql", "db")
            time.sleep(1)
        raise RuntimeError(f"{argv[0]}: {answer.stdout[-2000:]} {answer.stderr[-2000:]}")

    def _start_nodes(self) -> None:
        for node in configuration.NODES:
            self.start("slurmd", "-N", node)
        idle = ["sinfo", "-h", "-N", "-t", "idle", "-o", "%N"]
        everyone = set(configuration.NODES)
        self.wait(lambda: set(self.run(*idle).split()) == everyone, "every node", 60)

    def _fill_accounting(self) -> None:
        # A request to slurmdbd takes 45 ms at the least and an "add" of one thing takes ten.
        self.run("sacctmgr", "-i", stdin=configuration.qos_commands())
        tree = self.home / "etc/accounts"
        tree.write_text(configuration.account_tree())
        self.run("sacctmgr", "-i", "load", str(tree))

    def empty(self) -> None:
        """Cancel all jobs; ends when nothing of them runs any more."""

        def is_empty() -> bool:
            for state in ("PENDING", "RUNNING", "SUSPENDED"):
                self.run("scancel", f"--state={state}")
            return not self.run("squeue", "-h", "-o", "%A").split()

        services.wait_until(is_empty, "the end of all jobs", 90)

    # --- down
    def halt(self) -> None:
        """End every daemon whose pid file stands here and every job, and no other process."""
        try:
            self._end_daemons()
            # A job outlives the daemons, and its slurmstepd would look for them for ever.
            kill(self.steps())
            self.clear_memory()
        finally:
            self.close_doors()

    def _end_daemons(self) -> None:
        known = {self.pid_of(file.stem) for file in self.home.glob("run/*.pid")}
        # Below sshd are sessions, which it leaves alone when it ends.
        pids = [below for pid in known if pid for below in with_descendants(pid)]
        kill(pids, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            if time.monotonic() > deadline:
                kill(pids)
                return
            time.sleep(0.1)
