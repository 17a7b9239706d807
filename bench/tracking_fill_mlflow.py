"""Run by MLflow's Python: ``tracking_fill_mlflow.py DATABASE_URI RUNS``.

Writes an experiment of so many ended runs through MLflow's own tables, as its server would have
left them, and prints the id of the experiment. Over its API that takes it ten minutes.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow.store.tracking.dbmodels.models import (
    SqlExperiment,
    SqlLatestMetric,
    SqlMetric,
    SqlParam,
    SqlRun,
    SqlTag,
)
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.tracking_worlds import World, past_runs

Row = Mapping[str, Any]


def fill(uri: str, count: int) -> str:
    with Session(create_engine(uri)) as session:
        experiment = SqlExperiment(name="past", lifecycle_stage="active", artifact_location="")
        session.add(experiment)
        session.flush()
        worlds = {uuid.uuid4().hex: world for world in past_runs(count)}
        runs = [_run(key, world, experiment.experiment_id) for key, world in worlds.items()]
        metrics = list(_metrics(worlds))
        session.execute(insert(SqlRun), runs)
        session.execute(insert(SqlParam), list(_params(worlds)))
        session.execute(insert(SqlTag), list(_tags(worlds)))
        session.execute(insert(SqlMetric), metrics)
        session.execute(insert(SqlLatestMetric), metrics)
        session.commit()
        return str(experiment.experiment_id)


def _run(key: str, world: World, experiment_id: int) -> Row:
    return {
        "run_uuid": key,
        "name": world.name,
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "source_version": "",
        "user_id": "trainer",
        "status": "FINISHED",
        "start_time": world.start_s * 1000,
        "end_time": world.end_s * 1000,
        "lifecycle_stage": "active",
        "artifact_uri": "",
        "experiment_id": experiment_id,
    }


def _params(worlds: Mapping[str, World]) -> Iterator[Row]:
    for key, world in worlds.items():
        for name, value in world.params.items():
            yield {"run_uuid": key, "key": name, "value": str(value)}


def _tags(worlds: Mapping[str, World]) -> Iterator[Row]:
    for key, world in worlds.items():
        for name, value in {"mlflow.runName": world.name, **world.tags}.items():
            yield {"run_uuid": key, "key": name, "value": value}


def _metrics(worlds: Mapping[str, World]) -> Iterator[Row]:
    for key, world in worlds.items():
        for name, value in world.metrics.items():
            yield {
                "run_uuid": key,
                "key": name,
                "value": value,
                "timestamp": world.end_s * 1000,
                "step": world.steps,
                "is_nan": False,
            }


if __name__ == "__main__":
    sys.stdout.write(fill(sys.argv[1], int(sys.argv[2])) + "\n")
