"""What the card with a run's log is made of; log.js fills it from the API."""

from __future__ import annotations

from tracker.files.job_logs import open_run_log, path_of, streams_of
from tracker.logs import Unreadable
from tracker.logs.unreadable import shown
from tracker.models import Actor, Run

LABELS = {"out": "Output", "err": "Errors"}


def log_of(actor: Actor, run: Run) -> dict[str, object] | None:
    """None for a run without a Slurm job; with ``why`` alone where there is no log to show now."""
    if run.job is None and run.submission is None:
        return None
    streams = streams_of(run)
    try:
        path = path_of(run, streams[0], actor)
        open_run_log(run, streams[0], actor).close()
    except Unreadable as unreadable:
        return {"why": unreadable.message, "is_open": run.is_open}
    address = f"/api/v1/runs/{run.pk}/log"
    return {
        "streams": [(stream, LABELS[stream]) for stream in streams],
        "url": address,
        "search_url": f"{address}/search",
        "is_open": run.is_open,
        "path": shown(path),
    }
