"""A page to look into the files of a run: its folders, pictures, and the beginning of texts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import quote

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tracker.files.run_files import list_run_folder, open_run_file, places_of
from tracker.logs import Listing, Unreadable, read_piece
from tracker.logs.unreadable import shown
from tracker.models import Actor, Run
from tracker.views.base import actor_of
from tracker.views.run import visible_run
from tracker.views.run_places import address_of, files_of

PREVIEW_BYTES = 65_536
PICTURE_ENDS = (".png", ".jpg", ".jpeg", ".gif", ".webp")  # never SVG, which may hold scripts
MAX_PICTURE_BYTES = 10_000_000


@require_safe
@login_required
def run_files(request: HttpRequest, pk: str) -> HttpResponse:
    """All places, or what ``?path=`` names: a folder's list, or a look into a file."""
    actor = actor_of(request)
    run = visible_run(actor, pk)
    context: dict[str, object] = {"section": "experiments", "run": run}
    asked = request.GET.get("path", "")
    if not asked:
        context["files"] = files_of(run, actor)
        return render(request, "tracker/files.html", context)
    path = PurePosixPath(asked)
    context |= {"path": shown(path), "name": shown(path.name), "above": _above(run, path)}
    try:
        context |= _look(run, path, actor)
    except Unreadable as unreadable:
        context["why"] = unreadable.message
        status = 404 if unreadable.kind == "absent" else 403
        return render(request, "tracker/files.html", context, status=status)
    return render(request, "tracker/files.html", context)


def _above(run: Run, path: PurePosixPath) -> list[dict[str, str]]:
    """The way from the outermost place that holds the path down to it, itself left out."""
    tops = [place.path for place in places_of(run) if place.holds(path)]
    if not tops:
        return []
    top = min(tops, key=lambda one: len(one.parts))
    within = [one for one in reversed(path.parents) if one == top or top in one.parents]
    return [{"name": shown(one.name), "url": address_of(run, one)} for one in within]


# --- looking into one
def _look(run: Run, path: PurePosixPath, actor: Actor) -> dict[str, object]:
    try:
        return {"folder": _folder(run, path, list_run_folder(run, path, actor))}
    except Unreadable as unreadable:
        if unreadable.kind != "not_a_folder":
            raise
    with open_run_file(run, path, actor) as file:
        piece = read_piece(file, start=0, max_bytes=PREVIEW_BYTES)
    download = f"/api/v1/runs/{run.pk}/files/content?path={quote(str(path))}"
    is_picture = path.suffix.lower() in PICTURE_ENDS
    return {
        "file": {
            "size": piece.size,
            "modified_at": _moment(piece.modified_at),
            "download": download,
            "picture": download if is_picture and piece.size <= MAX_PICTURE_BYTES else "",
            "text": "" if is_picture or "\0" in piece.text else piece.text,
            "is_cut": piece.end < piece.size,
        }
    }


def _folder(run: Run, path: PurePosixPath, listing: Listing) -> dict[str, object]:
    entries = [
        {
            "name": shown(entry.name),
            "kind": entry.kind,
            "size": entry.size,
            "modified_at": _moment(entry.modified_at),
            "url": address_of(run, path / entry.name) if entry.opens else "",
        }
        for entry in listing.entries
    ]
    return {"entries": entries, "more": listing.more}


def _moment(epoch_s: float) -> datetime | None:
    """None where a file claims a time that no calendar has."""
    try:
        return datetime.fromtimestamp(epoch_s, UTC)
    except (OverflowError, ValueError):
        return None
