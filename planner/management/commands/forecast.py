"""``manage.py forecast``: when each waiting job is expected to start, or why nobody can tell."""

from __future__ import annotations

import argparse
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from planner.forecasts import HORIZON_S, Forecast, JobForecast, forecast, newest_polls
from planner.management.pipes import reader_may_leave
from planner.selfcheck import moments
from planner.selfcheck.starts import agreement, compare, explained, in_order
from planner.snapshot import Snapshot, build, read_facts
from planner.snapshot.facts import Facts
from tracker.models import Cluster
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.errors import SlurmError
from tracker.slurm.records import QueuedJob


class Command(BaseCommand):
    help = "Planned start of every waiting job, from the newest polls or from a capture."
    requires_system_checks = []  # a capture needs neither database nor data folder

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--capture", type=Path, metavar="DIR", help="made by manage.py capture")
        parser.add_argument("--cluster", metavar="NAME", help="needed where there are several")
        parser.add_argument("--replicas", type=_positive, default=1, metavar="K")
        parser.add_argument("--seed", type=_not_negative, default=0, metavar="S")
        parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
        parser.add_argument(
            "--compare", action="store_true", help="beside Slurm's own StartTime, job by job"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            slurm = _source(options["capture"], options["cluster"])
            facts = read_facts(slurm)
            snapshot = build(facts)
            made = forecast(
                snapshot,
                replicas=options["replicas"],
                seed=options["seed"],
                horizon_s=HORIZON_S,
            )
        except SlurmError as error:
            raise CommandError(f"no forecast: {error}") from error
        with reader_may_leave(self.stdout):
            if options["json"]:
                self.stdout.write(json.dumps(made.as_json(timezone.now()), indent=1))
            elif options["compare"]:
                self._print_comparison(slurm, facts, snapshot, made)
            else:
                self._print_jobs(made)

    def _print_jobs(self, made: Forecast) -> None:
        self.stdout.write(
            f"{len(made.jobs)} waiting jobs at {made.snapshot_at:%Y-%m-%d %H:%M:%S %Z},"
            f" looking {made.horizon_s // 3600} h ahead\n\n"
        )
        line = "{:<12} {:<10} {:<12} {:<26} {:>9}  {}"
        self.stdout.write(line.format("JOB", "USER", "PARTITION", "NEEDS", "START", "WHY"))
        for job in sorted(made.jobs, key=_start_s):
            record = job.pending.record
            self.stdout.write(
                line.format(
                    job.pending.key,
                    record.user,
                    ",".join(record.partitions),
                    _needs(record),
                    _shown_start(job),
                    job.why,
                ).rstrip()
            )
        for note in made.notes:
            self.stderr.write(f"note: {note.about}: {note.what}")

    def _print_comparison(
        self, slurm: Slurm, facts: Facts, snapshot: Snapshot, made: Forecast
    ) -> None:
        interval_s = snapshot.world.config.bf_interval_s
        pairs = compare(facts, snapshot, moments(slurm, facts).cycle_at)
        why = explained(pairs, interval_s)
        simulated_s = {job.pending.key: job.p50_s for job in made.jobs}
        line = "| {:<10} | {:<10} | {:>9} | {:>9} | {:>9} | {:>9} | {} |"
        head = ("job", "partition", "Slurm", "cycle", "apart s", "simulated", "why they differ")
        self.stdout.write(line.format(*head))
        self.stdout.write(line.format(*("-" * len(word) for word in head)))
        for pair in sorted(pairs, key=in_order):
            self.stdout.write(
                line.format(
                    key := pair.pending.key,
                    ",".join(pair.pending.record.partitions),
                    _clock(pair.slurm_s),
                    _clock(pair.cycle_s),
                    "" if pair.difference_s is None else f"{pair.difference_s:+.0f}",
                    _clock(simulated_s[key]),
                    why[key],
                )
            )
        found = agreement(pairs, interval_s)
        if found is None:
            self.stdout.write("\nNo job has a start both from Slurm and from the model.")
            return
        self.stdout.write(
            f"\n{found.rows} rows, {found.both} with a start from both:"
            f" {found.within_interval:.0%} within one backfill interval ({interval_s:g} s),"
            f" median difference {found.median_abs_s:.0f} s"
        )


def _source(capture: Path | None, name: str | None) -> Slurm:
    """The capture, or the newest polls of the cluster named or the only one."""
    if capture is not None:
        return Slurm(read_capture(capture).transport)
    try:
        clusters = list(Cluster.objects.filter(**({} if name is None else {"name": name}))[:2])
        if len(clusters) == 1:
            return newest_polls(clusters[0])
        known = ", ".join(Cluster.objects.values_list("name", flat=True)) or "none yet"
    except DatabaseError as error:
        raise CommandError(
            f"the database cannot be read ({error}); start the service once with manage.py up,"
            " or name a capture folder with --capture DIR"
        ) from error
    if name is not None:
        raise CommandError(f"no cluster is called {name!r}; known: {known}")
    raise CommandError(f"which cluster? Give --cluster NAME (known: {known}) or --capture DIR")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; give 1 or more")
    return int(text)


def _not_negative(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed; give 0 or more")
    return int(text)


def _needs(record: QueuedJob) -> str:
    """``2 nodes, 32 cpu, 8 a100``: what it asks for in all."""
    asked = record.tres_alloc
    gpus = asked.gpus_by_type or ({"gpu": asked.gpus} if asked.gpus else {})
    parts = [f"{record.cpus or 1} cpu", *(f"{count} {kind}" for kind, count in gpus.items())]
    if (record.node_count or 1) > 1:
        parts.insert(0, f"{record.node_count} nodes")
    return ", ".join(parts)


def _start_s(job: JobForecast) -> tuple[bool, bool, float]:
    return job.p50_s is None, not job.later_than_horizon, job.p50_s or 0.0


def _shown_start(job: JobForecast) -> str:
    return "later" if job.later_than_horizon else _clock(job.p50_s) or "-"


def _clock(seconds: float | None) -> str:
    """``+01:30`` hours and minutes from the snapshot, with seconds below an hour."""
    if seconds is None:
        return ""
    if abs(seconds) < 3600:
        sign = "-" if seconds < 0 else "+"
        minutes, rest = divmod(round(abs(seconds)), 60)
        return f"{sign}{minutes}m{rest:02d}s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"+{hours:02d}:{minutes:02d}"
