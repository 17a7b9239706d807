"""Parsed Slurm records into rows: idempotent, one transaction a poll, written only on change."""

from tracker.ingest.accounting import record_accounting, undecided_ids
from tracker.ingest.configuration import record_configuration
from tracker.ingest.counts import Counts
from tracker.ingest.history import Imported, import_sacct
from tracker.ingest.queue import record_queue
from tracker.ingest.usage import ids_without_usage, record_usage

__all__ = [
    "Counts",
    "Imported",
    "ids_without_usage",
    "import_sacct",
    "record_accounting",
    "record_configuration",
    "record_queue",
    "record_usage",
    "undecided_ids",
]
