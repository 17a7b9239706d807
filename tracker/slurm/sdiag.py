"""sdiag: how loaded the controller is, so that polling can slow down."""

from __future__ import annotations

import re

from tracker.slurm.durations import parse_time
from tracker.slurm.errors import ParseError
from tracker.slurm.records import Diagnostics

_SERVER_THREADS = re.compile(r"^Server thread count: *([0-9]{1,9})$", re.MULTILINE)
_AGENT_QUEUE = re.compile(r"^Agent queue size: *([0-9]{1,9})$", re.MULTILINE)
_PENDING = re.compile(r"^Jobs pending: *([0-9]{1,9})$", re.MULTILINE)
_RUNNING = re.compile(r"^Jobs running: *([0-9]{1,9})$", re.MULTILINE)
# The date before the parenthesis has no zone that we could ask for; the epoch inside needs none.
_BACKFILL = re.compile(r"^\s*Last cycle when: .*\(([0-9]{1,11})\)$", re.MULTILINE)


def parse_sdiag(text: str) -> Diagnostics:
    """None for what a release does not print; ParseError if nothing at all is found."""
    backfill = _BACKFILL.search(text)
    diagnostics = Diagnostics(
        server_threads=_count(_SERVER_THREADS, text),
        agent_queue_size=_count(_AGENT_QUEUE, text),
        last_backfill_at=parse_time(backfill[1]) if backfill else None,
        jobs_pending=_count(_PENDING, text),
        jobs_running=_count(_RUNNING, text),
    )
    if diagnostics == Diagnostics():
        raise ParseError("sdiag", text, "no count that Queuecast knows; is this sdiag's output?")
    return diagnostics


def _count(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return int(match[1]) if match else None
