"""Whether forecasts of a busy cluster stay young within a quarter of a core: the service, for an
hour.

    python bench/forecast_hour.py [--nodes N] [--running R] [--pending P] [--minutes M]

The whole service by ``manage.py up``, on SQLite in a folder of its own, polls commands that tell of
the cluster of ``bench/gpu_cluster.py``: each half minute some jobs end, some of those that wait
start, and as many are submitted. The hour begins with the first forecast.

``compute`` is the CPU time of the compute worker with its children, all that it does: forecasts,
their scoring, learning, against one core. ``oldest`` is the greatest age of the facts behind the
newest forecast told, of any and of those of 64 replicas (fewer once their quantiles agree); a
forecast that was not made anew, since nothing had happened, counts as one.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import cluster_text, idle
from bench.fake_slurm import FakeSlurm, MovingQueue, texts
from bench.gpu_cluster import Size, facts_of, submissions
from bench.service import Service, running
from planner.forecasting.cadence import FEW, MANY
from tests.services import wait_until

MOVES_EVERY_S = 30.0
MEAN_RUN_S = 3 * 3600.0  # of what runs: R of them end in so long
PATIENCE_S = 1200.0
SETTLE = """
from tracker.models import Cluster
Cluster.objects.create(name="bench", transport="local", location=%r)
"""
MADE = """
import json
from django.db.models import Sum
from planner.models import Forecast
rows = Forecast.objects.filter(state="done", as_of=None).order_by("finished_at")
print(json.dumps([
    [row.facts_at.timestamp(), row.finished_at.timestamp(), row.horizon_s / 3600, row.cpu_s,
     row.replicas, row.batches.aggregate(n=Sum("replicas"))["n"] or 0]
    for row in rows
]))
"""


class Made(NamedTuple):
    """A forecast; times in epoch seconds."""

    known_s: float
    told_s: float
    ahead_h: float
    cpu_s: float
    replicas: int  # asked for
    made: int  # fewer once their quantiles agreed, none where nothing had happened


def forecasts(service: Service) -> list[Made]:
    return [Made(*row) for row in json.loads(service.manage("shell", "-v", "0", "-c", MADE))]


def compute_worker(root: int) -> int:
    """The pid of the Celery worker that makes forecasts."""
    return next(
        pid
        for pid in idle.tree(root)
        if {"worker", "compute"} <= set(Path(f"/proc/{pid}/cmdline").read_text().split("\0"))
    )


def oldest_s(made: Sequence[Made], least: int, until_s: float) -> float:
    """The greatest age of the facts behind the newest of at least so many replicas."""
    told = [one for one in made if one.replicas >= least]
    ends = [one.told_s for one in told[1:]] + [until_s][: len(told)]
    ages_s = (end_s - one.known_s for one, end_s in zip(told, ends, strict=True))
    return max(ages_s, default=math.inf)


def hour(size: Size, seconds: float, folder: Path) -> None:
    rng = np.random.default_rng(1)
    facts, accounted = facts_of(size, rng)
    slurm, now = FakeSlurm(folder), datetime.now(UTC)
    queue = MovingQueue(facts, submissions(rng), now)
    slurm.tell(texts(facts, accounted, now) | {"squeue": cluster_text.queue_text(queue.jobs())})
    service = Service(folder / "data", {})
    service.manage("migrate", "-v", "0")
    service.manage("shell", "-v", "0", "-c", SETTLE % str(slurm.bin))
    service.manage("poll", check=False)  # sprio and sdiag are not there
    slurm.tell({"sacct": ""})
    ends = max(1, round(size.running * MOVES_EVERY_S / MEAN_RUN_S))
    with running(service) as root:
        wait_until(lambda: forecasts(service), "a first forecast", PATIENCE_S)
        pid = compute_worker(root)
        began_s, began_cpu_s = time.time(), tree_cpu_s(pid)
        while time.time() - began_s < seconds:
            queue.move(ends, datetime.now(UTC), rng)
            slurm.tell({"squeue": cluster_text.queue_text(queue.jobs())})
            time.sleep(MOVES_EVERY_S)
        lasted_s, cpu_s = time.time() - began_s, tree_cpu_s(pid) - began_cpu_s
        report(forecasts(service), lasted_s, cpu_s, time.time())


def tree_cpu_s(pid: int) -> float:
    return sum(idle.cpu_s(below) for below in idle.tree(pid))


def report(made: Sequence[Made], lasted_s: float, cpu_s: float, until_s: float) -> None:
    print("after s  replicas  made  ahead h  CPU s  a replica  told after s")
    for before, one in pairwise([made[0], *made]):
        print(
            f"{one.known_s - before.known_s:7.0f}  {one.replicas:8}  {one.made:4}"
            f"  {one.ahead_h:7.0f}  {one.cpu_s:5.0f}  {one.cpu_s / max(1, one.made):9.2f}"
            f"  {one.told_s - one.known_s:12.0f}"
        )
    print(f"\ncompute: {cpu_s / lasted_s:.1%} of a core in {lasted_s / 60:.0f} min (asked: 25 %)")
    for least, asked in ((FEW, 10), (MANY, 30)):
        age_min = oldest_s(made, least, until_s) / 60
        print(f"oldest of {least} replicas: {age_min:.1f} min (asked: {asked})")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--running", type=int, default=2000)
    parser.add_argument("--pending", type=int, default=5000)
    parser.add_argument("--history", type=int, default=20_000, help="jobs that accounting tells of")
    parser.add_argument("--minutes", type=float, default=60.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = Size(asked.nodes, asked.running, asked.pending, asked.history)
        hour(size, asked.minutes * 60.0, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
