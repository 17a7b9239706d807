from __future__ import annotations

import argparse
import json
import os
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from planner.backtest.answering import said, to_ask
from planner.backtest.asking import Answers
from planner.backtest.methods import NAMES, SHIPPED, UnknownMethodError, chosen
from planner.backtest.processes import ask
from planner.backtest.report import Report, as_json, make_report
from planner.backtest.tables import tables
from planner.backtest.targets import NoTargetsError, pick_targets
from planner.backtest.walk import inferred
from planner.management.pipes import reader_may_leave
from planner.record.history import read_history
from planner.traces.cleaning import TraceError
from planner.traces.jobs import Trace
from planner.traces.reading import read_trace
from tracker.management.choice import chosen_cluster

PROGRESS_EVERY_S = 2.0
SHIPPED_IN_WORDS = (
    "what the simulation and the state of the queue have taught so far, calibrated on earlier"
    " forecasts"
)


class Command(BaseCommand):
    help = (
        "How good forecasts made at submission would have been on a log of the past, each method"
        " knowing only what was known then."
    )
    requires_system_checks = []  # a log needs neither database nor data folder

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "trace",
            nargs="?",
            type=Path,
            metavar="TRACE",
            help="a log in the Standard Workload Format, or of sacct -P; .gz is read too",
        )
        parser.add_argument("--history", action="store_true", help="the service's own record")
        parser.add_argument("--cluster", metavar="NAME", help="with --history: where several are")
        parser.add_argument("--processors", type=_count, metavar="N", help="of the machine")
        parser.add_argument(
            "--train-days",
            type=_days,
            metavar="N",
            help="not forecast, history only; else the first 40 %% of jobs",
        )
        parser.add_argument("--max-forecasts", type=_count, default=1500, metavar="N")
        parser.add_argument("--methods", metavar="A,B", help=f"of {', '.join(NAMES)}; else all")
        parser.add_argument("--seed", type=_not_negative, default=0, metavar="S")
        parser.add_argument(
            "--processes", type=_count, default=os.cpu_count() or 1, metavar="P", help="else all"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object, for programs")

    def handle(self, *_args: Any, **options: Any) -> None:
        began_s = time.monotonic()
        try:
            names = chosen(options["methods"])
            trace = _trace(options)
            notes = [*trace.notes, *inferred(trace)]
            targets = pick_targets(
                trace, at_most=options["max_forecasts"], train_days=options["train_days"]
            )
        except UnknownMethodError as error:
            raise CommandError(str(error), returncode=2) from error
        except (TraceError, NoTargetsError) as error:
            raise CommandError(str(error)) from error
        report = self._report(trace, names, targets, options["processes"], options["seed"])
        seconds = time.monotonic() - began_s
        with reader_may_leave(self.stdout):
            if options["json"]:
                told = _as_json(trace, notes, targets, report, seconds)
                self.stdout.write(json.dumps(told, indent=1, allow_nan=False))
            else:
                self._print(trace, notes, report, seconds)

    def _report(
        self, trace: Trace, names: list[str], targets: list[int], processes: int, seed: int
    ) -> Report:
        asked = to_ask(trace, names, targets)
        portions = ask(trace, names, asked, min(processes, len(asked)))
        answers = list(self._watched(portions, len(asked)))
        told = said(trace, names, targets, answers, seed=seed, processes=processes)
        return make_report(trace, targets, told, seed)

    def _watched(self, portions: Iterator[list[Answers]], n: int) -> Iterator[Answers]:
        began_s = told_s = time.monotonic()
        done = 0
        for portion in portions:
            yield from portion
            done += len(portion)
            now_s = time.monotonic()
            if now_s - told_s >= PROGRESS_EVERY_S:
                self.stderr.write(f"{done:,} of {n:,} jobs, {now_s - began_s:.0f} s")
                told_s = now_s

    def _print(self, trace: Trace, notes: list[str], report: Report, seconds: float) -> None:
        for line in (f"{trace.name}: {len(trace.jobs):,} jobs", *tables(report), ""):
            self.stdout.write(line)
        if SHIPPED in report.methods:
            self.stdout.write(f"* {SHIPPED_IN_WORDS}")
        for note in notes:
            self.stdout.write(f"note: {note}")
        self.stdout.write(f"{seconds:.1f} s")


def _trace(options: dict[str, Any]) -> Trace:
    path: Path | None = options["trace"]
    if options["history"] == (path is not None):
        raise CommandError("give a TRACE or --history, one of them", returncode=2)
    if options["cluster"] is not None and not options["history"]:
        raise CommandError("--cluster goes with --history only", returncode=2)
    if path is None:
        try:
            return read_history(chosen_cluster(options["cluster"]), options["processors"])
        except DatabaseError as error:
            raise CommandError(
                f"the database cannot be read ({error}); start the service once with manage.py up"
            ) from error
    try:
        return read_trace(path, options["processors"])
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error}") from error


def _as_json(
    trace: Trace, notes: list[str], targets: list[int], report: Report, seconds: float
) -> dict[str, Any]:
    jobs = [trace.jobs[target] for target in targets]
    methods = as_json(report.methods)
    return {
        "trace": {"name": trace.name, "jobs": len(trace.jobs), "processors": trace.processors},
        "notes": notes,
        "targets": {
            "asked": report.asked,
            "answered_by_all": report.answered,
            "censored": sum(job.wait_s is None for job in jobs),
            "jobs_before": targets[0],
            "first_submit_s": jobs[0].asked.submit_s,
            "last_submit_s": jobs[-1].asked.submit_s,
        },
        "seconds": round(seconds, 3),
        "shipped": methods.get(SHIPPED),
        "methods": methods,
        "layers": as_json(report.layers),
    }


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; give 1 or more")
    return int(text)


def _not_negative(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed; give 0 or more")
    return int(text)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0.0 < days < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; give more than 0")
    return days
