from __future__ import annotations

import gzip
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tracker.ingest import Imported, import_sacct
from tracker.ingest.history import HOW_TO
from tracker.management.choice import chosen_cluster
from tracker.slurm.errors import ParseError


class Command(BaseCommand):
    help = f"Bring history in; repeating it changes nothing. Make the file with:\n\n{HOW_TO}"

    def add_arguments(self, parser: ArgumentParser) -> None:
        # The command that it shows is to be copied: no line breaks in it.
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", metavar="FILE|-", help="with its header line; .gz is read too")
        parser.add_argument("--cluster", help="whose jobs they are, where there are several")

    def handle(self, *, file: str, cluster: str | None, **_options: object) -> None:
        owner = chosen_cluster(cluster)
        try:
            with _open(file) as lines:
                done = import_sacct(owner, lines, timezone.now(), self._progress)
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        except ParseError as error:
            raise CommandError(f"{file}: {error}") from error
        counts = done.counts
        self.stdout.write(
            f"{counts.seen} attempts read: {counts.created} jobs new, {counts.changed} changed, "
            f"{done.unreadable} rows unreadable"
        )
        if done.unreadable:
            self.stderr.write(f"first unreadable row: {done.first_problem}")
        if done.unreadable and not counts.seen:
            raise CommandError(f"{file} holds no row that sacct prints")

    def _progress(self, sums: Imported) -> None:
        self.stderr.write(f"{sums.counts.seen} attempts, {sums.counts.created} jobs new")


def _open(file: str) -> AbstractContextManager[TextIO]:
    if file == "-":
        return nullcontext(sys.stdin)
    if file.endswith(".gz"):
        return gzip.open(file, "rt", encoding="utf-8", errors="replace", newline="\n")
    return Path(file).open(encoding="utf-8", errors="replace", newline="\n")
