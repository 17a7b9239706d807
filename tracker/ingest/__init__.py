"""Parsed Slurm records into rows: idempotent, one transaction a poll, written only on change."""

from tracker.ingest.accounting import record_accounting, undecided_ids
from tracker.ingest.configuration import record_configuration
from tracker.ingest.counts import Counts
from tracker.ingest.history import Imported, import_sacct
from tracker.ingest.queue import record_queue

__all__ = [
    "Counts",
    "Imported",
    "import_sacct",
    "record_accounting",
    "record_configuration",
    "record_queue",
    "undecided_ids",
]
