"""``manage.py simulate``: when the jobs of a log start under a scheduling policy."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from planner.clusterfile import ClusterFileError
from planner.management.pipes import reader_may_leave
from planner.management.policies import pool, slurm
from planner.management.policies.prepared import Prepared
from planner.report.figures import Figures, figures
from planner.report.page import page
from planner.report.schedule import Schedule
from planner.selfcheck import check, moments
from planner.selfcheck.told import as_json, as_text
from planner.sim.pool import Tally
from planner.snapshot import read_facts
from planner.traces.cleaning import TraceError
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.errors import SlurmError

PROGRESS_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of the simulation alone: not of reading the log, nor of starting Python."""

    wall_s: float
    cpu_s: float  # of the process
    events: int


class Command(BaseCommand):
    help = "Start the jobs of a log anew, as a scheduler would."
    requires_system_checks = []  # a log needs neither database nor data folder

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "trace",
            type=Path,
            nargs="?",
            metavar="TRACE",
            help="a log in the Standard Workload Format, or of sacct -P; .gz is read too",
        )
        parser.add_argument("--policy", choices=(*pool.POLICIES, "slurm"), default="easy")
        cluster = parser.add_mutually_exclusive_group()
        cluster.add_argument(
            "--processors", type=_count, metavar="N", help="of the machine; else as the log says"
        )
        cluster.add_argument(
            "--capture", type=Path, metavar="DIR", help="made by manage.py capture, for slurm"
        )
        cluster.add_argument(
            "--cluster", type=Path, metavar="FILE.toml", help="a described cluster, for slurm"
        )
        parser.add_argument(
            "--check", action="store_true", help="the model against the capture, without a log"
        )
        parser.add_argument("--first", type=_count, metavar="N", help="jobs, by submission")
        parser.add_argument("--starts", type=Path, metavar="OUT.csv", help="when each job starts")
        parser.add_argument("--report", type=Path, metavar="OUT.html", help="a page to look at")
        parser.add_argument(
            "--seed",
            type=_not_negative,
            default=0,
            metavar="S",
            help="of what is drawn; these policies draw nothing",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object, for programs")

    def handle(self, *_args: Any, **options: Any) -> None:
        began_s = time.monotonic()
        _refuse_wrong_usage(options)
        if options["check"]:
            self._check(options["capture"], in_json=options["json"])
            return
        is_watched = not options["json"] or sys.stderr.isatty()
        with self.progress(is_watched, lambda: f"reading {options['trace'].name}"):
            prepared = _prepare(options)
        tally = Tally()
        with self.progress(is_watched, lambda: f"{tally.jobs:,} of {prepared.jobs:,} jobs"):
            schedule, more_notes, cost = _simulate(prepared, tally)
        notes = (*prepared.notes, *more_notes)
        if not schedule.job_ids.size:
            raise CommandError(f"no job of {prepared.name} starts; {'; '.join(notes)}")
        found = figures(schedule)
        try:
            if options["starts"] is not None:
                _write_starts(options["starts"], schedule)
            if options["report"] is not None:
                size = f"{prepared.processors:,} processors"
                title = f"{prepared.name}, {options['policy']}, {size}"
                options["report"].write_text(page(schedule, found, title, notes), "utf-8")
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}") from error
        told = _told(found, cost, time.monotonic() - began_s)
        with reader_may_leave(self.stdout):
            if options["json"]:
                size = {"policy": options["policy"], "processors": prepared.processors}
                self.stdout.write(
                    json.dumps(told | size | {"notes": notes}, indent=1, allow_nan=False)
                )
            else:
                self._print(told, notes if options["policy"] == "slurm" else ())

    def _check(self, capture: Path, *, in_json: bool) -> None:
        try:
            source = Slurm(read_capture(capture).transport)
            facts = read_facts(source)
            found = check(facts, moments(source, facts))
        except SlurmError as error:
            raise CommandError(f"no check: {error}") from error
        with reader_may_leave(self.stdout):
            if in_json:
                self.stdout.write(json.dumps(as_json(found), indent=1, allow_nan=False))
            else:
                for line in as_text(found):
                    self.stdout.write(line)

    @contextmanager
    def progress(self, is_watched: bool, doing: Callable[[], str]) -> Iterator[None]:
        """Say every two seconds what is being done, from a thread: the work is not slowed."""
        done = threading.Event()
        began_s = time.monotonic()

        def watch() -> None:
            while not done.wait(PROGRESS_EVERY_S):
                self.stderr.write(f"{doing()}, {time.monotonic() - began_s:.0f} s")

        watcher = threading.Thread(target=watch, daemon=True)
        if is_watched:
            watcher.start()
        try:
            yield
        finally:
            done.set()
            if is_watched:
                watcher.join()

    def _print(self, told: dict[str, float | None], notes: tuple[str, ...]) -> None:
        for name, value in told.items():
            shown = "not known" if value is None else f"{value:,}"
            self.stdout.write(f"{name:<22} {shown:>16}")
        for note in notes:
            self.stderr.write(f"note: {note}")


def _refuse_wrong_usage(options: dict[str, Any]) -> None:
    """Raises CommandError, for what the parser cannot see."""
    if options["check"]:
        if options["capture"] is None or options["trace"] is not None:
            raise CommandError("--check goes with --capture DIR, and no TRACE", returncode=2)
        return
    if options["trace"] is None:
        raise CommandError("name a TRACE to simulate, or --check a capture", returncode=2)
    for name in ("capture", "cluster"):
        if options[name] is not None and options["policy"] != "slurm":
            raise CommandError(
                f"--policy {options['policy']} knows one pool of processors; give --policy slurm"
                f" with --{name}",
                returncode=2,
            )
    for path in (options["starts"], options["report"]):
        if path is not None and not path.parent.is_dir():
            raise CommandError(f"there is no folder {path.parent} to write {path.name} into")


def _prepare(options: dict[str, Any]) -> Prepared:
    path, processors, first = options["trace"], options["processors"], options["first"]
    try:
        if options["policy"] == "slurm":
            return slurm.prepare(
                path,
                capture=options["capture"],
                cluster_file=options["cluster"],
                processors=processors,
                first=first,
            )
        return pool.prepare(path, options["policy"], processors, first)
    except (TraceError, ClusterFileError, SlurmError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from error


def _simulate(prepared: Prepared, tally: Tally) -> tuple[Schedule, tuple[str, ...], Cost]:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    schedule, notes = prepared.simulate(tally)
    cost = Cost(time.perf_counter() - wall_s, time.process_time() - cpu_s, tally.events)
    return schedule, notes, cost


def _write_starts(path: Path, schedule: Schedule) -> None:
    """Times as in the log, of its origin; whole numbers without a point."""
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write("job_id,start_s\n")
        for job_id, start_s in zip(schedule.job_ids, schedule.start_s, strict=True):
            shown = int(start_s) if start_s.is_integer() else float(start_s)
            out.write(f"{job_id},{shown}\n")


def _told(found: Figures, cost: Cost, total_s: float) -> dict[str, float | None]:
    return {
        "jobs": found.jobs,
        "wall_s": round(cost.wall_s, 6),
        "cpu_s": round(cost.cpu_s, 6),
        "total_s": round(total_s, 3),
        "jobs_per_s": round(found.jobs / cost.cpu_s, 1) if cost.cpu_s else None,
        "events": cost.events,
        "mean_wait_s": round(found.mean_wait_s, 3),
        "median_wait_s": found.median_wait_s,
        "p95_wait_s": round(found.p95_wait_s, 3),
        "mean_bounded_slowdown": round(found.mean_bounded_slowdown, 4),
        "makespan_s": found.makespan_s,
        "utilisation": round(found.utilisation, 6),
        "peak_rss_mib": round(_peak_rss_mib(), 1),
    }


def _peak_rss_mib() -> float:
    """Of this program. What ``getrusage`` tells counts the program that started it, too."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; give 1 or more")
    return int(text)


def _not_negative(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed; give 0 or more")
    return int(text)
