from __future__ import annotations

import gc
import gzip
import json
import os
import signal
import stat
import sys
import time
import zlib
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from tracker.ingest import Imported, import_sacct
from tracker.ingest.dumps import HOW_TO
from tracker.ingest.history import ChangedFileError
from tracker.management.choice import chosen_cluster
from tracker.management.progress import Progress
from tracker.models import Cluster
from tracker.slurm.errors import ParseError

GO_ON = "What was recorded stays; repeat the command to go on there."


class Command(BaseCommand):
    help = (
        "Bring history in. Repeated, it goes on where it was cut, or where the file has grown.\n"
        f"Make the file with:\n\n{HOW_TO}"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        # The command that it shows is to be copied: no line breaks in it.
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", metavar="FILE|-", help="with its header line; .gz is read too")
        parser.add_argument("--cluster", help="whose jobs they are, where there are several")
        parser.add_argument(
            "--again", action="store_true", help="read all of it, though it is in already"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(
        self, *, file: str, cluster: str | None, again: bool, json: bool, **_options: object
    ) -> None:
        owner = chosen_cluster(cluster)
        began = time.monotonic()
        try:
            with _terminable(), _seldom_collecting():
                done = self._import(owner, file, again=again)
        except KeyboardInterrupt as error:
            raise CommandError(f"stopped. {GO_ON}") from error
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        except (EOFError, zlib.error) as error:
            raise CommandError(f"{file} cannot be read to its end: {error}. {GO_ON}") from error
        except ParseError as error:
            raise CommandError(f"{file}: {error}") from error
        except DatabaseError as error:
            raise CommandError(f"the database refused rows of {file}: {error}. {GO_ON}") from error
        self._print(done, time.monotonic() - began, as_json=json)
        if done.unreadable and not done.counts.seen and not done.lines_before:
            raise CommandError(f"{file} holds no row that sacct prints")

    def _import(self, owner: Cluster, file: str, *, again: bool) -> Imported:
        try:
            return self._read(owner, file, again=again)
        except ChangedFileError as error:
            if file == "-":  # its first lines are gone
                raise CommandError(f"{error}; give --again to read all of it") from error
            self.stderr.write(f"{file}: {error}; all of it is read")
            return self._read(owner, file, again=True)

    def _read(self, owner: Cluster, file: str, *, again: bool) -> Imported:
        with _open(file) as (lines, size, position):
            progress = Progress(self.stderr.write, size, position)

            def tell(sums: Imported) -> None:
                if sums.lines_before and not sums.counts.seen:
                    self.stderr.write(f"{sums.lines_before} lines are in already; going on there")
                progress.reached(sums.counts.seen + sums.unreadable)

            return import_sacct(owner, lines, timezone.now(), source=file, again=again, tell=tell)

    def _print(self, done: Imported, lasted_s: float, *, as_json: bool) -> None:
        counts = done.counts
        if as_json:
            told = {
                "attempts": counts.seen,
                "jobs_new": counts.created,
                "jobs_changed": counts.changed,
                "rows_unreadable": done.unreadable,
                "first_unreadable": done.first_problem,
                "lines_before": done.lines_before,
                "already_at": done.already_at and done.already_at.isoformat(),
                "seconds": round(lasted_s, 3),
            }
            self.stdout.write(json.dumps(told))
            return
        if done.already_at:
            self.stdout.write(
                f"already brought in on {done.already_at:%Y-%m-%d %H:%M} UTC; nothing to do"
            )
            return
        self.stdout.write(
            f"{counts.seen} attempts read: {counts.created} jobs new, {counts.changed} changed, "
            f"{done.unreadable} rows unreadable"
        )
        if done.unreadable:
            self.stderr.write(f"first unreadable row: {done.first_problem}")


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends as SIGINT does: the open transaction is rolled back."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Rows make no cycles: looking for them is a tenth of the time of an import."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _open(file: str) -> Iterator[tuple[Iterable[bytes], int | None, Callable[[], int]]]:
    """Its lines, its size where it has one, and how far it has been read (compressed bytes)."""
    if file == "-":
        yield sys.stdin.buffer, _size(sys.stdin.buffer), sys.stdin.buffer.tell
        return
    with Path(file).open("rb") as raw:
        lines: Iterable[bytes] = gzip.GzipFile(fileobj=raw) if file.endswith(".gz") else raw
        yield lines, _size(raw), raw.tell


def _size(opened: BinaryIO) -> int | None:
    """None of a pipe."""
    try:
        told = os.fstat(opened.fileno())
    except OSError:
        return None
    return told.st_size if stat.S_ISREG(told.st_mode) else None
