from __future__ import annotations

import os
import socket
import sys
from argparse import ArgumentParser

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from tracker import embedded, env
from tracker.models import Cluster
from tracker.slurm.errors import SlurmError
from tracker.supervisor import Plan, become


class Command(BaseCommand):
    help = "Run the whole service; SIGINT or SIGTERM ends it."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.BIND_HOST, help="address to listen on")
        parser.add_argument("--port", type=int, default=env.number("QUEUECAST_PORT", 8000))
        parser.add_argument(
            "--public-url",
            default=settings.PUBLIC_URL,
            metavar="U",
            help="the address that jobs and browsers use, where it is not that of --host",
        )
        parser.add_argument("--demo", action="store_true", help="with the demo cluster")
        parser.add_argument("--no-browser", action="store_true", help="only print the address")

    def handle(
        self, *, host: str, port: int, public_url: str, demo: bool, **options: object
    ) -> None:
        os.umask(0o077)  # of this process and its children: what they write is for their user only
        try:
            held = embedded.lock(settings.DATA_DIR)
        except embedded.AlreadyRunsError as error:
            raise CommandError(str(error)) from error
        with held:
            _refuse_taken(host, port)
            embedded.prepare_files(settings.DATA_DIR)
            admin = embedded.first_admin()
            with_demo = embedded.wants_demo(host, asked=demo)
            if not with_demo:
                self._find_cluster(admin)
            # The demo's row of an earlier start must not be asked when nobody plays it. One that
            # was not made to its end is followed once it is.
            demos = Cluster.objects.filter(is_demo=True).exclude(location="")
            demos.update(polling_paused=not with_demo)
            address = embedded.public_url(host, port, public_url)
            plan = Plan(
                programs=embedded.programs(host, port, demo=with_demo),
                folder=str(settings.BASE_DIR),
                host=host,
                port=port,
                link=address + embedded.sign_in_path(admin),
                opens_browser=not options["no_browser"] and _has_screen(),
                lock_fd=held.fileno(),
            )
            connections.close_all()
            environment = embedded.service_environment(
                os.environ, host=host, port=port, public_url=address
            )
            become(plan, environment)

    def _find_cluster(self, admin: User) -> None:
        try:
            cluster = embedded.add_local_cluster(admin)
        except SlurmError as error:
            self.stderr.write(
                f"Slurm's commands are on PATH, but: {error}\n"
                "No cluster is followed until one is added in the admin; --demo plays one."
            )
            return
        if cluster:
            self.stdout.write(f"Found Slurm: cluster {cluster.name} is followed from now on.")


def _refuse_taken(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise CommandError(
            f"cannot listen on {host} port {port} ({error.strerror}); give another --host or --port"
        ) from error


def _has_screen() -> bool:
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.stdout.isatty() and (sys.platform == "darwin" or bool(display))
