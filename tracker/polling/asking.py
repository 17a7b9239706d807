"""One command asked of one cluster: run, kept, parsed, recorded."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from tracker import ingest
from tracker.models import Cluster, Poll
from tracker.polling.outputs import keep_output
from tracker.polling.pacing import claim, load_note
from tracker.reach import asking
from tracker.slurm.client import Slurm, parse
from tracker.slurm.errors import SlurmError
from tracker.slurm.transports import Output

logger = logging.getLogger(__name__)
ROWS_PER_TRANSACTION = 5_000  # a backlog of weeks must not lock the database for minutes


def ask(
    cluster: Cluster, command: str, *, since: datetime | None = None, job_ids: Sequence[int] = ()
) -> Poll | None:
    """The poll, good or failed, that this question became; None while another worker asks it.

    What Slurm does wrong stands in the row. What we do wrong stands there too, and is raised.
    """
    with claim(cluster, command) as is_ours:
        return _ask(cluster, command, since, job_ids) if is_ours else None


def _ask(cluster: Cluster, command: str, since: datetime | None, job_ids: Sequence[int]) -> Poll:
    row = Poll(cluster=cluster, command=command, started_at=timezone.now(), ok=False, raw=b"")
    clock = time.monotonic()
    try:
        output = Slurm(asking(cluster)).fetch(command, since=since, job_ids=job_ids)
        if known := _same_recording(cluster, output):
            return known
        keep_output(row, output)
        row.error = _record(cluster, output, job_ids)
        row.ok = True
    except SlurmError as error:
        row.error = f"{type(error).__name__}: {error}"
        logger.warning("%s of %s: %s", command, cluster, row.error)
    except Exception as error:
        row.error = f"{type(error).__name__}: {error}"
        row.seconds = time.monotonic() - clock
        row.save()
        raise
    row.seconds = round(time.monotonic() - clock, 3) if row.rc is None else row.seconds
    row.save()
    return row


def _same_recording(cluster: Cluster, output: Output) -> Poll | None:
    """A capture answers the same for ever; it is kept once."""
    if cluster.transport != Cluster.Transport.CAPTURE:
        return None
    same = Poll.objects.filter(
        cluster=cluster, command=output.name, started_at=output.started_at, ok=True
    )
    return same.first()


def _record(cluster: Cluster, output: Output, job_ids: Sequence[int]) -> str:
    """Rows after what was printed; a note for the poll, nearly always empty."""
    parsed: Any = parse(output)
    at = output.started_at
    if output.name == "squeue":
        ingest.record_queue(cluster, parsed, at)
    elif output.name == "sacct":
        for start in range(0, len(parsed), ROWS_PER_TRANSACTION):
            ingest.record_accounting(cluster, parsed[start : start + ROWS_PER_TRANSACTION], at)
    elif output.name == "usage":
        ingest.record_usage(cluster, parsed, at, asked=job_ids)
    elif output.name == "sdiag":
        return load_note(parsed)
    else:
        ingest.record_configuration(cluster, output.name, parsed)
    return ""
