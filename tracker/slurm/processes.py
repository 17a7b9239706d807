"""One process started, fed, read to its end, and ended with its children when it takes too long."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from tracker.slurm.errors import SlurmUnavailable

MAX_OUTPUT_BYTES = 512 * 1024**2  # sacct of a month at a large site is some 100 MB
_CHUNK_BYTES = 1 << 16


def run_process(
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: bytes = b"",
    timeout_s: float,
    max_output_bytes: int = MAX_OUTPUT_BYTES,
) -> tuple[bytes, bytes, int]:
    """Standard output, standard error and exit code; SlurmUnavailable where there are none."""
    clock = time.monotonic()
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,  # so that its children can be ended with it
        )
    except OSError as error:
        raise SlurmUnavailable(
            f"{argv[0]} cannot be started ({error.strerror}); is it installed and on "
            f"PATH={environment.get('PATH', '')}?"
        ) from error
    with process:
        try:
            stdout, stderr = _exchange(process, stdin, clock + timeout_s, max_output_bytes)
        except BaseException as error:
            _kill_group(process)
            if isinstance(error, _OverrunError):
                raise SlurmUnavailable(
                    f"{argv[0]} was ended after {time.monotonic() - clock:.1f} s: {error}"
                ) from error
            raise
    return stdout, stderr, process.returncode


class _OverrunError(Exception):
    """The command took too long or printed too much."""


def _exchange(
    process: subprocess.Popen[bytes], stdin: bytes, deadline: float, max_bytes: int
) -> tuple[bytes, bytes]:
    """Feed it, and both streams to their ends and the exit; the deadline is monotonic."""
    buffers = {process.stdout: bytearray(), process.stderr: bytearray()}
    unsent = memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        for stream in buffers:
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            for key, _events in selector.select(max(deadline - time.monotonic(), 0)):
                if key.fileobj is process.stdin:
                    unsent = _feed(key.fd, unsent)
                    if not unsent:
                        selector.unregister(key.fileobj)
                        process.stdin.close()
                    continue
                chunk = os.read(key.fd, _CHUNK_BYTES)
                buffers[key.fileobj].extend(chunk)  # type: ignore[index]
                if not chunk:
                    selector.unregister(key.fileobj)
            if sum(map(len, buffers.values())) > max_bytes:
                raise _OverrunError(f"it printed more than {max_bytes} bytes")
            if time.monotonic() >= deadline:
                raise _OverrunError("its time was up")
    try:
        process.wait(max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        raise _OverrunError("its time was up") from None
    return bytes(buffers[process.stdout]), bytes(buffers[process.stderr])


def _feed(descriptor: int, unsent: memoryview) -> memoryview:
    try:
        return unsent[os.write(descriptor, unsent[:_CHUNK_BYTES]) :]
    except BrokenPipeError:
        return unsent[:0]  # it has read what it wanted; its exit code tells the rest


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # all of them ended by themselves meanwhile
