"""``manage.py plan``: where and when a job would start first, and what would bring it sooner."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from planner.advice import Advice
from planner.asking.answered import told_at
from planner.asking.answering import Answering, told
from planner.asking.choices import choices_of, unknown_names
from planner.asking.grounds import adviser_of, grounds_of, made_futures
from planner.asking.instants import parse_instant
from planner.asking.request import (
    MAX_COUNT,
    Request,
    features_of,
    limit_minutes_of,
    mem_mib_of,
    request_of,
)
from planner.asking.scripts import asked_by_script
from planner.ensemble import Past
from planner.futures import Future
from planner.management.clusters import the_cluster
from planner.management.pipes import reader_may_leave
from planner.sim.cluster import World
from planner.snapshot import Facts, Snapshot, build, read_facts
from planner.snapshot.past import recorded_past
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.errors import SlurmError

REPLICAS = 16
MAKE_FOR_S = 30.0  # after which no other future is begun
SAY_AFTER_S = 2.0
SEED = 0


@dataclass(frozen=True, slots=True)
class Source:
    """A cluster as it was at one instant, and who answers questions about it."""

    facts: Facts
    snapshot: Snapshot
    answering: Callable[[Request], Answering]


class Command(BaseCommand):
    help = "Where and when a job would start first, by a batch script, by options, or by both."
    requires_system_checks = []  # a capture needs neither database nor data folder

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("script", nargs="?", metavar="SCRIPT.sh", help="a batch script; - is standard input")
        add("--user", metavar="U", help="unix name; default yours, if the cluster knows it")
        add("--account", metavar="A")
        add("--qos", metavar="Q")
        add("--cluster", metavar="C", help="needed where there are several")
        add("--partition", type=_names, metavar="P,…", help="default all")
        for name, what in (
            ("nodes", "default 1"),
            ("ntasks", "in all; default one for each node"),
            ("cpus", "for each task; default 1"),
            ("gpus", "in all"),
        ):
            add(f"--{name}", type=_count, metavar="N", help=what)
        add("--mem", type=_parsed(mem_mib_of), metavar="SIZE", help="on each node, such as 64G")
        add("--gpu-type", metavar="T", help="such as a100")
        add("--constraint", type=_parsed(features_of), metavar="X", help="features: a&b or a|b")
        add("--time", type=_parsed(limit_minutes_of), metavar="T", help="limit, as sbatch takes it")
        add("--begin", type=_parsed(_instant), metavar="WHEN", help="not before")
        add("--deadline", type=_parsed(_instant), metavar="WHEN", help="when results are needed")
        add("--capture", type=Path, metavar="DIR", help="made by manage.py capture")
        add("--json", action="store_true", help="one JSON object, for programs")

    def handle(self, *_args: Any, **options: Any) -> None:
        self.began_s = time.monotonic()
        now = timezone.now()
        try:
            source = self._source(options["capture"], options["cluster"], now)
            request, ignored = _asked(options, source.facts, now)
            advice = self._advice(source.answering(request))
        except SlurmError as error:
            raise CommandError(f"no plan: {error}") from error
        snapshot = source.snapshot
        answer = told_at(
            now,
            told(snapshot.world, advice),
            snapshot_at=snapshot.taken_at,
            request=request.as_json(),
            ignored=ignored,
        )
        with reader_may_leave(self.stdout):
            lines = [json.dumps(answer, indent=1)] if options["json"] else answer["text"]
            for line in lines:
                self.stdout.write(line)

    def _source(self, capture: Path | None, name: str | None, now: datetime) -> Source:
        if capture is None:
            grounds = grounds_of(the_cluster(name), now)
            known = grounds.known
            return Source(
                known.facts,
                known.snapshot,
                lambda request: grounds.answering(request, asker=request.user, shows_jobs=True),
            )
        return self._recorded(Slurm(read_capture(capture).transport))

    def _recorded(self, slurm: Slurm) -> Source:
        facts = read_facts(slurm)
        snapshot = build(facts)

        def answering(request: Request) -> Answering:
            past = recorded_past(slurm, facts, snapshot)
            began_s, futures = time.process_time(), self._futures(snapshot.world, past)
            replica_s = (time.process_time() - began_s) / len(futures)
            adviser = adviser_of(facts, snapshot, past, futures, seed=SEED)
            asker = adviser.for_asker(request.user, shows_jobs=True)
            return Answering(asker, request, replica_s=replica_s)

        return Source(facts, snapshot, answering)

    def _futures(self, world: World, past: Past) -> list[Future]:
        futures = []
        for future in made_futures(world, past, replicas=REPLICAS, seed=SEED, for_s=MAKE_FOR_S):
            futures.append(future)
            self._say(f"{len(futures)} of {REPLICAS} replicas")
        return futures

    def _advice(self, answering: Answering) -> Advice:
        first = answering.first()
        *_, last = self._watched(chain([first], answering.rest(first)))
        return last

    def _watched(self, parts: Iterator[Advice]) -> Iterator[Advice]:
        for part in parts:
            if not part.complete:
                self._say("options are found; working on the rest" if not part.walltime else
                          "simulating the best")  # fmt: skip
            yield part

    def _say(self, what: str) -> None:
        """How far it is, to whoever has waited for a while."""
        now_s = time.monotonic()
        if now_s - self.began_s > SAY_AFTER_S:
            self.stderr.write(what)
            self.began_s = now_s


def _asked(options: dict[str, Any], facts: Facts, now: datetime) -> tuple[Request, tuple[str, ...]]:
    """By the script and the options, which win. CommandError on what is not there."""
    text = _script(options["script"])
    try:
        asked = asked_by_script(text, now.astimezone(), fields=options)
    except ValueError as error:
        raise CommandError(f"{options['script']}: {error}") from error
    user = options["user"] or _own_name(facts)
    try:
        request = request_of(asked.fields, user)
    except ValueError as error:
        raise CommandError(str(error), returncode=2) from error
    for name, message in unknown_names(request, choices_of(facts, user)).items():
        raise CommandError(f"--{name.replace('_', '-')}: {message}")
    return request, asked.ignored


def _own_name(facts: Facts) -> str:
    """Of whoever types, if the cluster knows them; else "": planned without fair share."""
    try:
        own = getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        return ""
    return own if any(row.user == own for row in facts.associations) else ""


def _script(name: str | None) -> str:
    if name is None:
        return ""
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}") from error


def _parsed(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """A type of argparse: what cannot be parsed is wrong usage, with its cure."""

    def parsed(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


def _instant(text: str) -> datetime:
    return parse_instant(text, timezone.now().astimezone())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= MAX_COUNT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; give 1 to {MAX_COUNT}")
    return int(text)
