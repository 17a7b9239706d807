from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracker import polling
from tracker.models import Cluster, Poll


class Command(BaseCommand):
    help = "Ask every cluster everything once, now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--cluster", help="only this one")
        parser.add_argument("--json", action="store_true", help="print what was asked as JSON")
        parser.add_argument(
            "--first",
            type=float,
            metavar="SECONDS",
            help="as `up` does at its start: wait up to so long for a cluster that answers, "
            "poll it, and ring for a forecast",
        )

    def handle(self, **options: Any) -> None:
        named = {"name": options["cluster"]} if options["cluster"] else {}
        if options["first"] is not None:
            _wait_for_an_answer(named, options["first"])
        clusters = list(Cluster.objects.filter(polling_paused=False, **named))
        if not clusters:
            raise CommandError(
                f'no cluster "{options["cluster"]}" to poll; see the admin'
                if named
                else "no cluster to poll: add one in the admin, or end the pause of its polls"
            )
        polls = [row for cluster in clusters for row in polling.poll_everything(cluster)]
        self._tell(polls, as_json=options["json"])
        if options["first"] is not None:
            _ring("forecast")
        if failed := [row for row in polls if not row.ok]:
            raise CommandError(f"{len(failed)} of {len(polls)} commands failed")

    def _tell(self, polls: list[Poll], *, as_json: bool) -> None:
        if as_json:
            json.dump([_fields(row) for row in polls], self.stdout, indent=1)
            self.stdout.write("")
            return
        for row in polls:
            outcome = f"{row.raw_size} bytes in {row.seconds:.1f} s" if row.ok else row.error
            self.stdout.write(f"{row.cluster.name} {row.command}: {outcome}")


def _fields(row: Poll) -> dict[str, object]:
    return {
        "cluster": row.cluster.name,
        "command": row.command,
        "ok": row.ok,
        "error": row.error,
        "rc": row.rc,
        "started_at": row.started_at.isoformat(),
        "seconds": row.seconds,
        "bytes": row.raw_size,
    }


def _wait_for_an_answer(named: dict[str, object], seconds: float) -> None:
    """A demo cluster comes up in some seconds, and its first poll should not wait for beat."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for cluster in Cluster.objects.filter(polling_paused=False, **named):
            row = polling.ask(cluster, "config")
            if row and row.ok:
                return
        time.sleep(1)
    sys.stderr.write(f"no cluster has answered within {seconds:.0f} s\n")


def _ring(entry: str) -> None:
    from tracker.celery import app

    scheduled = settings.CELERY_BEAT_SCHEDULE[entry]
    app.send_task(scheduled["task"], **scheduled["options"])
