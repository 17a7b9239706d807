"""One deed on many runs: what the runs table's bar and the API's bulk address do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from django.core.exceptions import PermissionDenied
from django.http import Http404

from tracker import recording
from tracker.models import Actor, Run

MOST = 500


class Deed(StrEnum):
    TAG = "tag"
    UNTAG = "untag"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    DELETE = "delete"
    RESTORE = "restore"


def do_to_runs(
    deed: Deed,
    ids: Sequence[str],
    *,
    actor: Actor,
    at: datetime,
    tag: str = "",
    value: str = "",
) -> int:
    """All or none; how many runs it changed.

    Http404 where one is none that the actor may see, PermissionDenied where it may only see one,
    ConflictError where one cannot be deleted yet.
    """
    runs = _editable(actor, ids)
    match deed:
        case Deed.TAG | Deed.UNTAG:
            recording.tag_runs(runs, {tag: value if deed is Deed.TAG else None}, actor=actor)
            return len(runs)
        case Deed.ARCHIVE:
            return recording.archive_runs(runs, actor=actor, at=at)
        case Deed.UNARCHIVE:
            return recording.unarchive_runs(runs, actor=actor)
        case Deed.DELETE:
            return recording.delete_runs(runs, actor=actor, at=at)
    return recording.restore_runs(runs, actor=actor)


def _editable(actor: Actor, ids: Sequence[str]) -> list[Run]:
    wanted = set(ids)
    runs = list(actor.editable_runs().filter(pk__in=wanted))
    if left := wanted - {run.pk for run in runs}:
        seen = (actor.runs() | actor.deleted_runs()).filter(pk__in=left).count()
        if seen < len(left):
            raise Http404(f"{len(left) - seen} of these runs are none that you may see.")
        raise PermissionDenied(f"{seen} of these runs you may see, and not change.")
    return runs
