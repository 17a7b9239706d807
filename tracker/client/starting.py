"""The commands that start runs, look at them and end them."""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Iterator, Sequence  # noqa: UP035 (Python 3.8)

from tracker.client.api import Api
from tracker.client.server import ClientError
from tracker.client.terminal import show


def start_runs(api: Api, asked: argparse.Namespace) -> None:
    named = {"partition": asked.partition, "time": asked.time}
    body = {
        "seeds": asked.seeds,
        "configs": list(_configs(asked.config, asked.set)),
        "request": {**dict(asked.request), **{k: v for k, v in named.items() if v}},
        "cluster": asked.cluster,
        "key": uuid.uuid4().hex,
    }
    _show_started(api.ask(f"/experiments/{asked.experiment_id}/start", body), asked)


def start_again(api: Api, asked: argparse.Namespace) -> None:
    _show_started(api.ask(f"/runs/{asked.run_id}/rerun", {"key": uuid.uuid4().hex}), asked)


def show_status(api: Api, asked: argparse.Namespace) -> None:
    run = api.ask(f"/runs/{asked.run_id}")
    told = {name: value for name, value in run.items() if not isinstance(value, (dict, list))}
    estimate = run.get("estimate") or {}
    told.update({f"start by {name}": estimate.get(name) for name in ("p50", "p90")})
    lines = [f"{name:<14} {value}" for name, value in told.items() if value not in (None, "")]
    for one in run.get("metrics") or ():
        lines.append(f"{one['name']:<14} {one['last_value']} at step {one['last_step']}")
    show(run, asked, *lines)


def cancel_runs(api: Api, asked: argparse.Namespace) -> None:
    if asked.mine == bool(asked.run_ids):
        asked.wrong_usage("give the ids of runs, or --mine")
    if asked.mine:
        answer = api.ask("/runs/cancel-mine", {"cluster": asked.cluster})
        show(answer, asked, f"asked to cancel {answer.get('runs')} runs")
    problems = []
    for run_id in asked.run_ids:  # one that cannot be cancelled does not keep the others running
        try:
            answer = api.ask(f"/runs/{run_id}/cancel", {})
            show({"run_id": run_id, **answer}, asked, f"asked to cancel {run_id}")
        except ClientError as error:
            problems.append(f"{run_id}: {error}")
    if problems:
        raise ClientError("\n".join(problems))


def adopt_job(api: Api, asked: argparse.Namespace) -> None:
    body = {"slurm_job_id": asked.job_id}
    answer = api.ask(f"/experiments/{asked.experiment_id}/adopt", body)
    show(answer, asked, f"run {answer.get('run_id')}")


def _configs(files: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    changes = {key: _value(text) for key, text in pairs}
    for name in files:
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
            given = json.loads(text)
        except (OSError, ValueError) as error:
            raise ClientError(f"--config {name} cannot be read as JSON: {error}") from None
        for config in given if isinstance(given, list) else [given]:
            if not isinstance(config, dict):
                raise ClientError(f"--config {name} holds {config!r}: give an object or a list")
            yield {**config, **changes}
    if changes and not files:
        yield changes


def _value(text: str) -> Any:
    """JSON where it can be, so that lr=3e-4 is a number; else the text itself."""
    with suppress(ValueError):
        return json.loads(text)
    return text


def _show_started(answer: dict[str, Any], asked: argparse.Namespace) -> None:
    lines = (f"{run['run_id']}  {run['status']}  seed {run['seed']}" for run in answer["runs"])
    show(answer, asked, f"submission {answer.get('submission_id')}", *lines)
