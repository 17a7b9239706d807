"""The made-up runs and points that every server is given alike. Standard library only: MLflow's
own Python reads it, too."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import NamedTuple

START_S = 1_760_000_000
RUN_S = 3600
PARAMS = ("lr", "batch_size", "dropout", "layers", "seed")
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "grad_norm")
SEED = 8


class World(NamedTuple):
    """A run as it ended."""

    name: str
    start_s: int
    end_s: int
    steps: int
    params: Mapping[str, float]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


class Point(NamedTuple):
    name: str
    step: int
    value: float
    at_s: float


def past_runs(count: int) -> Iterator[World]:
    rng = random.Random(SEED)
    for number in range(count):
        start_s = START_S + 60 * number
        yield World(
            name=f"run-{number:05}",
            start_s=start_s,
            end_s=start_s + RUN_S,
            steps=1000,
            params={name: round(rng.random(), 4) for name in PARAMS},
            metrics={name: rng.random() for name in METRICS},
            tags={"stage": rng.choice(("draft", "baseline", "paper"))},
        )


def points(count: int, *, names: int = 1, first_step: int = 0) -> list[Point]:
    """So many points in the order in which a loop logs them: every name at each step."""
    steps = range(first_step, first_step + count // names)
    return [
        Point(f"metric{number}", step, 1 / (1 + step) + number, START_S + step * 0.05)
        for step in steps
        for number in range(names)
    ]
