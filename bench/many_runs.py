"""A tracker full of runs, made at once: for benches and tests of long lists."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User

from tracker.metrics.points import bits_of
from tracker.models import Cluster, Experiment, MetricSeries, Run, RunTag, Submission
from tracker.recording.keys import config_sha256

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
STATUSES = ("COMPLETED",) * 7 + ("FAILED", "TIMEOUT", "RUNNING")
SEEDS = 5  # runs of one configuration
SWEEP = 50  # runs of one submission
TAGS = (("baseline", ""), ("dataset", "c4"), ("dataset", "imagenet"), ("keep", ""))


def fill(runs: int, metrics: int, *, owner: str = "alice", seed: int = 1) -> Experiment:
    """One experiment with so many runs, each with so many metrics; points there are none."""
    rng = random.Random(seed)
    user, _ = User.objects.get_or_create(username=owner)
    cluster, _ = Cluster.objects.get_or_create(name="lab")
    experiment = Experiment.objects.create(name="vit-sweep", owner=user, cluster=cluster)
    made = [_run(experiment, place, rng) for place in range(runs)]
    for begin in range(0, runs, SWEEP):
        sweep = Submission.objects.create(
            experiment=experiment, cluster=cluster, unix_name="alice", key=f"sweep-{begin}",
            request={}, script="#!/bin/sh\n", mark=f"sweep-{begin}", state="sent",
            slurm_job_id=1_000_000 + begin,
        )  # fmt: skip
        for task, run in enumerate(made[begin : begin + SWEEP]):
            run.submission, run.array_task_id = sweep, task
    Run.objects.bulk_create(made, batch_size=1_000)
    RunTag.objects.bulk_create(
        [RunTag(run=run, name=name, value=value) for run in made for name, value in _tags(rng)]
    )
    for begin in range(0, runs, 1_000):
        MetricSeries.objects.bulk_create(
            [
                _series(run, f"m{number:02}", rng.random())
                for run in made[begin : begin + 1_000]
                for number in range(metrics)
            ]
        )
    return experiment


def _run(experiment: Experiment, place: int, rng: random.Random) -> Run:
    alike = random.Random(place // SEEDS)
    config: dict[str, object] = {
        "model": {"name": "vit-small", "depth": 12, "width": 384},
        "optim": {"name": "adamw", "lr": 10 ** alike.uniform(-5, -1), "betas": [0.9, 0.99]},
        "data": {"name": "imagenet", "batch_size": alike.choice([64, 128, 256]), "workers": 8},
        "sweep": place // SEEDS,
    }
    status = rng.choice(STATUSES)
    submitted_at = BEGAN + timedelta(minutes=place)
    started_at = submitted_at + timedelta(seconds=rng.randrange(3_600))
    return Run(
        experiment=experiment,
        cluster=experiment.cluster,
        created_by=experiment.owner,
        slurm_job_id=1_000_000 + place,
        name=f"trial {place}" if place % 3 else "",
        seed=place % SEEDS,
        config=config,
        config_sha256=config_sha256(config),
        status=status,
        submitted_at=submitted_at,
        started_at=started_at,
        ended_at=None
        if status == "RUNNING"
        else started_at + timedelta(seconds=rng.randrange(90_000)),
    )


def _tags(rng: random.Random) -> list[tuple[str, str]]:
    chosen = dict(rng.sample(TAGS, rng.choice((0, 0, 1, 2))))
    return list(chosen.items())


def _series(run: Run, name: str, value: float) -> MetricSeries:
    return MetricSeries(
        run=run, name=name, last_step=1_000, last_bits=bits_of(value), last_value=value,
        min_value=value / 2, max_value=value * 2, count=1_000, updated_at=run.started_at,
    )  # fmt: skip
