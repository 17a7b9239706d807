"""TensorBoard's event files of runs, read into their curves while they are being written.

A scalar ``loss`` becomes the metric ``tb/loss``, with the folders below the run's that its file
lies in: ``tb/validation/loss``. So it meets no metric that the run logs itself, and is searched,
sorted and compared like those. Each file goes on where it was left; what was taken in twice is
stored once, as its time is part of a point's identity.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from tracker.files.job_files import JobFiles
from tracker.files.run_files import Place, vouched_places
from tracker.logs import Unreadable
from tracker.logs.unreadable import shown, translated
from tracker.models import Actor, Artifact, EventFile, EventReading, MetricSeries, Run
from tracker.recording import NewPoint, append_points
from tracker.tensorboard import Event, Stretch, read_event, read_records

PREFIX = "tb"
# Bounds of one look at one run: the rest is for the next.
MAX_FOLDERS, MAX_FILES, MAX_DEPTH = 200, 100, 6
MAX_BYTES = 8_388_608
STRETCH_BYTES = 1_048_576
# What was written just before the end may take a minute to be seen through a network file system.
SETTLED = timedelta(minutes=2)
LAST_SECOND_S = 8_000_000_000  # in 2223: later times are nonsense
CLOCKS_DIFFER_S = 5  # of nodes and of slurmctld, at most

_NAME_CHARS = MetricSeries._meta.get_field("name").max_length
_PROGRESS = ("attempt", "offset", "points", "problem")
_PATH_CHARS = EventFile._meta.get_field("path").max_length
# Of the layout that every run's folder is given: the one for logs adds nothing to a name, and the
# one for checkpoints holds no event files but many others.
_USUAL_PLACE = ("logs", "tensorboard")
_NOT_SEARCHED = "checkpoints"


def runs_to_look_at(now: datetime, most: int = 100) -> QuerySet[Run]:
    """Open runs that may have event files, and ended ones once more; the longest unseen first."""
    told = Artifact.objects.filter(run=OuterRef("pk"), kind=Artifact.Kind.TENSORBOARD)
    was_read = EventReading.objects.filter(run=OuterRef("pk"), ended_attempt=OuterRef("attempt"))
    return (
        Run.objects.filter(Q(folder__gt="") | Exists(told))
        .filter(Q(status__in=Run.OPEN) | (Q(ended_at__lt=now - SETTLED) & ~Exists(was_read)))
        .filter(job__start_at__isnull=False, created_by__isnull=False, deleted_at=None)
        .select_related("job__cluster", "created_by", "event_reading")
        .order_by(F("event_reading__read_at").asc(nulls_first=True), "pk")[:most]
    )


def read_run(run: Run, now: datetime) -> int:
    """Take in what its files hold beyond what was taken in; the number of points newly stored."""
    look = _Look(run, now)
    try:
        files = JobFiles.of(run, Actor(run.created_by))
        places = vouched_places(run, files.user)
    except Unreadable as unreadable:
        look.problem, places = unreadable.message, []
    for place in places:
        if place.artifact is None or place.artifact.kind == Artifact.Kind.TENSORBOARD:
            try:
                look.at_place(place, files)
            except Unreadable as unreadable:
                look.problem = unreadable.message
    is_done = not run.is_open and not look.is_over
    EventReading.objects.update_or_create(
        run=run,
        defaults={
            "read_at": now,
            "ended_attempt": run.attempt if is_done else None,
            "problem": look.problem,
        },
    )
    return look.stored


class _Look:
    """One look at one run: what is left of its share, and what came of it so far."""

    def __init__(self, run: Run, now: datetime) -> None:
        self.run, self.now = run, now
        self.known = {file.path: file for file in run.event_files.all()}
        self.left_bytes, self.left_files = MAX_BYTES, MAX_FILES
        self.stored = 0
        self.problem = ""

    @property
    def is_over(self) -> bool:
        return self.left_bytes <= 0 or self.left_files <= 0

    def at_place(self, place: Place, files: JobFiles) -> None:
        for path, size in _event_files(place, files):
            if self.is_over:
                return
            known = self.known.get(shown(path)) or EventFile(
                run=self.run, path=shown(path), attempt=self.run.attempt
            )
            if size is not None and size == known.offset:
                continue  # all of it was taken in
            if len(known.path) > _PATH_CHARS:
                self.problem = f"{known.path[:200]}… is too long a path."
                continue
            self.left_files -= 1
            try:
                with files.open(path) as file:
                    self._take_in(known, place, path, file.fileno())
            except Unreadable as unreadable:
                self.problem = unreadable.message

    def _take_in(
        self, known: EventFile, place: Place, path: PurePosixPath, descriptor: int
    ) -> None:
        """All that is new in one file, as far as this look's share goes."""
        is_more = True
        while is_more and self.left_bytes > 0:
            with translated(path):
                # Shorter than it was: begun anew.
                offset = known.offset if os.fstat(descriptor).st_size >= known.offset else 0
                stretch = read_records(descriptor, offset, max_bytes=STRETCH_BYTES)
            self.left_bytes -= stretch.end - offset
            is_more = stretch.stop == "more"
            if stretch.end != known.offset or _problem(stretch) != known.problem:
                self._store(known, place, path, offset, stretch)

    def _store(
        self, known: EventFile, place: Place, path: PurePosixPath, offset: int, stretch: Stretch
    ) -> None:
        events = [event for record in stretch.records if (event := read_event(record))]
        points = [point for event in events for point in _points(place, path, event)]
        if offset == 0 and events:
            known.attempt = _attempt_at(self.run, events[0].wall_time_s)
        with transaction.atomic():
            stored = append_points(self.run, points, attempt=known.attempt, now=self.now)
            known.offset, known.problem = stretch.end, _problem(stretch)
            known.points += stored
            EventFile.objects.update_or_create(
                run=self.run,
                path=known.path,
                defaults={name: getattr(known, name) for name in _PROGRESS},
            )
        self.known[known.path] = known
        self.stored += stored


def _problem(stretch: Stretch) -> str:
    if stretch.stop in ("end", "more"):
        return ""
    return f"The record at byte {stretch.end} is {stretch.stop}: nothing behind it is read."


# --- which files
def _event_files(place: Place, files: JobFiles) -> Iterator[tuple[PurePosixPath, int | None]]:
    """Those below a place with their sizes, a bounded number of folders down. A place may be a
    file itself, of which the size is not looked up."""
    try:
        listings = deque([(place.path, files.list(place.path))])
    except Unreadable as unreadable:
        if unreadable.kind == "not_a_folder":
            yield place.path, None
        elif place.artifact or unreadable.kind != "absent":
            raise
        return  # a run that has not made its folder yet
    left = MAX_FOLDERS
    while listings:
        folder, listing = listings.popleft()
        depth = len(folder.parts) - len(place.path.parts)
        for entry in listing.entries:
            path = folder / entry.name
            if not entry.opens or entry.name == _NOT_SEARCHED:
                continue
            if entry.kind == "file" and "tfevents" in entry.name:
                yield path, entry.size
            elif entry.kind == "folder" and left and depth < MAX_DEPTH:
                left -= 1
                with suppress(Unreadable):
                    listings.append((path, files.list(path)))


# --- what their events come to
def _points(place: Place, path: PurePosixPath, event: Event) -> Iterator[NewPoint]:
    for tag, value in event.scalars:
        if name := _metric_name(place, path, tag):
            yield NewPoint(name, event.step, value, _microseconds(event.wall_time_s))


def _metric_name(place: Place, path: PurePosixPath, tag: str) -> str | None:
    """None for a tag that no metric can be called."""
    within = path.parent.parts[len(place.path.parts) :]
    if within[: len(_USUAL_PLACE)] == _USUAL_PLACE:
        within = within[len(_USUAL_PLACE) :]
    name = "/".join([PREFIX, *map(shown, within), tag])
    return name if tag and len(name) <= _NAME_CHARS and "\0" not in name else None


def _microseconds(epoch_s: float) -> int | None:
    is_time = math.isfinite(epoch_s) and 0 <= epoch_s < LAST_SECOND_S
    return int(epoch_s * 1_000_000) if is_time else None


def _attempt_at(run: Run, epoch_s: float) -> int:
    """The attempt that a file begun then belongs to: a requeued job begins another one."""
    assert run.job is not None  # noqa: S101 (else it had no files)
    started = [
        number
        for number, start_at in run.job.attempts.values_list("number", "start_at")
        if start_at and start_at.timestamp() - CLOCKS_DIFFER_S <= epoch_s
    ]
    return max(started, default=run.attempt)
