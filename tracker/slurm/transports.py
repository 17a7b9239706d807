"""Where a command's output comes from: this machine's Slurm, or a recording."""

from __future__ import annotations

import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from tracker.slurm.commands import FORMAT_ENV
from tracker.slurm.errors import SlurmUnavailable
from tracker.slurm.rows import SEPARATOR

MAX_OUTPUT_BYTES = 512 * 1024**2  # sacct of a month at a large site is some 100 MB
_CHUNK_BYTES = 1 << 16
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


class LocalTransport:
    """Starts the command here, as the service's own user, with a small environment of its own.

    Slurm prints newlines and separators in a job's name as they are, so a name could hold rows of
    other people's jobs. Each call therefore asks for a delimiter of 48 random bits in SEPARATOR's
    place, which no name can know.
    """

    def __init__(
        self,
        *,
        path: str | None = None,
        slurm_conf: str | None = None,
        max_output_bytes: int = MAX_OUTPUT_BYTES,
    ) -> None:
        """``path`` replaces PATH for the search of commands, ``slurm_conf`` sets SLURM_CONF."""
        self.environment = {
            name: os.environ[name] for name in _INHERITED if name in os.environ
        } | dict(FORMAT_ENV)
        self.environment["PATH"] = os.environ.get("PATH", os.defpath) if path is None else path
        if slurm_conf is not None:
            self.environment["SLURM_CONF"] = slurm_conf
        self.max_output_bytes = max_output_bytes

    def run(self, command_name: str, argv: Sequence[str], *, timeout_s: float) -> Output:
        started_at, clock = datetime.now(UTC), time.monotonic()
        mark = f"~{secrets.token_urlsafe(6)}"  # a digit first would be a width to squeue -O
        try:
            process = subprocess.Popen(
                [word.replace(SEPARATOR, mark) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environment,
                start_new_session=True,  # so that its children can be ended with it
            )
        except OSError as error:
            raise SlurmUnavailable(
                f"{argv[0]} cannot be started ({error.strerror}); is Slurm's client installed and "
                f"on PATH={self.environment['PATH']}?"
            ) from error
        with process:
            try:
                stdout, stderr = _collect(process, clock + timeout_s, self.max_output_bytes)
            except BaseException as error:
                _kill_group(process)
                if isinstance(error, _OverrunError):
                    raise SlurmUnavailable(
                        f"{argv[0]} was ended after {time.monotonic() - clock:.1f} s: {error}"
                    ) from error
                raise
        return Output(
            command_name,
            tuple(argv),
            _with_separators(stdout, mark).decode("utf-8", "replace"),
            stderr.decode("utf-8", "replace"),
            process.returncode,
            started_at,
            round(time.monotonic() - clock, 3),
        )


def _with_separators(stdout: bytes, mark: str) -> bytes:
    """The delimiter of this call as SEPARATOR; one that somebody typed as its picture, U+241F."""
    if mark.encode() not in stdout:
        return stdout  # no row, or a command that prints none
    typed = stdout.replace(SEPARATOR.encode(), "\N{SYMBOL FOR UNIT SEPARATOR}".encode())
    return typed.replace(mark.encode(), SEPARATOR.encode())


class _OverrunError(Exception):
    """The command took too long or printed too much."""


def _collect(
    process: subprocess.Popen[bytes], deadline: float, max_bytes: int
) -> tuple[bytes, bytes]:
    """Both streams to their ends and the exit; the deadline is on the monotonic clock."""
    stdout, stderr = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream, buffer in ((process.stdout, stdout), (process.stderr, stderr)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, buffer)
        while selector.get_map():
            for key, _events in selector.select(max(deadline - time.monotonic(), 0)):
                chunk = os.read(key.fd, _CHUNK_BYTES)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            if len(stdout) + len(stderr) > max_bytes:
                raise _OverrunError(f"it printed more than {max_bytes} bytes")
            if time.monotonic() >= deadline:
                raise _OverrunError("its time was up")
    try:
        process.wait(max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        raise _OverrunError("its time was up") from None
    return bytes(stdout), bytes(stderr)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # all of them ended by themselves meanwhile
