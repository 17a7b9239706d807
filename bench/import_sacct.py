"""How fast a history comes in, how much memory that takes, and how long others wait meanwhile.

    python bench/import_sacct.py make ROWS FILE [--seed S]
    python bench/import_sacct.py run ROWS [--seed S] [--no-appends]

``make`` writes a made-up dump of ``sacct -P`` with arrays, requeues, cancelled and unreadable rows,
names with separators, line breaks and bytes that are no UTF-8. ``run`` imports one into a fresh
data folder (or the empty database that DATABASE_URL names) while a point of a metric is appended
every 200 ms, as by a training job, and prints one JSON object. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tracker.slurm.sacct import FIELDS  # noqa: E402

EPOCH_S = 1_700_000_000
STATES = ("COMPLETED",) * 14 + ("FAILED",) * 3 + ("TIMEOUT", "OUT_OF_MEMORY", "CANCELLED by 1001")
APPEND_EVERY_S = 0.2


def dump(rows: int, seed: int) -> Iterator[bytes]:
    """A header and that many rows, each some 400 bytes long."""
    yield "|".join(FIELDS).encode() + b"\n"
    yield from islice(_attempts(random.Random(seed)), rows)


def _attempts(rng: random.Random) -> Iterator[bytes]:
    job_id, submit_s = 1_000_000, EPOCH_S
    while True:
        tasks = rng.choice((1, 1, 1, 1, 1, 1, 1, 1, 4, 40))
        array_id = job_id if tasks > 1 else None
        submit_s += rng.randrange(60)
        words = _words_alike(rng)
        for task in range(tasks):
            shown = f"{array_id}_{task}" if array_id else str(job_id)
            at_s = submit_s
            while rng.random() < 0.02:  # the attempt fails with its node and is requeued
                end_s = at_s + rng.randrange(60, 7200)
                yield _row(rng, shown, "NODE_FAIL", (job_id, at_s, end_s), words)
                at_s = end_s + 1
            state = rng.choice(STATES)
            yield _row(rng, shown, state, (job_id, at_s, None), words)
            job_id += 1


def _words_alike(rng: random.Random) -> dict[str, str]:
    """What all tasks of an array share."""
    user, gpus = rng.randrange(400), rng.choice((0, 0, 1, 2, 4, 8))
    cpus, gib = rng.choice((1, 4, 8, 16, 64)), rng.choice((4, 16, 64, 256))
    gres = f",gres/gpu:a100={gpus},gres/gpu={gpus}" if gpus else ""
    limit = rng.choice(("01:00:00", "04:00:00", "1-00:00:00", "UNLIMITED", "Partition_Limit"))
    return {
        "User": f"user{user:03}",
        "Account": f"group{user % 40:02}",
        "Partition": "gpu" if gpus else "cpu",
        "QOS": "normal",
        "Timelimit": limit,
        "ReqCPUS": str(cpus),
        "ReqNodes": "1",
        "AllocNodes": "1",
        "ReqTRES": f"billing={cpus},cpu={cpus}{gres},mem={gib}G,node=1",
        "AllocTRES": f"billing={cpus},cpu={cpus}{gres},mem={gib}G,node=1",
        "NodeList": f"node{rng.randrange(1500):04}",
        "Cluster": "lab",
        "Flags": "SchedBackfill,StartRecieved",
        "WorkDir": f"/home/user{user:03}/projects/exp-{rng.randrange(100):03}",
        "JobName": rng.choice(("train", "eval|lr=0.1", "zwei\nZeilen", "pr\udce9paration", "日本")),
    }


def _row(
    rng: random.Random, shown: str, state: str, ids_and_times: tuple[int, int, int | None],
    alike: dict[str, str],
) -> bytes:  # fmt: skip
    """``ids_and_times``: raw job id, submission, and the end where it is given."""
    job_id, submit_s, end_s = ids_and_times
    start_s = min(end_s or 2**40, submit_s + int(rng.expovariate(1 / 1800)))
    end_s = end_s or start_s + int(rng.expovariate(1 / 7200))
    words = alike | {
        "JobID": shown,
        "JobIDRaw": str(job_id) if rng.random() > 1e-4 else "12x",  # unreadable
        "State": state,
        "ExitCode": "1:0" if state == "FAILED" else "0:0",
        "Reason": "None",
        "Priority": str(rng.randrange(1000, 20000)),
        "Submit": str(submit_s),
        "Eligible": str(submit_s),
        "Start": str(start_s),
        "End": str(end_s),
        "ElapsedRaw": str(end_s - start_s),
        "DBIndex": str(job_id - 900_000),
    }
    line = "|".join(words.get(field, "") for field in FIELDS)
    return line.encode(errors="surrogateescape") + b"\n"


def run(rows: int, seed: int, *, appends: bool) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="queuecast-bench-") as folder:
        _prepare(Path(folder))
        file = Path(folder) / "dump.psv"
        with file.open("wb") as out:
            out.writelines(dump(rows, seed))
        command = [sys.executable, "manage.py", "import_sacct", str(file), "--json"]
        began_s = time.monotonic()
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        latencies_ms, usage = _append_until_end(child, appends=appends)
        wall_s = time.monotonic() - began_s
        output, _ = child.communicate()
        return {
            "rows": rows,
            "wall_s": round(wall_s, 1),
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
            "rows_per_s": round(rows / wall_s),
            "rows_per_cpu_s": round(rows / (usage.ru_utime + usage.ru_stime)),
            "peak_rss_mib": round(usage.ru_maxrss / 1024),
            "dump_mib": round(file.stat().st_size / 2**20),
            "database_mib": round(_database_bytes(Path(folder)) / 2**20),
            "append_ms": _summary(latencies_ms),
            "queue_poll_ms": _queue_poll_ms(),
            "told": json.loads(output),
        }


def _prepare(folder: Path) -> None:
    os.environ["QUEUECAST_DATA_DIR"] = str(folder)
    os.environ.setdefault("SECRET_KEY", "of-the-bench-only-" + "x" * 40)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tracker.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from tracker.models import Cluster

    Cluster.objects.create(name="lab")


def _append_until_end(
    child: subprocess.Popen[str], *, appends: bool
) -> tuple[list[float], resource.struct_rusage]:
    """How long each append took, and what the child used."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from tracker.models import Experiment, Run
    from tracker.recording import NewPoint, append_points

    owner = User.objects.create_user("alice")
    experiment = Experiment.objects.create(owner=owner, name="vit-small")
    run = Run.objects.create(experiment=experiment)
    latencies_ms: list[float] = []
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return latencies_ms, usage
        if appends:
            began_s = time.monotonic()
            point = NewPoint("loss", step=len(latencies_ms), value=0.5)
            append_points(run, [point], now=timezone.now())
            latencies_ms.append(1000 * (time.monotonic() - began_s))
        time.sleep(APPEND_EVERY_S)


def _queue_poll_ms() -> list[int]:
    """What recording an empty queue takes beside that history: the first polls settle it."""
    from django.utils import timezone

    from tracker.ingest import record_queue
    from tracker.models import Cluster

    lasted_ms = []
    for _ in range(4):
        began_s = time.monotonic()
        record_queue(Cluster.objects.get(), [], timezone.now())
        lasted_ms.append(round(1000 * (time.monotonic() - began_s)))
    return lasted_ms


def _summary(latencies_ms: list[float]) -> dict[str, float]:
    if not latencies_ms:
        return {}
    order = sorted(latencies_ms)
    shares = {"median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {"n": len(order)} | {
        name: round(order[min(len(order) - 1, int(share * len(order)))], 1)
        for name, share in shares.items()
    }


def _database_bytes(folder: Path) -> int:
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    return sum(file.stat().st_size for file in folder.glob("queuecast.sqlite3*"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("deed", choices=("make", "run"))
    parser.add_argument("rows", type=int)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-appends", action="store_true", help="nobody else writes meanwhile")
    asked = parser.parse_args()
    if (asked.deed == "make") != (asked.file is not None):
        parser.error("make needs a FILE, run takes none")
    if asked.deed == "make":
        with asked.file.open("wb") as out:
            out.writelines(dump(asked.rows, asked.seed))
    else:
        print(json.dumps(run(asked.rows, asked.seed, appends=not asked.no_appends), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
