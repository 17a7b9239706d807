"""What the card with a run's log is made of; log.js fills it from the API."""

from __future__ import annotations

from tracker.joblogs import path_of, streams_of
from tracker.logs import LogUnreadable
from tracker.logs.unreadable import shown
from tracker.models import Actor, Run

LABELS = {"out": "Output", "err": "Errors"}


def log_of(actor: Actor, run: Run) -> dict[str, object] | None:
    """None for a run without a Slurm job."""
    if run.job is None and run.submission is None:
        return None
    address = f"/api/v1/runs/{run.pk}/log"
    return {
        "streams": [(stream, LABELS[stream]) for stream in streams_of(run)],
        "url": address,
        "search_url": f"{address}/search",
        "is_open": run.is_open,
        "path": _path(actor, run),
    }


def _path(actor: Actor, run: Run) -> str:
    """Where Slurm writes it; why it is not shown is the API's to say."""
    try:
        return shown(path_of(run, "out", actor))
    except LogUnreadable:
        return ""
