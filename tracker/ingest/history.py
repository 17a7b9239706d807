"""A file of ``sacct -P`` output into jobs: of any size, and taken up again where it was cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from tracker.ingest.accounting import record_sightings
from tracker.ingest.counts import Counts
from tracker.ingest.dumps import Batch, Dump
from tracker.ingest.sightings import from_accounting
from tracker.models import Cluster, HistoryImport


class ChangedFileError(Exception):
    """A file begins like one brought in before, and differs from it further on."""


@dataclass(frozen=True)
class Imported:
    """The sums of one call. ``lines_before`` were brought in earlier and not read again;
    ``already_at`` says since when there was nothing more to bring in."""

    counts: Counts = field(default_factory=Counts)
    unreadable: int = 0
    first_problem: str = ""
    lines_before: int = 0
    already_at: datetime | None = None

    def with_batch(self, counts: Counts, problems: list[str]) -> Imported:
        return replace(
            self,
            counts=self.counts + counts,
            unreadable=self.unreadable + len(problems),
            first_problem=self.first_problem or next(iter(problems), ""),
        )


def import_sacct(
    cluster: Cluster,
    lines: Iterable[bytes],
    seen_at: datetime,
    *,
    source: str = "",
    again: bool = False,
    tell: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Record a file with its header line, a batch per transaction; once brought in, its lines are
    passed over, unless ``again``, which changes nothing either where nothing is new.

    ``tell`` hears the sums so far, first before any row. Rows that cannot be read are counted and
    left out. Raises ParseError for a header without the needed columns and ChangedFileError, before
    anything is recorded, where the lines to pass over are not those brought in.
    """
    dump = Dump(lines)
    known, _ = HistoryImport.objects.get_or_create(
        cluster=cluster,
        fingerprint=dump.fingerprint,
        defaults={"begun_at": seen_at, "source": source[:1024]},
    )
    if known.lines_done and not again and not dump.skip(known.lines_done, known.digest):
        raise ChangedFileError(
            f"it differs from {known.source} in its first {dump.lines_done} lines"
        )
    known.source = source[:1024]
    finished_before, known.finished_at = known.finished_at, None
    done = Imported(lines_before=dump.lines_done)
    tell(done)
    for batch in dump.batches():
        done = done.with_batch(_record(cluster, batch, known, seen_at), batch.problems)
        tell(done)
    # The last row is always read again: it may have been cut.
    brings = done.counts.created or done.counts.changed or done.counts.seen + done.unreadable > 1
    if finished_before and not again and not brings:
        done = replace(done, already_at=finished_before)
    known.finished_at = done.already_at or timezone.now()
    known.save(update_fields=["source", "finished_at"])
    return done


def _record(cluster: Cluster, batch: Batch, known: HistoryImport, seen_at: datetime) -> Counts:
    """The rows, and how far they reach, in one transaction: a cut loses neither or both."""
    told = [from_accounting(row) for row in batch.attempts]
    known.lines_done, known.digest = batch.lines_done, batch.digest
    with transaction.atomic():
        counts = record_sightings(cluster, told, seen_at)
        known.save(update_fields=["source", "lines_done", "digest", "finished_at"])
    return counts
