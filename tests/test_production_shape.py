"""PostgreSQL and Redis instead of SQLite and files: a poll rung over the broker is in the base."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services

pytestmark = pytest.mark.service
ROOT = Path(__file__).resolve().parents[1]
CAPTURE = ROOT / "tests" / "data" / "slurm" / "22.05-capture"
ADD_CLUSTER = (
    "from tracker.models import Cluster;"
    f"Cluster.objects.create(name='lab', transport='capture', location={str(CAPTURE)!r})"
)
RING = "from tracker.tasks import poll_queue; poll_queue.delay()"
COUNT = (
    "import json; from tracker.models import Job, Poll;"
    "print(json.dumps([Poll.objects.filter(command='squeue', ok=True).count(),"
    " Job.objects.filter(state='PENDING').count()]))"
)


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    with (
        services.postgres() as database_url,
        services.redis() as broker_url,
        services.folder("queuecast-production-") as data_dir,
    ):
        yield os.environ | {
            "DATABASE_URL": database_url,
            "BROKER_URL": broker_url,
            "QUEUECAST_DATA_DIR": str(data_dir),
        }


def manage(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def test_a_poll_rung_over_redis_is_recorded_in_postgresql(environment: dict[str, str]) -> None:
    manage(environment, "migrate", "-v0")
    shell = ("shell", "--no-imports", "-c")
    manage(environment, *shell, ADD_CLUSTER)
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "tracker.celery", "worker", "-Q", "poll", "-c", "1"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        manage(environment, *shell, RING)

        def recorded() -> bool:
            polls, pending = json.loads(manage(environment, *shell, COUNT))
            return polls >= 1 and pending > 100

        services.wait_until(recorded, "the rung poll", 60)
    finally:
        services.end(worker)
