"""Lines that wait to be sent, in files on shared storage: they outlive the job and its node.

A spool is a row of segments NAME-N.jsonl, each a header and then what was logged. One that its
process still writes ends with .open.jsonl; whoever has sent all of the others removes them.
"""

from __future__ import annotations

import errno
import io
import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Callable, Mapping, Sequence  # noqa: UP035 (Python 3.8)

from tracker.client.terminal import tell_once

OPEN_SUFFIX, SEALED_SUFFIX, REFUSED_SUFFIX = ".open.jsonl", ".jsonl", ".refused"
SEGMENT_BYTES = 8 << 20
FILES_BYTES = 1 << 30  # of one process, in all
TOUCH_EVERY_S = 60.0
MEMORY_BYTES = 32 << 20  # the same where no file can be written
READ_BYTES = 2 << 20  # more than any line has


def spool_folders(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Where a spool may be, the best first."""
    named, run_folder = environ.get("QUEUECAST_SPOOL"), environ.get("RUN_FOLDER")
    of_node = Path(tempfile.gettempdir()) / f"queuecast-{os.getuid()}"  # lost with the node
    return [
        *([Path(named)] if named else []),
        home / ".queuecast/spool",
        *([Path(run_folder) / ".queuecast"] if run_folder else []),
        *([of_node] if not of_node.exists() or is_mine(of_node) else []),
    ]


def is_mine(path: Path) -> bool:
    """What another has put there is neither written to nor sent in my name."""
    with suppress(OSError):
        return path.lstat().st_uid == os.getuid()
    return False


class Segment:
    """One file; without a path it is memory."""

    def __init__(self, path: Path | None, header: bytes) -> None:
        self.path, self.size, self.sent = path, 0, 0
        self._file: BinaryIO = io.BytesIO() if path is None else _created(path)
        try:
            self.append(header)
        except OSError:
            self.remove()
            raise

    def append(self, lines: bytes) -> None:
        """All or nothing; OSError for nothing."""
        if self.path and os.fstat(self._file.fileno()).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "somebody sent and removed it", str(self.path))
        self._file.seek(self.size)
        if self._file.write(lines) != len(lines):
            self._file.truncate(self.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self.size += len(lines)

    def read(self) -> list[bytes]:
        """Lines that are not sent yet, from the oldest on."""
        self._file.seek(self.sent)
        lines = self._file.read(min(READ_BYTES, self.size - self.sent)).splitlines(keepends=True)
        return lines[:-1] if lines and not lines[-1].endswith(b"\n") else lines

    def seal(self) -> None:
        """Nothing more is written to it."""
        if self.path and self.path.name.endswith(OPEN_SUFFIX):
            with suppress(OSError):
                os.fsync(self._file.fileno())
                sealed = self.path.with_name(self.path.name[: -len(OPEN_SUFFIX)] + SEALED_SUFFIX)
                self.path.rename(sealed)
                self.path = sealed

    def close(self) -> None:
        self._file.close()

    def remove(self) -> None:
        self.close()
        if self.path:
            with suppress(OSError):
                self.path.unlink()


class Spool:
    """What one process has logged and the service has not acknowledged. Safe between threads."""

    def __init__(self, folders: Sequence[Path], name: str, header: Callable[[], bytes]) -> None:
        self._folders, self._name, self._header = folders, name, header
        self._lock = threading.RLock()  # a signal handler may close what its thread is writing
        self._segments: list[Segment] = []
        self._numbers = 0

    def append(self, lines: bytes) -> bool:
        """False where they are lost: nothing can be written, or too much waits already."""
        with self._lock:
            in_memory = bool(self._segments) and self._segments[-1].path is None
            alike = (one for one in self._segments if (one.path is None) == in_memory)
            held = sum(segment.size for segment in alike)
            if held + len(lines) > (MEMORY_BYTES if in_memory else FILES_BYTES):
                tell_once("full", f"{held >> 20} MB wait to be sent: what is logged now is lost")
                return False
            try:
                if not self._segments or self._segments[-1].size > SEGMENT_BYTES:
                    self._begin(self._folders)
                self._segments[-1].append(lines)
            except OSError as error:
                tell_once("write", f"the spool cannot be written ({error}): kept in memory")
                self._begin([])
                self._segments[-1].append(lines)
            return True

    def read(self) -> list[bytes]:
        with self._lock:
            while len(self._segments) > 1 and self._segments[0].sent == self._segments[0].size:
                self._segments.pop(0).remove()
            return self._segments[0].read() if self._segments else []

    def acknowledge(self, size: int) -> None:
        """So many bytes of what was read need not be sent again."""
        with self._lock:
            if self._segments:  # else closed meanwhile
                self._segments[0].sent += size

    def refuse(self, line: bytes, why: str) -> None:
        """Keep a line that never passes beside the spool."""
        with self._lock:
            path = next((segment.path for segment in self._segments if segment.path), None)
            if path:
                keep_refused(path.with_name(self._name), line, why)
            else:
                tell_once(f"refused: {why}", f"refused, and lost: {why}")

    def is_sent(self) -> bool:
        with self._lock:
            return all(segment.sent == segment.size for segment in self._segments)

    def touch(self) -> None:
        """Shows those who look at the file that its process lives."""
        with self._lock, suppress(OSError):
            for segment in self._segments:
                if segment.path:
                    os.utime(segment.path)

    def close(self) -> list[Path]:
        """The files that are left to be sent by others."""
        with self._lock:
            left = []
            for segment in self._segments:
                if segment.sent == segment.size:
                    segment.remove()
                elif segment.path:
                    segment.seal()
                    segment.close()
                    left.append(segment.path)
                else:
                    tell_once("lost", f"{segment.size >> 10} kB were kept in memory: they are lost")
            self._segments = []
            return left

    def _begin(self, folders: Sequence[Path]) -> None:
        if self._segments:
            self._segments[-1].seal()
        self._numbers += 1
        for folder in folders:
            with suppress(OSError):
                folder.mkdir(0o700, parents=True, exist_ok=True)
                name = f"{self._name}-{self._numbers}{OPEN_SUFFIX}"
                self._segments.append(Segment(folder / name, self._header()))
                return
        if folders:
            tell_once("memory", "no folder for the spool can be written: set QUEUECAST_SPOOL")
        self._segments.append(Segment(None, self._header()))


def _created(path: Path) -> BinaryIO:
    """A new file that its owner alone may read, unbuffered."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0)


def keep_refused(path: Path, line: bytes, why: str) -> None:
    """In a file of its own, to be looked at by people."""
    aside = path.with_name(path.name + REFUSED_SUFFIX)
    tell_once(f"refused: {why}", f"refused, and kept in {aside}: {why}")
    with suppress(OSError), aside.open("ab") as file:
        file.write(line)
