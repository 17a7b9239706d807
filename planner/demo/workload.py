"""The other users of the demo cluster: a seeded stream of submissions, hour by hour.

Run times and GPU counts come from a real trace (data/README.md); the rest is invented. An hour's
submissions depend on the seed and the hour alone, so a restart continues the same stream.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import TypeVar

from planner.demo import site
from planner.demo.jobs import Request

T = TypeVar("T")

HOUR_S = 3600.0
MAX_RUN_S = 36000
TEST_SHARE = 0.12  # share of jobs that only try something out, for minutes
TEST_MAX_RUN_S = 1200
GPU_JOBS_PER_DAY = 250  # more than 64 GPUs can run: ``acceptance`` sends the surplus away
CPU_JOBS_PER_DAY = 70
PENDING_MAX = 90  # people go elsewhere when the queue is long
PENDING_LOW = 45
_LIMITS_MINUTES = (10, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1080, 1440)

_GPU_NAMES = ("resnet50", "vit-small", "bert-finetune", "llm-lora", "diffusion", "wav2vec2",
              "detr-coco", "gnn-molecules", "rl-atari", "eval-suite")  # fmt: skip
_CPU_NAMES = ("tokenize", "preprocess", "md-water", "lattice-qcd", "blast", "cross-validation")
# share of jobs; the exit code or signal that accounting shows
_OUTCOMES = (
    ("COMPLETED", 0.80, 0, 0),
    ("FAILED", 0.11, 1, 0),
    ("FAILED", 0.02, 137, 0),
    ("OUT_OF_MEMORY", 0.02, 0, 125),
    ("CANCELLED", 0.03, 0, 15),
    ("NODE_FAIL", 0.01, 0, 0),
    ("TIMEOUT", 0.01, 0, 0),
)


@dataclass(frozen=True, slots=True)
class Submission:
    """One sbatch of a simulated user; ``follows`` adds afterok on the one before."""

    at: float
    request: Request
    array_size: int | None = None
    follows: bool = False


def acceptance(pending: int) -> float:
    """Share of submissions that still happen with so many jobs waiting: the queue's own brake."""
    return min(1.0, max(0.0, (PENDING_MAX - pending) / (PENDING_MAX - PENDING_LOW)))


def submissions(seed: int, hour: int) -> Iterator[tuple[Submission, float]]:
    """Those of an hour counted from 1970, each with the number that acceptance must exceed."""
    rng = Random(f"{seed} {hour}")  # noqa: S311 (a workload, no secret)
    rate_per_s = (GPU_JOBS_PER_DAY + CPU_JOBS_PER_DAY) / 86400 * _rhythm(hour)
    second = rng.expovariate(rate_per_s)
    while second < HOUR_S:
        chance = rng.random()
        for submission in _submit(rng, hour * HOUR_S + math.floor(second)):
            yield submission, chance
        second += rng.expovariate(rate_per_s)


def _rhythm(hour: int) -> float:
    """Relative rate: most at 15:00 UTC on working days, least at 03:00 and on weekends."""
    daily = 1 + 0.5 * math.cos((hour % 24 - 15) / 24 * 2 * math.pi)
    weekday = (hour // 24 + 3) % 7  # 1970 began on a Thursday
    return daily * (0.75 if weekday >= 5 else 1.1)


@cache
def _trace() -> tuple[tuple[int, int], ...]:
    path = Path(__file__).parent / "data" / "philly-sample.csv"
    with path.open(newline="") as file:
        return tuple((int(row["run_s"]), int(row["gpus"])) for row in csv.DictReader(file))


def _submit(rng: Random, at: float) -> Iterator[Submission]:
    run_s, gpus = rng.choice(_trace())
    on_gpus = rng.random() < GPU_JOBS_PER_DAY / (GPU_JOBS_PER_DAY + CPU_JOBS_PER_DAY)
    run_s = min(run_s, MAX_RUN_S)
    if rng.random() < TEST_SHARE:
        run_s, gpus = min(run_s // 30, TEST_MAX_RUN_S), min(gpus, 2)
    request = _base(rng, run_s, gpus if on_gpus else 0)
    kind = rng.random()
    # What cannot start by itself is cancelled some day, or the queue would fill up with it.
    patience_s = rng.randrange(6, 30) * HOUR_S
    if kind < 0.01:
        yield Submission(at, replace(request, held=True, patience_s=patience_s))
    elif kind < 0.03:
        yield Submission(at, replace(request, begin_at=at + rng.randrange(2, 10) * HOUR_S))
    elif kind < 0.045 and run_s < 4 * HOUR_S and gpus == 1:
        sweep = replace(request, name=f"sweep-{request.name}", array_throttle=rng.randrange(2, 4))
        yield Submission(at, sweep, array_size=rng.randrange(4, 13))
    elif kind < 0.08:
        yield Submission(at, request)
        evaluation = replace(
            request,
            name=f"eval-{request.name}",
            run_s=min(request.run_s or 0.0, float(rng.randrange(300, 3000))),
            outcome="COMPLETED",
            exit_code=0,
            exit_signal=0,
            patience_s=patience_s,
        )
        yield Submission(at + 1, evaluation, follows=True)
    else:
        yield Submission(at, request)


def _base(rng: Random, run_s: int, gpus: int) -> Request:
    user, account = _user(rng, gpus)
    limit_minutes = _limit_minutes(rng, run_s)
    partition = _partition(rng, run_s, limit_minutes, gpus, account)
    if partition == "debug":
        limit_minutes = min(limit_minutes, 60)
    outcome, exit_code, exit_signal = _outcome(rng)
    if outcome == "TIMEOUT":
        run_s = limit_minutes * 60
    elif outcome != "COMPLETED":
        run_s = max(20, int(run_s * rng.random()))
    qos = "normal"
    if partition != "debug":
        qos = _pick(rng, {"normal": 84, "high": 6, "low": 10})
    name = rng.choice(_GPU_NAMES if gpus else _CPU_NAMES)
    return Request(
        name=name,
        user=user,
        account=account,
        partitions=(partition,),
        qos=qos,
        limit_minutes=limit_minutes,
        command=f"/home/{user}/{name}/train.sh",
        work_dir=f"/home/{user}/{name}",
        run_s=float(min(run_s, limit_minutes * 60)),
        outcome=outcome,
        exit_code=exit_code,
        exit_signal=exit_signal,
        patience_s=rng.randrange(1, 30) * HOUR_S if rng.random() < 0.04 else None,
        **_size(rng, partition, gpus),  # type: ignore[arg-type]
    )


def _user(rng: Random, gpus: int) -> tuple[str, str]:
    # Physics mostly needs no GPUs, the others mostly do.
    account = _pick(rng, {"nlp": 40, "vision": 28, "physics": 8 if gpus else 60, "teaching": 5})
    # The first user of an account submits most.
    users = {user: rank**-0.5 for rank, user in enumerate(site.USERS[account], start=1)}
    return _pick(rng, users), account


def _pick(rng: Random, weights: Mapping[T, float]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]


def _limit_minutes(rng: Random, run_s: int) -> int:
    """People guess too long, and in round numbers."""
    guess = run_s / 60 * (1.05 + rng.expovariate(1 / 0.7))
    return next((limit for limit in _LIMITS_MINUTES if limit >= guess), _LIMITS_MINUTES[-1])


def _partition(rng: Random, run_s: int, limit_minutes: int, gpus: int, account: str) -> str:
    if run_s <= TEST_MAX_RUN_S:
        return "debug"
    if not gpus:
        return "highmem" if rng.random() < 0.12 else "cpu"
    if account in ("nlp", "vision") and limit_minutes <= 1440 and rng.random() < 0.12:
        return "h100"
    return "gpu"


def _size(rng: Random, partition: str, gpus: int) -> dict[str, object]:
    if not gpus:
        cpus = _pick(rng, {1: 10, 4: 12, 8: 20, 16: 23, 32: 20, 64: 15})
        if partition == "debug":
            cpus = min(cpus, 16)
        per_cpu_mib = 16_000 if partition == "highmem" else 3_000
        return {"nodes": 1, "cpus_per_task": cpus, "mem_mib_per_node": cpus * per_cpu_mib}
    widest = 8 if partition == "h100" else 4
    nodes = max(1, gpus // widest)
    if partition == "h100":
        nodes = min(nodes, 2)
    per_node = min(gpus, widest)
    kind = ""
    if partition == "gpu" and rng.random() < 0.35:
        kind = "a100" if rng.random() < 0.7 else "v100"
    return {
        "nodes": nodes,
        "tasks": nodes,
        "cpus_per_task": per_node * rng.choice((4, 8)),
        "mem_mib_per_node": per_node * rng.choice((16, 32, 60)) * 1024,
        "gpus_per_node": {kind: per_node},
    }


def _outcome(rng: Random) -> tuple[str, int, int]:
    shares = [share for _, share, _, _ in _OUTCOMES]
    state, _, exit_code, exit_signal = rng.choices(_OUTCOMES, shares)[0]
    return state, exit_code, exit_signal
