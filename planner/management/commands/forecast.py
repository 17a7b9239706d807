"""``manage.py forecast``: when each waiting job is expected to start, or why nobody can tell."""

from __future__ import annotations

import argparse
import json
import os
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from planner.ensemble import Past, Starts, joined, paced_interval_s, run_batch
from planner.ensemble.processes import run_batches
from planner.forecasting.forecasts import HORIZON_S, QueueForecast, answers, forecast
from planner.forecasting.past_runs import past_runs
from planner.management.clusters import the_cluster
from planner.management.forecast_tables import comparison, table
from planner.management.pipes import reader_may_leave
from planner.sim.cluster import World
from planner.snapshot import Snapshot, build, read_facts
from planner.snapshot.facts import Facts
from planner.snapshot.past import past_of, recorded_past
from tracker.models import Cluster
from tracker.polling import newest_outputs
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.errors import SlurmError
from tracker.slurm.transports import ReplayTransport

REPLICAS = 16
BATCH = 4  # replicas between two words about how far it is
PROGRESS_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Source:
    """A recorded cluster, and where its past is to be had."""

    slurm: Slurm
    cluster: Cluster | None  # None: a capture, with its own accounting

    def past(self, facts: Facts, snapshot: Snapshot) -> Past:
        if self.cluster is None:
            return recorded_past(self.slurm, facts, snapshot)
        return past_of(facts, snapshot, past_runs(self.cluster, snapshot.taken_at))


class Command(BaseCommand):
    help = "Start of every waiting job, as a range, from the newest polls or from a capture."
    requires_system_checks = []  # a capture needs neither database nor data folder

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--capture", type=Path, metavar="DIR", help="made by manage.py capture")
        parser.add_argument("--cluster", metavar="NAME", help="needed where there are several")
        parser.add_argument(
            "--replicas", type=_positive, default=REPLICAS, metavar="K", help="futures simulated"
        )
        parser.add_argument("--seed", type=_not_negative, default=0, metavar="S")
        parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
        parser.add_argument(
            "--compare",
            action="store_true",
            help="the plan by limits beside Slurm's own StartTime, job by job",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            source = _source(options["capture"], options["cluster"])
            facts = read_facts(source.slurm)
            snapshot = build(facts)
            past = Past() if options["compare"] else source.past(facts, snapshot)
            made = self._forecast(snapshot, past, options["replicas"], options["seed"])
        except SlurmError as error:
            raise CommandError(f"no forecast: {error}") from error
        with reader_may_leave(self.stdout):
            if options["json"]:
                self.stdout.write(json.dumps(made.as_json(timezone.now()), indent=1))
                return
            compared = options["compare"]
            lines = comparison(source.slurm, facts, snapshot, made) if compared else table(made)
            for line in lines:
                self.stdout.write(line)
        for note in () if compared else made.notes:
            self.stderr.write(f"note: {note.about}: {note.what}")

    def _forecast(self, snapshot: Snapshot, past: Past, replicas: int, seed: int) -> QueueForecast:
        if past.is_blank:
            return forecast(snapshot, horizon_s=HORIZON_S)
        ranges = [range(first, min(first + BATCH, replicas)) for first in range(0, replicas, BATCH)]
        batches = self._watched(_batches(snapshot.world, past, ranges, seed), replicas)
        return answers(snapshot, joined(list(batches)), HORIZON_S)

    def _watched(self, batches: Iterator[Starts], replicas: int) -> Iterator[Starts]:
        began_s = told_s = time.monotonic()
        done = 0
        for batch in batches:
            yield batch
            done += batch.replicas
            now_s = time.monotonic()
            if now_s - told_s >= PROGRESS_EVERY_S and done < replicas:
                self.stderr.write(f"{done} of {replicas} replicas, {now_s - began_s:.0f} s")
                told_s = now_s


def _batches(world: World, past: Past, ranges: list[range], seed: int) -> Iterator[Starts]:
    """The first here, which tells whether it pays to start processes for the others."""
    first, *rest = ranges
    began_s = time.monotonic()
    asked: dict[str, Any] = {
        "seed": seed,
        "horizon_s": HORIZON_S,
        "bf_interval_s": paced_interval_s(world),
    }
    yield run_batch(world, past, replicas=first, **asked)
    is_long = time.monotonic() - began_s > PROGRESS_EVERY_S
    processes = (os.cpu_count() or 1) if is_long else 1
    yield from run_batches(world, past, rest, processes=processes, **asked)


def _source(capture: Path | None, name: str | None) -> Source:
    """The capture, or the newest polls of the cluster named or the only one."""
    if capture is not None:
        return Source(Slurm(read_capture(capture).transport), None)
    cluster = the_cluster(name)
    return Source(Slurm(ReplayTransport(newest_outputs(cluster))), cluster)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; give 1 or more")
    return int(text)


def _not_negative(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed; give 0 or more")
    return int(text)
