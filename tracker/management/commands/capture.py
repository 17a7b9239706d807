from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from tracker.management.choice import chosen_cluster
from tracker.models import Cluster
from tracker.reach import asking
from tracker.slurm.capture import write_capture
from tracker.slurm.errors import SlurmError
from tracker.slurm.transports import LocalTransport, Transport


class Command(BaseCommand):
    help = "Save the raw output of every command that the poller uses into a new folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path)
        parser.add_argument(
            "--history-days", type=float, default=30, metavar="N", help="of accounting (30)"
        )
        parser.add_argument("--cluster", help="which one, where there are several")

    def handle(
        self, *, folder: Path, history_days: float, cluster: str | None, **_options: object
    ) -> None:
        if history_days < 0:
            raise CommandError(f"--history-days is {history_days:g}; give 0 or more", returncode=2)
        try:
            manifest = write_capture(_transport(cluster), folder, history_days, timezone.now())
        except (SlurmError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{folder}: {manifest.cluster}, Slurm {manifest.slurm_version}, "
            f"taken at {manifest.taken_at.isoformat()}. It names people and their jobs."
        )


def _transport(name: str | None) -> Transport:
    """Without a service here, as on a login node, the Slurm of this machine."""
    is_set_up = Cluster._meta.db_table in connection.introspection.table_names()
    if name is None and not (is_set_up and Cluster.objects.exists()):
        return LocalTransport()
    return asking(chosen_cluster(name))
