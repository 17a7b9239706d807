from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from planner.record import replay
from tracker.management.choice import chosen_cluster
from tracker.models import Cluster, Job
from tracker.polling import StoredCapture, store_capture
from tracker.slurm.capture import read_capture
from tracker.slurm.errors import SlurmError


class Command(BaseCommand):
    help = (
        "Bring in what `manage.py capture` has saved, and have the forecasts of those times made "
        "and scored. A repeated capture changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folders", metavar="DIR", type=Path, nargs="+")
        parser.add_argument("--cluster", help="whose captures they are, whatever they call it")
        parser.add_argument("--json", action="store_true")

    def handle(
        self, *, folders: list[Path], cluster: str | None, json: bool, **_options: object
    ) -> None:
        owner = chosen_cluster(cluster)
        is_named = cluster is not None
        asked, stored = 0, []
        for count, folder in enumerate(folders, 1):
            capture, is_new = _bring_in(owner, folder, is_named=is_named)
            stored.append(capture)
            asked += is_new
            self.stderr.write(f"{count} of {len(folders)}: {folder}, {capture.new_polls} new polls")
        told = _told(owner, stored, asked)
        self.stdout.write(_as_json(told) if json else _as_text(told))
        if told["waiting_jobs_unknown"]:
            self.stderr.write(
                "Forecasts of jobs that are not known here cannot be kept: bring their history in "
                "first, with manage.py import_sacct."
            )


@transaction.atomic  # no poll is pruned before its replay is asked for
def _bring_in(cluster: Cluster, folder: Path, *, is_named: bool) -> tuple[StoredCapture, int]:
    try:
        name = read_capture(folder).manifest.cluster
        if not is_named and name != cluster.name:
            raise CommandError(
                f"{folder} is a capture of {name!r}, not of {cluster.name!r}; if they are the "
                f"same, say so with --cluster {cluster.name}"
            )
        capture = store_capture(cluster, folder)
    except SlurmError as error:
        raise CommandError(f"{folder}: {error}") from error
    return capture, replay.ask(cluster, [capture.known_at], timezone.now())


def _told(cluster: Cluster, stored: Sequence[StoredCapture], asked: int) -> dict[str, object]:
    waiting = sorted(frozenset().union(*(capture.waiting_ids for capture in stored)))
    known: set[int] = set()
    for first in range(0, len(waiting), 10_000):  # below SQLite's limit of variables
        some = waiting[first : first + 10_000]
        jobs = Job.objects.filter(cluster=cluster, job_id__in=some)
        known.update(jobs.values_list("job_id", flat=True))
    done, of = replay.progress(cluster)
    return {
        "cluster": cluster.name,
        "captures": len(stored),
        "new_polls": sum(capture.new_polls for capture in stored),
        "replays_asked": asked,
        "waiting_jobs": len(waiting),
        "waiting_jobs_unknown": len(waiting) - len(known),
        "replays_done": done,
        "replays": of,
    }


def _as_json(told: dict[str, object]) -> str:
    return json.dumps(told)


def _as_text(told: dict[str, object]) -> str:
    return (
        "{captures} captures of {cluster}: {new_polls} polls stored, {replays_asked} forecasts "
        "asked for ({replays_done} of {replays} done); {waiting_jobs} jobs waited in them, "
        "{waiting_jobs_unknown} of these not known here".format(**told)
    )
