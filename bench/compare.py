"""Server time of the comparison of runs: 20 runs of 100,000 points each, thinned for a chart.

    python bench/compare.py [--points N] [--data-dir DIR]

Every row is one kind of request to /api/v1/compare, made in this process through all middleware:
the median of several and of its CPU time in milliseconds, and the size of the answer. The points
lie in sealed stretches, as the service keeps what was logged a while ago. ``--data-dir`` keeps the
database and uses it again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
REPEATS = 5
LOOKS = {
    "first look": "",
    "smoothed": "&smoothing=0.9",
    "a tenth of it": "&from_x=40000&to_x=50000",
    "over time of day": "&x=time",
    "seeds as one": "&group_by=config",
    "seeds as one, smoothed, ±": "&group_by=config&smoothing=0.9&band=std",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--data-dir", type=Path)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = asked.data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["QUEUECAST_DATA_DIR"] = str(folder)
        os.environ.setdefault("SECRET_KEY", "of-this-bench-only-" + "x" * 40)
        os.environ["DJANGO_SETTINGS_MODULE"] = "tracker.settings"
        measure(prepare(asked.points))
    return 0


def prepare(points: int) -> int:
    """The experiment to compare the runs of."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.utils import timezone

    from tests.compared_runs import make_sweep
    from tracker.models import Experiment

    call_command("migrate", verbosity=0)
    owner, _ = User.objects.get_or_create(username="bench")
    known = Experiment.objects.filter(owner=owner).first()
    return (known or make_sweep(owner, points, timezone.now())).pk


def measure(experiment: int) -> None:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username="bench"))
    print(f"{'':28}{'median':>8}{'CPU':>8}{'kB':>8}")
    for name, look in LOOKS.items():
        address = f"/api/v1/compare?experiment={experiment}&metric=loss{look}"
        answer = client.get(address)  # the first of all imports NumPy
        show(name, [timed(client, address) for _ in range(REPEATS)], len(answer.content))
    known = {"If-None-Match": answer["ETag"]}
    show("nothing new", [timed(client, address, known) for _ in range(REPEATS)], 0)


def timed(client, address: str, headers: dict[str, str] | None = None) -> tuple[float, float]:
    """Seconds by the clock and of CPU."""
    began, used = time.perf_counter(), time.process_time()
    status = client.get(address, headers=headers).status_code
    if status != (304 if headers else 200):
        raise RuntimeError(f"{address} is answered with {status}")
    return time.perf_counter() - began, time.process_time() - used


def show(name: str, took: list[tuple[float, float]], size: int) -> None:
    clock_ms, cpu_ms = (1000 * statistics.median(column) for column in zip(*took, strict=True))
    print(f"{name:28}{clock_ms:8.0f}{cpu_ms:8.0f}{size / 1000:8.0f}")


if __name__ == "__main__":
    sys.exit(main())
