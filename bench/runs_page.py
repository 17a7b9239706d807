"""Server time of the runs page and of the search of runs, with 10,000 runs of 50 metrics each.

    python bench/runs_page.py [--runs N] [--metrics N] [--data-dir DIR] [--postgres] [--json]

Every row of the table is one request, made in this process through all middleware and templates:
the median and the most of several, the median of this process's CPU time and the mean of
PostgreSQL's, in milliseconds, and how many queries the first took. On a busy machine the CPU says
what a page would take on an idle one. ``--data-dir`` keeps a SQLite and uses it again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
GOAL_MS = 300
REPEATS = 5
REQUESTS = {
    "first page": "/runs",
    "page 100": "/runs?page=100",
    "sort by metric": "/runs?sort=-metrics.m07",
    "filter by metric": "/runs?where=metrics.m07+<+0.5",
    "filter and sort by metric": "/runs?where=metrics.m07+<+0.5&sort=metrics.m07",
    "filter by setting": "/runs?where=config.optim.lr+>+0.001",
    "sort by setting": "/runs?sort=config.optim.lr",
    "filter by tag": "/runs?where=tags.dataset+%3D+c4",
    "search a word": "/runs?q=baseline",
    "state and 20 columns": "/runs?status=FAILED&columns="
    + ",".join(f"metrics.m{i:02}" for i in range(20)),
    "sort by duration": "/runs?sort=-duration_s",
    "grouped by start": "/runs?group=start&columns=metrics.m07",
    "grouped by settings": "/runs?group=config&columns=metrics.m07",
    "experiment's page": "/experiments/1",
    "API, first page of 1,000": "/api/v1/runs?page_size=1000",
    "API, 1,000 with all metrics": "/api/v1/runs?page_size=1000&columns=metrics.*",
    "API, sorted by metric": "/api/v1/runs?sort=metrics.m07&page_size=100",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--metrics", type=int, default=50)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = asked.data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["QUEUECAST_DATA_DIR"] = str(folder)
        os.environ.setdefault("SECRET_KEY", "of-this-bench-only-" + "x" * 40)
        os.environ["DJANGO_SETTINGS_MODULE"] = "tracker.settings"
        database_pids: list[int] = []
        if asked.postgres:
            from bench.tracking_servers import Place
            from tests.services import postgres

            os.environ["DATABASE_URL"] = url = stack.enter_context(postgres())
            database_pids = Place(folder, url).database_pids()
        _prepare(asked.runs, asked.metrics)
        rows = _measured(database_pids)
    if asked.json:
        print(json.dumps(rows))
        return 0
    print(f"{'':32}{'median':>8}{'most':>8}{'CPU':>8}{'of DB':>8}{'SQL':>5}")
    for row in rows:
        word = "" if row["median_ms"] <= GOAL_MS else f"  over {GOAL_MS}"
        print(f"{row['request']:32}{row['median_ms']:8.0f}{row['most_ms']:8.0f}"
              f"{row['cpu_ms']:8.0f}{row['database_cpu_ms']:8.0f}"
              f"{row['queries']:5d}{word}")  # fmt: skip
    return 0


def _prepare(runs: int, metrics: int) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    # Names of static files without collectstatic, and a test client's host.
    settings.STORAGES["staticfiles"]["BACKEND"] = (
        "django.contrib.staticfiles.storage.StaticFilesStorage"
    )
    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    from bench.many_runs import fill
    from tracker.models import Run

    if not Run.objects.exists():
        fill(runs, metrics)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as a server does by itself before long


def _measured(database_pids: Sequence[int]) -> list[dict[str, object]]:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from bench import idle

    def database_cpu_s() -> float:
        return sum(idle.cpu_s(pid) for root in database_pids for pid in idle.tree(root))

    client = Client()
    client.force_login(User.objects.get(username="alice"))
    rows = []
    for name, path in REQUESTS.items():
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
        query_count = len(queries)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code} {answer.content[:500]!r}")
        took_ms, cpu_ms = [], []
        database_began_s = database_cpu_s()
        for _ in range(REPEATS):
            began, cpu_began = time.perf_counter(), time.process_time()
            client.get(path)
            took_ms.append((time.perf_counter() - began) * 1_000)
            cpu_ms.append((time.process_time() - cpu_began) * 1_000)
        rows.append({
            "request": name, "path": path, "median_ms": statistics.median(took_ms),
            "most_ms": max(took_ms), "cpu_ms": statistics.median(cpu_ms),
            "database_cpu_ms": (database_cpu_s() - database_began_s) * 1_000 / REPEATS,
            "queries": query_count,
        })  # fmt: skip
    return rows


if __name__ == "__main__":
    sys.exit(main())
