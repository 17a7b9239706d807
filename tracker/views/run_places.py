"""Where a run keeps its files, for the block on its page. Nothing is looked up on the storage."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath
from urllib.parse import quote, urlencode

from django.urls import reverse

from tracker.files.job_files import JobFiles
from tracker.files.run_files import Place, places_of
from tracker.logs import Unreadable
from tracker.logs.unreadable import shown
from tracker.models import Actor, Artifact, EventReading, Run

SHOWN = 5  # problems with event files


def files_of(run: Run, actor: Actor) -> dict[str, object]:
    """For the block on the run's page: its places; ``why`` they cannot be looked into, if so."""
    logdir = logdir_of(run)
    return {
        "places": [_place(run, place) for place in places_of(run)],
        "why": _why_not(run, actor),
        "tensorboard": f"tensorboard --logdir {shlex.quote(logdir)}" if logdir else "",
        "events": _events(run),
        "export_query": urlencode({"runs": run.pk}),
    }


def logdir_of(run: Run) -> str:
    """What TensorBoard is to be given; empty where nothing was told or found for it."""
    for place in places_of(run):
        if place.artifact and place.artifact.kind == Artifact.Kind.TENSORBOARD:
            return shown(place.path)
    return run.folder if run.event_files.exists() else ""


def address_of(run: Run, path: PurePosixPath) -> str:
    return f"{reverse('run-files', args=[run.pk])}?path={quote(shown(path))}"


def _events(run: Run) -> dict[str, object] | None:
    """What was read of TensorBoard's files; None where there is nothing to tell."""
    reading = EventReading.objects.filter(run=run).first()
    files = list(run.event_files.all())
    problems = [f"{file.path}: {file.problem}" for file in files if file.problem]
    if reading and reading.problem:
        problems.insert(0, reading.problem)
    if reading is None or not (files or problems):
        return None
    return {
        "files": len(files),
        "points": sum(file.points for file in files),
        "read_at": reading.read_at,
        "problems": problems[:SHOWN],
    }


def _why_not(run: Run, actor: Actor) -> str:
    try:
        JobFiles.of(run, actor)
    except Unreadable as unreadable:
        return unreadable.message
    return ""


def _place(run: Run, place: Place) -> dict[str, object]:
    artifact = place.artifact
    return {
        "path": shown(place.path),
        "kind": artifact.get_kind_display() if artifact else "Run folder",
        "told_at": artifact.created_at if artifact else None,
        "url": address_of(run, place.path) if place.path.is_absolute() else "",
    }
