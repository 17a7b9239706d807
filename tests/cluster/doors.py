"""The ways in which a service reaches the test cluster: commands, sudo, ssh and REST."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests import services
from tests.cluster import people
from tests.cluster.configuration import USERS
from tests.cluster.place import SBIN, Place

COMMANDS = ("squeue", "sacct", "sinfo", "sprio", "sshare", "sdiag", "scontrol", "sacctmgr")
COMMANDS += ("sbatch", "scancel")
BY_SUDO = ("sbatch", "scancel")
SSH_HOST = "qclab"  # of ssh_config


class Doors(Place):
    def open_doors(self) -> None:
        """Before Slurm is up: REST and ssh answer, and Slurm's own errors until it is."""
        self._write_commands()
        self._start_rest()
        self._start_sshd()
        if shutil.which("visudo", path=SBIN):
            self._grant_sudo()

    def close_doors(self) -> None:
        self._grant.unlink(missing_ok=True)

    # --- commands
    @property
    def commands(self) -> Path:
        """A folder of Slurm's commands that reach this cluster from any environment."""
        return self.home / "bin"

    def _write_commands(self) -> None:
        self.commands.mkdir()
        conf = self.environment["SLURM_CONF"]
        for name in COMMANDS:
            program = services.program(name)
            text = f"#!/bin/sh\nSLURM_CONF='{conf}'\nexport SLURM_CONF\nexec {program} \"$@\"\n"
            self.write(f"bin/{name}", text, 0o755)

    # --- REST
    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.slurmrestd}"

    def jwt(self, user: str, lifespan_s: int = 3600) -> str:
        answer = self.run("scontrol", "token", f"username={user}", f"lifespan={lifespan_s}")
        return answer.strip().removeprefix("SLURM_JWT=")

    def _start_rest(self) -> None:
        address = f"127.0.0.1:{self.ports.slurmrestd}"
        argv = ("slurmrestd", "-a", "rest_auth/jwt", address)
        self.start_behind("slurmrestd", *argv, user="nobody", SLURM_JWT="daemon")
        self.wait(lambda: services.answers(self.ports.slurmrestd), "slurmrestd")

    # --- ssh
    @property
    def ssh_config(self) -> Path:
        """For ``ssh -F``: the host qclab, which every tester may enter."""
        return self.home / "ssh/config"

    @property
    def ssh_key(self) -> Path:
        return self.home / "ssh/key"

    @property
    def known_hosts(self) -> Path:
        return self.home / "ssh/known_hosts"

    def _start_sshd(self) -> None:
        folder = self.home / "ssh"
        (folder / "authorized_keys").mkdir(parents=True)
        host_key = folder / "host_key"
        for key in (host_key, self.ssh_key):
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
            subprocess.run(argv, check=True)
        for user in USERS:
            shutil.copy(f"{self.ssh_key}.pub", folder / "authorized_keys" / user)
        public = host_key.with_suffix(".pub").read_text()
        self.write("ssh/known_hosts", f"[127.0.0.1]:{self.ports.sshd} {public}", 0o644)
        self.write("ssh/config", self._ssh_config(), 0o644)
        self.write("ssh/sshd_config", self._sshd_config(), 0o600)
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # Debian's sshd wants it
        self.start("sshd", "-f", str(folder / "sshd_config"), "-E", f"{self.home}/log/sshd.log")
        self.wait(lambda: services.answers(self.ports.sshd), "sshd")

    def _ssh_config(self) -> str:
        return f"""\
Host {SSH_HOST}
  HostName 127.0.0.1
  Port {self.ports.sshd}
  IdentityFile {self.ssh_key}
  IdentitiesOnly yes
  UserKnownHostsFile {self.known_hosts}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
"""

    def _sshd_config(self) -> str:
        # StrictModes would refuse a folder below /tmp.
        return f"""\
ListenAddress 127.0.0.1:{self.ports.sshd}
PidFile {self.pid_file("sshd")}
HostKey {self.home}/ssh/host_key
AuthorizedKeysFile {self.home}/ssh/authorized_keys/%u
StrictModes no
UsePAM no
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
MaxStartups 100
"""

    # --- sudo
    @property
    def sudo_service_user(self) -> str:
        """Who may run this cluster's sbatch and scancel, and mkdir, as any tester."""
        services.program("sudo")
        return people.SERVICE

    @property
    def _grant(self) -> Path:
        return Path(f"/etc/sudoers.d/queuecast-lab-{self.ports.base}")

    def _grant_sudo(self) -> None:
        allowed = [str(self.commands / name) for name in BY_SUDO]
        allowed.append(services.program("mkdir"))
        rule = f"{people.SERVICE} ALL=(%{people.TESTERS}) NOPASSWD:SETENV: {', '.join(allowed)}\n"
        self.write("etc/sudoers", rule, 0o440)
        checked = self.home / "etc/sudoers"
        subprocess.run([f"{SBIN}/visudo", "-qcf", str(checked)], check=True)
        # A rename does not cross file systems; sudo skips names with a dot meanwhile.
        arriving = self._grant.with_suffix(".new")
        shutil.copyfile(checked, arriving)
        arriving.chmod(0o440)
        arriving.replace(self._grant)
