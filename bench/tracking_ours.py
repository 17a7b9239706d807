"""What ``bench/tracking.py`` does inside our service's settings: prepare, fill, seal, count."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from bench.tracking_worlds import World, past_runs
from tracker import embedded
from tracker.metrics.points import bits_of
from tracker.models import Actor, Cluster, Experiment, MetricPoint, MetricSeries, Run, RunTag, Token
from tracker.recording import create_run

TOKENS = 40  # one may ask 1,000 times in 10 s: clients change theirs before
AT = datetime(2026, 11, 1, tzinfo=UTC)
AT_ONCE = 5000


def told(deed: str, asked: str) -> None:
    """Print as JSON what the function ``deed`` answers to the JSON object ``asked``."""
    sys.stdout.write(json.dumps(DEEDS[deed](**json.loads(asked))) + "\n")


def prepare(port: int) -> dict[str, object]:
    embedded.prepare_files(embedded.settings.DATA_DIR)
    user = User.objects.create_user("trainer")
    experiment = Experiment.objects.create(owner=user, name="bench")
    issued = [
        Token.issue(user=user, scope=Token.Scope.RUN, experiment=experiment)[1]
        for _ in range(TOKENS)
    ]
    _, reader = Token.issue(user=user, scope=Token.Scope.READ)
    # Any will do: where there is a cluster, `up` plays no demo.
    Cluster.objects.create(name="none", transport=Cluster.Transport.CAPTURE, polling_paused=True)
    web = embedded.programs("127.0.0.1", port, demo=False)[0]
    return {
        "argv": list(web.argv),
        "experiment": experiment.pk,
        "tokens": issued,
        "reader": reader,
    }


def fill(runs: int) -> dict[str, object]:
    """An experiment of so many ended runs, each metric with one point."""
    user = User.objects.get(username="trainer")
    experiment = Experiment.objects.create(owner=user, name="past")
    with transaction.atomic():
        worlds = list(past_runs(runs))
        rows = Run.objects.bulk_create(
            [_run(world, experiment, user) for world in worlds], batch_size=AT_ONCE
        )
        RunTag.objects.bulk_create(_tags(rows, worlds), batch_size=AT_ONCE)
        series = MetricSeries.objects.bulk_create(_series(rows, worlds), batch_size=AT_ONCE)
        MetricPoint.objects.bulk_create(_points(series), batch_size=AT_ONCE)
    return {"experiment": experiment.pk}


def new_runs(count: int) -> dict[str, object]:
    """Ids of that many new runs of the experiment that the tokens are for."""
    experiment = Experiment.objects.get(name="bench")
    actor = Actor(experiment.owner)
    return {"runs": [create_run(experiment, actor=actor)[0].pk for _ in range(count)]}


def seal() -> dict[str, object]:
    """Every stretch of points into chunks, however young."""
    from tracker import recording

    if hasattr(recording, "seal_points"):
        recording.seal_points(datetime.now(UTC), quiet_for=timedelta(0))
    return {}


DEEDS: dict[str, Callable[..., dict[str, object]]] = {
    "prepare": prepare,
    "fill": fill,
    "new_runs": new_runs,
    "seal": seal,
}


def _run(world: World, experiment: Experiment, user: User) -> Run:
    return Run(
        experiment=experiment,
        created_by=user,
        name=world.name,
        config=dict(world.params),
        status=Run.Status.COMPLETED,
        config_sha256="",
        started_at=datetime.fromtimestamp(world.start_s, UTC),
        ended_at=datetime.fromtimestamp(world.end_s, UTC),
    )


def _tags(rows: list[Run], worlds: list[World]) -> Iterator[RunTag]:
    for run, world in zip(rows, worlds, strict=True):
        for name, value in world.tags.items():
            yield RunTag(run=run, name=name, value=value)


def _series(rows: list[Run], worlds: list[World]) -> Iterator[MetricSeries]:
    for run, world in zip(rows, worlds, strict=True):
        for name, value in world.metrics.items():
            yield MetricSeries(
                run=run,
                name=name,
                last_step=world.steps,
                last_bits=bits_of(value),
                last_value=value,
                min_value=value,
                max_value=value,
                count=1,
                updated_at=AT,
            )


def _points(series: list[MetricSeries]) -> Iterator[MetricPoint]:
    received_us = int(AT.timestamp() * 1e6)
    for row in series:
        yield MetricPoint(
            series=row,
            attempt=0,
            step=row.last_step,
            value_bits=row.last_bits,
            received_us=received_us,
        )
