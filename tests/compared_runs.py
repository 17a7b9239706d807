"""A sweep with long curves, put into the database as sealed stretches: for the page that compares
runs, in a browser and on a bench.

``python -m tests.compared_runs USER POINTS`` prints the id of the experiment.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tracker.models import Experiment, Run

CHUNK_POINTS = 4_000
RATES = (1e-4, 1e-3, 1e-2, 0.3)
SEEDS = 5
STEP_US = 100_000


def make_sweep(owner: User, points: int, now: datetime) -> Experiment:
    """Four learning rates with five seeds each; ``loss`` of so many points in each run, and a loss
    that is not a number at half way in the first. The last run is still open."""
    import numpy as np

    from tracker.models import Actor, Experiment, Run
    from tracker.recording import create_run

    experiment = Experiment.objects.create(name="learning rates", owner=owner)
    rng = np.random.default_rng(0)
    for place in range(len(RATES) * SEEDS):
        rate, seed = divmod(place, SEEDS)
        config = {"optim": {"lr": RATES[rate], "name": "adam" if rate % 2 else "sgd"}, "data": "c4"}
        run, _ = create_run(experiment, actor=Actor(owner), seed=seed, config=config)
        decay = np.exp(-np.arange(points) * 4 * (rate + 1) / points)
        loss = (0.2 + 2.5 * decay) * (1 + 0.15 * rng.standard_normal(points))
        if place == 0:
            loss[points // 2] = np.nan
        _log(run, "loss", loss, now)
    Run.objects.exclude(pk=run.pk).filter(experiment=experiment).update(status="COMPLETED")
    return experiment


def _log(run: Run, name: str, values, now: datetime) -> None:
    import numpy as np

    from tracker.metrics.chunk_columns import pack
    from tracker.models import MetricChunk, MetricSeries

    finite = values[np.isfinite(values)]
    series = MetricSeries.objects.create(
        run=run,
        name=name,
        last_step=len(values) - 1,
        last_bits=int(values.view(np.int64)[-1]),
        last_value=float(values[-1]),
        min_value=float(finite.min()),
        max_value=float(finite.max()),
        count=len(values),
        non_finite_count=len(values) - len(finite),
        updated_at=now,
    )
    start_us = int(now.timestamp() * 1e6) - STEP_US * len(values)
    for first in range(0, len(values), CHUNK_POINTS):
        bits = values[first : first + CHUNK_POINTS].view(np.int64).tolist()
        steps = range(first, first + len(bits))
        times_us = [start_us + STEP_US * step for step in steps]
        MetricChunk.objects.create(
            series=series,
            attempt=0,
            first_step=steps[0],
            last_step=steps[-1],
            count=len(bits),
            columns=pack(steps, bits, times_us, [True] * len(bits)),
        )


def main(username: str, points: str) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")
    django.setup()
    from django.contrib.auth.models import User
    from django.utils import timezone

    experiment = make_sweep(User.objects.get(username=username), int(points), timezone.now())
    sys.stdout.write(f"{experiment.pk}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
