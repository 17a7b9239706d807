"""How long somebody waits for an answer on a busy cluster, from the question to what is told.

    python bench/answer.py [--nodes N] [--running R] [--pending P] [--questions Q] [--quick]

The whole service by ``manage.py up``, on SQLite in a folder of its own, in front of a capture of
``bench/gpu_cluster.py``: R jobs run, P wait. A forecast of 16 replicas is made first, and one
question asked, so that the workers are warm. Then Q questions, no two alike, one after the other:
``POST /api/v1/plan`` and its Location every 50 ms. ``first`` is the time until options are told
(approximate, labelled so), ``complete`` until all of the answer is. Once while nothing else is
computed, once while replicas of the next forecast are.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import cluster_text
from bench.gpu_cluster import Size, facts_of
from bench.service import Service, running

LOOK_EVERY_S = 0.05
NEVER_S = "86400"
POLLS = ("QUEUE", "NODES", "ACCOUNTING", "CONFIGURATION")
SETTINGS = {"FORECAST_S": NEVER_S, **{f"POLL_{kind}_S": NEVER_S for kind in POLLS}}
PATIENCE_S = 300.0
SETTLE = """
from django.contrib.auth.models import User
from tracker.models import Cluster, ClusterAccount, Token
cluster = Cluster.objects.create(name="bench", transport="capture", location=%r)
user = User.objects.create_user("ada")
ClusterAccount.objects.create(user=user, cluster=cluster, unix_name="u3")
print(Token.issue(user=user, scope="user")[1])
"""
FORECAST = """
import time
from django.utils import timezone
from planner.forecasting import forecast_batches
from planner.models import Forecast
from tracker.models import Cluster
at = timezone.now()
Forecast.objects.update(facts_digest="")  # else what the one before said would hold
row = Forecast.objects.create(cluster=Cluster.objects.get(), requested_at=at, replicas=16, seed=%d)
forecast_batches.compute(row.pk)
while row.refresh_from_db() or row.is_open:  # the worker of the service makes some of it
    time.sleep(0.5)
print(row.state, row.error)
"""


def waited_s(service: Service, body: dict[str, Any]) -> tuple[float, float]:
    """From the question to the first options, and to the whole answer."""
    began_s = time.perf_counter()
    first_s = None
    told = service.ask("/api/v1/plan", body)
    while time.perf_counter() - began_s < PATIENCE_S:
        if first_s is None and told.get("options"):
            first_s = time.perf_counter() - began_s
        if first_s is not None and told.get("complete"):
            return first_s, time.perf_counter() - began_s
        time.sleep(LOOK_EVERY_S)
        told = service.ask(told["location"])
    raise TimeoutError(f"{body} was not answered within {PATIENCE_S:.0f} s: {told}")


def bodies(count: int, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "gpus": int(rng.choice([1, 2, 4, 8])),
            "cpus": 8,
            "time": f"{60 + 10 * number + seed}:00",
            "gpu_type": str(rng.choice(["a100", "h100"])),
        }
        for number in range(count)
    ]


def report(name: str, waits: list[tuple[float, float]]) -> None:
    first, complete = np.array(waits).T
    print(
        f"{name:12}  {len(waits):9}  {np.median(first):13.2f}  {first.max():10.2f}"
        f"  {np.median(complete):16.2f}  {complete.max():13.2f}",
        flush=True,
    )


def measure(size: Size, questions: int, folder: Path) -> None:
    facts, accounted = facts_of(size, np.random.default_rng(1))
    cluster_text.write(folder / "capture", facts, accounted)
    service = Service(folder / "data", SETTINGS)
    service.manage("migrate", "-v", "0")
    service.token = service.manage("shell", "-v", "0", "-c", SETTLE % str(folder / "capture"))
    service.manage("poll", check=False)  # sprio and sdiag, which the capture lacks, are refused
    with running(service):
        print("forecast", service.manage("shell", "-v", "0", "-c", FORECAST % 0), flush=True)
        waited_s(service, bodies(1, 1000)[0])
        print("meanwhile     questions  first median s  first max s  complete median s  max s")
        report("nothing", [waited_s(service, body) for body in bodies(questions, 1)])
        forecast = service.start("shell", "-v", "0", "-c", FORECAST % 1)
        time.sleep(10)  # until it has read the facts
        report("replicas", [waited_s(service, body) for body in bodies(questions, 2)])
        print("the forecast", "had ended before" if forecast.poll() is not None else "still ran")
        forecast.kill()
        forecast.wait()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--running", type=int, default=2000)
    parser.add_argument("--pending", type=int, default=5000)
    parser.add_argument("--history", type=int, default=20_000, help="jobs that accounting tells of")
    parser.add_argument("--questions", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="a cluster of 40 nodes")
    asked = parser.parse_args()
    size = Size(asked.nodes, asked.running, asked.pending, asked.history)
    if asked.quick:
        size = Size(nodes=40, running=80, pending=100, history=2000)
    with tempfile.TemporaryDirectory() as folder:
        measure(size, asked.questions, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
