"""Slurm's commands in front of a queue that moves on: what ``bench/forecast_hour.py`` polls."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from bench import cluster_text
from bench.gpu_cluster import NOW, Asked, pending
from planner.snapshot import Facts
from tracker.slurm import records as slurm

_COMMAND = """#!/bin/sh
what=
for word
do
    case $word in config|node|partition|reservation|qos|assoc) what=-$word ;; esac
done
exec /bin/cat "{folder}/${{0##*/}}$what"
"""
_FILES = {
    "squeue": "squeue",
    "sacct": "sacct",
    "sshare": "sshare",
    "config": "scontrol-config",
    "nodes": "scontrol-node",
    "partitions": "scontrol-partition",
    "reservations": "scontrol-reservation",
    "qos": "sacctmgr-qos",
    "assoc": "sacctmgr-assoc",
}


class FakeSlurm:
    """Executables beneath ``folder/bin``, and the texts they print beside it. sprio and sdiag are
    not there. Accounting tells the past once, and of nothing that ends here."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self._told = folder / "told"
        for made in (self.bin, self._told):
            made.mkdir(parents=True)
        for name in {file.partition("-")[0] for file in _FILES.values()}:
            command = self.bin / name
            command.write_text(_COMMAND.format(folder=self._told))
            command.chmod(0o755)

    def tell(self, texts: dict[str, str]) -> None:
        for name, text in texts.items():
            new = self._told / "new"
            new.write_text(text)
            new.replace(self._told / _FILES[name])


class MovingQueue:
    """Where a running job ends, the first waiting one of its shape takes its nodes, if there is
    one, and another is submitted."""

    def __init__(self, facts: Facts, drawn: Iterator[Asked], now: datetime) -> None:
        jobs = [redated(job, now - NOW) for job in facts.queue]
        self._running = [job for job in jobs if job.state == "RUNNING"]
        self._waiting: dict[object, deque[slurm.QueuedJob]] = defaultdict(deque)
        for job in jobs:
            if job.state == "PENDING":
                self._waiting[_shape(job)].append(job)
        self._drawn = drawn
        self._next_id = 1 + max(job.job_id for job in jobs)

    def jobs(self) -> list[slurm.QueuedJob]:
        return [*self._running, *(job for line in self._waiting.values() for job in line)]

    def move(self, ends: int, now: datetime, rng: np.random.Generator) -> None:
        """So many end: those past their limits, then any."""
        order = [self._running[place] for place in rng.permutation(len(self._running))]
        order.sort(key=lambda job: not _is_over(job, now))
        self._running = order[ends:]
        for ended in order[:ends]:
            if line := self._waiting[_shape(ended)]:
                tres, nodes = ended.tres_alloc, ended.node_list
                begun = {"state": "RUNNING", "reason": "None", "start_at": now}
                self._running.append(
                    replace(line.popleft(), **begun, tres_alloc=tres, node_list=nodes)
                )
            new = pending(self._next_id, next(self._drawn), now)
            self._waiting[_shape(new)].append(new)
            self._next_id += 1


def redated(job: slurm.QueuedJob, by: timedelta) -> slurm.QueuedJob:
    times = {"submit_at": job.submit_at, "eligible_at": job.eligible_at, "start_at": job.start_at}
    return replace(job, **{name: at and at + by for name, at in times.items()})


def past_until(
    accounted: Sequence[slurm.AccountedJob], now: datetime
) -> Iterator[slurm.AccountedJob]:
    """As if it had been now; jobs that would end later are left out."""
    for job in accounted:
        names = ("submit_at", "eligible_at", "start_at", "end_at")
        times = {name: getattr(job, name) + (now - NOW) for name in names}
        if times["end_at"] <= now:
            yield replace(job, **times)


def texts(facts: Facts, accounted: Sequence[slurm.AccountedJob], now: datetime) -> dict[str, str]:
    """All that the commands tell at first."""
    return cluster_text.texts(facts, list(past_until(accounted, now)))


def _shape(job: slurm.QueuedJob) -> object:
    return job.partitions, job.node_count, repr(job.tres_per_node)


def _is_over(job: slurm.QueuedJob, now: datetime) -> bool:
    limit = timedelta(minutes=job.limit_minutes or 0)
    return job.start_at is not None and now - job.start_at > limit
