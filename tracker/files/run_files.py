"""The places where a run keeps files: the folder it was started with, and what it told of.

Nothing else of its user's is opened: whoever sees the run would see it. A path that a run told of
counts only by the word of the job's own user, who could read it anyway.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from tracker.files.job_files import JobFiles
from tracker.logs import Listing, Unreadable
from tracker.logs.unreadable import shown
from tracker.models import Actor, Artifact, ClusterAccount, Run


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with all that is in it, or a single file. ``artifact`` None: the run's folder."""

    path: PurePosixPath
    artifact: Artifact | None = None

    def holds(self, path: PurePosixPath) -> bool:
        return path == self.path or self.path in path.parents


def places_of(run: Run) -> list[Place]:
    """Rows alone: nothing is looked up on the storage. Told paths that are not absolute are taken
    to be below the run's folder, or else the job's; where neither is known they stay as told."""
    places = [Place(PurePosixPath(run.folder))] if run.folder else []
    beside = run.folder or (run.job.work_dir if run.job else "")
    for artifact in run.artifacts.all():
        path = posixpath.normpath(posixpath.join(beside, artifact.path))
        if path.startswith("/"):
            path = "/" + path.lstrip("/")
        places.append(Place(PurePosixPath(path), artifact))
    return places


def open_run_file(run: Run, path: PurePosixPath, actor: Actor) -> BinaryIO:
    """To be closed by the caller. Raises Unreadable, with the reason in words."""
    files = JobFiles.of(run, actor)
    _check_place(run, path, files, actor)
    return files.open(path)


def list_run_folder(run: Run, path: PurePosixPath, actor: Actor) -> Listing:
    """Raises Unreadable, with the reason in words."""
    files = JobFiles.of(run, actor)
    _check_place(run, path, files, actor)
    return files.list(path)


def vouched_places(run: Run, user: str) -> list[Place]:
    """Those by the word of the job's own user: what is in them may be shown to all of the run."""
    vouching = ClusterAccount.objects.filter(cluster=run.job.cluster, unix_name=user)  # type: ignore[union-attr]
    users = set(vouching.values_list("user_id", flat=True))
    return [
        place
        for place in places_of(run)
        if place.artifact is None or place.artifact.told_by_id in users
    ]


def _check_place(run: Run, path: PurePosixPath, files: JobFiles, actor: Actor) -> None:
    # ``..`` is refused where the path is opened, so what begins like a place lies within it.
    if any(place.holds(path) for place in vouched_places(run, files.user)):
        return
    if any(place.holds(path) for place in places_of(run)):
        if actor.unix_name(run.job.cluster) == files.user:  # type: ignore[union-attr]
            return  # asks for what is the actor's own
        raise Unreadable(
            "not_owner",
            f"{shown(path)} was told of by somebody who is not {files.user}: only {files.user} "
            "opens it here.",
        )
    raise Unreadable(
        "outside",
        f"{shown(path)} is neither in the run's folder nor in what the run told of as an artifact.",
    )
