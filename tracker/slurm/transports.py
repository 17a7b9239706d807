"""Where a command's output comes from: this machine's Slurm, another's over ssh, a recording."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from tracker.slurm.commands import FORMAT_ENV
from tracker.slurm.errors import SlurmUnavailable
from tracker.slurm.processes import MAX_OUTPUT_BYTES, run_process
from tracker.slurm.rows import SEPARATOR

_OF_THE_SYSTEM = frozenset({"mkdir", "sudo", "timeout"})
_INHERITED = ("HOME", "USER", "LOGNAME", "SLURM_CONF")


@dataclass(frozen=True, slots=True)
class Output:
    """What one command printed, successful or not; ``name`` is the key in ``COMMANDS``.

    A SEPARATOR in ``stdout`` is Slurm's own, never part of a value.
    """

    name: str
    argv: tuple[str, ...]
    stdout: str
    stderr: str
    rc: int
    started_at: datetime
    seconds: float


class Transport(Protocol):
    def run(self, command_name: str, argv: Sequence[str], *, timeout_s: float) -> Output:
        """The output, whatever its exit code; SlurmUnavailable when there is none."""


class ReplayTransport:
    """Answers from outputs recorded before, by command name; the argv asked for is not compared."""

    def __init__(self, outputs: Mapping[str, Output]) -> None:
        self.outputs = outputs

    def run(
        self,
        command_name: str,
        argv: Sequence[str],  # noqa: ARG002 (part of the protocol)
        *,
        timeout_s: float,  # noqa: ARG002
    ) -> Output:
        if command_name not in self.outputs:
            known = ", ".join(sorted(self.outputs)) or "nothing"
            raise SlurmUnavailable(f"the recording holds no {command_name}, only {known}")
        return self.outputs[command_name]


class CommandTransport:
    """Starts Slurm's commands; subclasses say on which machine and as whom.

    Slurm prints newlines and separators in a job's name as they are, so a name could hold rows of
    other people's jobs. Each call therefore asks for a delimiter of 48 random bits in SEPARATOR's
    place, which no name can know.
    """

    max_output_bytes = MAX_OUTPUT_BYTES

    def run(
        self,
        command_name: str,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: str = "",
        variables: Mapping[str, str] | None = None,
        dies_after_s: int | None = None,
    ) -> Output:
        """``variables`` are set for the command beside its few others; their values are secrets:
        they stand in no argv. ``dies_after_s`` bounds its life even where we are killed first."""
        started_at, clock = datetime.now(UTC), time.monotonic()
        mark = f"~{secrets.token_urlsafe(6)}"  # a digit first would be a width to squeue -O
        words = [word.replace(SEPARATOR, mark) for word in argv]
        bound = [] if dies_after_s is None else ["timeout", "--kill-after=1", str(dies_after_s)]
        started = self.prepare(words, dict(variables or {}), stdin.encode("utf-8"), bound)
        stdout, stderr, rc = run_process(
            started.argv,
            started.environment,
            stdin=started.stdin,
            timeout_s=timeout_s,
            max_output_bytes=self.max_output_bytes,
        )
        return Output(
            command_name,
            tuple(argv),
            _with_separators(stdout, mark).decode("utf-8", "replace"),
            stderr.decode("utf-8", "replace"),
            rc,
            started_at,
            round(time.monotonic() - clock, 3),
        )

    def prepare(
        self, argv: list[str], variables: dict[str, str], stdin: bytes, bound: list[str]
    ) -> Start:
        """What to start here so that ``argv`` runs where and as whom it should; ``bound`` are the
        words that go before a command to bound its life."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Start:
    argv: Sequence[str]
    environment: Mapping[str, str]
    stdin: bytes


class LocalTransport(CommandTransport):
    """Commands of this host, as the service's own user or through sudo as another."""

    def __init__(
        self,
        *,
        path: str | None = None,
        slurm_conf: str | None = None,
        max_output_bytes: int = MAX_OUTPUT_BYTES,
        as_user: str | None = None,
        formats: Mapping[str, str] = FORMAT_ENV,
    ) -> None:
        """``path`` replaces PATH for the search of commands, ``slurm_conf`` sets SLURM_CONF."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self.environment = inherited | dict(formats)
        self.environment["PATH"] = os.environ.get("PATH", os.defpath) if path is None else path
        if slurm_conf is not None:
            self.environment["SLURM_CONF"] = slurm_conf
        self.max_output_bytes = max_output_bytes
        self.as_user = as_user

    def prepare(
        self, argv: list[str], variables: dict[str, str], stdin: bytes, bound: list[str]
    ) -> Start:
        environment = self.environment | variables
        program = _program(argv[0], environment["PATH"])
        bound = [_program(word, environment["PATH"]) for word in bound[:1]] + bound[1:]
        if self.as_user is None:
            return Start([*bound, program, *argv[1:]], environment, stdin)
        # sudo clears the environment and looks on its own path: name what it may pass on, and
        # the program by its full name, as the sudoers line has it.
        kept = sorted(environment.keys() - {"PATH", "HOME", "USER", "LOGNAME"})
        sudo = [_program("sudo", environment["PATH"]), "-n", "-u", self.as_user]
        sudo += [f"--preserve-env={','.join(kept)}", "--"]
        return Start([*bound, *sudo, program, *argv[1:]], environment, stdin)


def _program(name: str, path: str) -> str:
    """Its full name; what belongs to the system and not to Slurm is found beside ``path`` too."""
    if name in _OF_THE_SYSTEM:
        path = f"{path}{os.pathsep}{os.defpath}"
    return shutil.which(name, path=path) or name


# Run by the other side's shell, whichever that is: one constant line, so nothing of a job is ever
# parsed by a shell. It reads variables and then the words of the command, each on a line of its
# own and a blank line behind them, and leaves the rest of standard input to the command.
_REMOTE = (
    "exec /bin/sh -c '"
    'while IFS= read -r line && [ -n "$line" ]; do export "$line"; done; set --; '
    'while IFS= read -r line && [ "$line" != . ]; do set -- "$@" "${line#-}"; done; '
    'exec "$@"\''
)


class SshTransport(CommandTransport):
    """Commands of another host, by OpenSSH's own client, as the user who is signed in there.

    Connections are shared and kept for a minute. Host keys must be known before.
    """

    def __init__(
        self,
        host: str,
        *,
        user: str,
        sockets: str,
        path: str | None = None,
        config: str | None = None,
        formats: Mapping[str, str] = FORMAT_ENV,
    ) -> None:
        """``sockets`` is a private folder for the shared connections, ``path`` the folder of the
        commands over there, ``config`` an ssh_config in place of the service's own."""
        self.host, self.user, self.path, self.formats = host, user, path, formats
        options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10"]
        options += ["ControlMaster=auto", f"ControlPath={sockets}/%C", "ControlPersist=60"]
        options += ["ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes"]
        self.argv = ["ssh", *(["-F", config] if config else []), "-T"]
        self.argv += [word for option in options for word in ("-o", option)]

    def prepare(
        self, argv: list[str], variables: dict[str, str], stdin: bytes, bound: list[str]
    ) -> Start:
        environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        if self.path and argv[0] not in _OF_THE_SYSTEM:
            argv = [f"{self.path}/{argv[0]}", *argv[1:]]
        argv = [*bound, *argv]
        lines = [f"{name}={value}" for name, value in (dict(self.formats) | variables).items()]
        if any("\n" in line for line in (*lines, *argv)):
            raise ValueError("a newline stands in a word of the command; it cannot be sent by ssh")
        head = "\n".join([*lines, "", *(f"-{word}" for word in argv), ".", ""])
        command = [*self.argv, "-l", self.user, "--", self.host, _REMOTE]
        return Start(command, environment, head.encode("utf-8") + stdin)


def _with_separators(stdout: bytes, mark: str) -> bytes:
    """The delimiter of this call as SEPARATOR; one that somebody typed as its picture, U+241F."""
    if mark.encode() not in stdout:
        return stdout  # no row, or a command that prints none
    typed = stdout.replace(SEPARATOR.encode(), "\N{SYMBOL FOR UNIT SEPARATOR}".encode())
    return typed.replace(mark.encode(), SEPARATOR.encode())
