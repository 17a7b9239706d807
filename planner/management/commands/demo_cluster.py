"""``manage.py demo_cluster``: a simulated Slurm in real time, for the service to follow."""

from __future__ import annotations

import math
import multiprocessing
import os
import pwd
import random
import signal
import socket
import sys
import time
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections, transaction
from django.utils import timezone

from planner.demo import server, site
from planner.demo.controller import HISTORY_DAYS, Controller
from planner.demo.history import Witness
from planner.demo.journal import Journal
from planner.demo.past import PastPoller
from planner.demo.processes import Processes
from planner.record import replay
from tracker import polling, recording
from tracker.models import Actor, Cluster, ClusterAccount, Experiment

EXAMPLE = "Getting started: tiny training on the demo cluster"
EXAMPLE_DESCRIPTION = """\
The demo cluster is a simulated Slurm with simulated users. Your own scripts are real: they run \
on this machine when their turn comes. Press Start: the batch script below is submitted, waits, \
and logs its loss for two minutes; its page shows the state, the log and the curve. Seeds such as \
1-4 make a sweep.

By hand: issue a token beside "How to log to it", then in a terminal

1. cd {home} && export PATH="{bin}:$PATH"
2. the two export lines of "How to log to it", with the token in place of SECRET
3. save the batch script as train.py, then: sbatch train.py; squeue --me shows it waiting.

The two finished runs were made up at the first start.
"""


class Command(BaseCommand):
    help = "Serve the demo cluster until SIGTERM or SIGINT."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--history-days",
            type=int,
            default=HISTORY_DAYS,
            help="days lived through at the first start (default: %(default)s)",
        )

    def handle(self, *, history_days: int, **options: object) -> None:  # noqa: ARG002
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        folder = Path(settings.DATA_DIR) / "demo"
        folder.mkdir(mode=0o700, exist_ok=True)
        commands = folder / "bin"
        (folder / "spool").mkdir(mode=0o700, exist_ok=True)
        try:
            # First of all: two servers must not write one journal.
            listener = server.listen(folder / "slurm.sock")
        except (server.AlreadyRunningError, OSError) as error:
            raise CommandError(f"demo cluster: {folder / 'slurm.sock'}: {error}") from error
        with listener:
            announce()
            self._catch_up(folder, history_days)
            # Last: whoever finds them finds a cluster that answers, and may start jobs there.
            server.install_commands(commands, folder / "slurm.sock")
            controller = _controller(folder)
            self.stdout.write(f"Demo cluster: its commands are in {commands}")
            self._serve(controller, listener)
        (folder / "slurm.sock").unlink(missing_ok=True)

    def _catch_up(self, folder: Path, history_days: int) -> None:
        """In a process of its own: weeks of history need memory that a server never needs again."""
        connections.close_all()
        forked = multiprocessing.get_context("fork")
        past = forked.Process(target=_live_past, args=(folder, history_days), daemon=True)
        past.start()
        past.join()
        if past.exitcode:
            raise CommandError(
                f"demo cluster: its past ended with exit code {past.exitcode}; the log tells why"
            )

    def _serve(self, controller: Controller, listener: socket.socket) -> None:
        told: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: told.append(number))
        try:
            server.serve(controller, listener, stops=lambda: bool(told))
        finally:
            controller.stop()


def _live_past(folder: Path, history_days: int) -> None:
    past = PastPoller()
    _controller(folder, history_days=history_days, witness=past).stop()
    introduce(folder / "bin", folder / "home", _own_name(), past)


def _controller(
    folder: Path, *, history_days: int = HISTORY_DAYS, witness: Witness | None = None
) -> Controller:
    return Controller(
        Journal(folder / "journal.sqlite3"),
        Processes(folder / "spool", str(folder / "bin"), site.KILL_WAIT_S),
        own_name=_own_name(),
        own_uid=os.getuid(),
        now_at=int(time.time()),
        history_days=history_days,
        witness=witness,
    )


def _own_name() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def announce() -> None:
    """A row for pages to speak of while the demo lives through its past; nobody asks it yet."""
    Cluster.objects.get_or_create(name=site.NAME, is_demo=True, defaults={"polling_paused": True})


@transaction.atomic
def introduce(commands: Path, home: Path, own_name: str, past: PastPoller | None = None) -> None:
    """The service's own rows: the cluster, who is who on it, and at the first start an example and
    what a poller would have heard before."""
    home.mkdir(mode=0o700, exist_ok=True)
    is_new = not Cluster.objects.filter(name=site.NAME, is_demo=True).exclude(location="").exists()
    cluster, _ = Cluster.objects.update_or_create(
        name=site.NAME,
        is_demo=True,
        defaults={
            "transport": Cluster.Transport.LOCAL,
            "location": str(commands),
            "submit_as": Cluster.SubmitAs.SELF,
            "work_dir": str(home),
            "log_roots": [str(home)],
            "polling_paused": False,
        },
    )
    admins = get_user_model().objects.filter(is_superuser=True, is_active=True).order_by("pk")
    for admin in admins:
        ClusterAccount.objects.get_or_create(
            user=admin, cluster=cluster, defaults={"unix_name": own_name}
        )
    if past is not None and past.outputs:
        polling.store_outputs(cluster, past.outputs)
        replay.ask(cluster, past.looked_at, timezone.now())
    if is_new and admins:
        _make_example(cluster, Actor(admins[0]), commands, home)


def _make_example(cluster: Cluster, actor: Actor, commands: Path, home: Path) -> Experiment:
    script = Path(server.__file__).with_name("data") / "train.batch"
    experiment = recording.create_experiment(
        actor=actor,
        requests=[
            {"cluster": cluster, "partition": "debug", "mem": "500M", "time_limit_minutes": 5}
        ],
        name=EXAMPLE,
        description=EXAMPLE_DESCRIPTION.format(bin=commands, home=home),
        tags=["demo"],
        cluster=cluster,
        batch_script=script.read_text(),
    )
    for seed, learning_rate in ((1, 0.003), (2, 0.03)):
        config = {"learning_rate": learning_rate, "steps": 60}
        run, _ = recording.create_run(experiment, actor=actor, seed=seed, config=config)
        recording.append_points(run, _loss_curve(seed, learning_rate), now=timezone.now())
        recording.finish_run(run, actor=actor, status="COMPLETED", exit_code=0, at=timezone.now())
    return experiment


def _loss_curve(seed: int, learning_rate: float) -> list[recording.NewPoint]:
    noise = random.Random(seed)  # noqa: S311 (a curve to look at)
    return [
        recording.NewPoint(
            "loss", step, 0.3 + 2.2 * math.exp(-17 * learning_rate * step) + noise.gauss(0, 0.02)
        )
        for step in range(60)
    ]
