"""How a training job and a reader speak to each server, by one client: ``http.client``, kept alive.

Nobody compresses, and nobody uses a client library: what is compared is servers.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlencode

from bench.tracking_worlds import Point

JSON = {"Content-Type": "application/json"}
REQUESTS_PER_TOKEN = 900  # ours lets a token ask 1,000 times in 10 s


class Request(NamedTuple):
    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}


class Question(NamedTuple):
    """A search, in each server's own words; ``pages`` None: all of them."""

    where: str = ""
    order: str = ""
    pages: int | None = 1


class Caller:
    """One connection, opened once."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, request: Request) -> bytes:
        self._connection.request(request.method, request.path, request.body, dict(request.headers))
        response = self._connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{request.path}: {response.status} {answer[:300]!r}")
        return answer

    def ask_json(self, request: Request) -> Any:
        return json.loads(self.ask(request))


class Dialect(Protocol):
    def one(self, run: str, point: Point, number: int) -> Request: ...

    def batch(self, run: str, points: Sequence[Point], number: int) -> Request: ...


class Reader(Protocol):
    def history(self, caller: Caller, run: str, name: str) -> int:
        """How many points were read."""

    def search(self, caller: Caller, question: Question) -> tuple[int, int]:
        """How many runs and how many of their metrics were read."""


@dataclass
class Mlflow:
    search_experiment: str = ""
    page_size: int = 1000
    history_page_size: int = 25_000  # what its own client asks for

    def one(self, run: str, point: Point, number: int) -> Request:  # noqa: ARG002
        return _post("runs/log-metric", {"run_id": run, **_in_mlflow(point)})

    def batch(self, run: str, points: Sequence[Point], number: int) -> Request:  # noqa: ARG002
        return _post("runs/log-batch", {"run_id": run, "metrics": [*map(_in_mlflow, points)]})

    def new_experiment(self, caller: Caller) -> str:
        request = _post("experiments/create", {"name": "bench"})
        return str(caller.ask_json(request)["experiment_id"])

    def new_run(self, caller: Caller, experiment: str) -> str:
        body = {"experiment_id": experiment, "start_time": 0}
        return str(caller.ask_json(_post("runs/create", body))["run"]["info"]["run_id"])

    def history(self, caller: Caller, run: str, name: str) -> int:
        asked = {"run_id": run, "metric_key": name, "max_results": str(self.history_page_size)}
        count = 0
        while True:
            path = f"/api/2.0/mlflow/metrics/get-history?{urlencode(asked)}"
            answer = caller.ask_json(Request("GET", path))
            count += len(answer.get("metrics", ()))
            if not answer.get("next_page_token"):
                return count
            asked["page_token"] = answer["next_page_token"]

    def search(self, caller: Caller, question: Question) -> tuple[int, int]:
        body: dict[str, object] = {
            "experiment_ids": [self.search_experiment],
            "max_results": self.page_size,
        }
        if question.where:
            body["filter"] = question.where
        if question.order:
            body["order_by"] = [question.order]
        pages, runs, metrics = 0, 0, 0
        while True:
            answer = caller.ask_json(_post("runs/search", body))
            pages += 1
            runs += len(answer.get("runs", ()))
            metrics += sum(len(run["data"]["metrics"]) for run in answer.get("runs", ()))
            if not answer.get("next_page_token") or pages == question.pages:
                return runs, metrics
            body["page_token"] = answer["next_page_token"]


@dataclass
class Ours:
    tokens: Sequence[str]
    reader: str
    search_experiment: int = 0
    page_size: int = 1000

    def one(self, run: str, point: Point, number: int) -> Request:
        return self._append(run, _in_ours(point), number)

    def batch(self, run: str, points: Sequence[Point], number: int) -> Request:
        return self._append(run, [*map(_in_ours, points)], number)

    def _append(self, run: str, body: object, number: int) -> Request:
        token = self.tokens[number // REQUESTS_PER_TOKEN % len(self.tokens)]
        headers = JSON | {"Authorization": f"Bearer {token}"}
        return Request("POST", f"/runs/{run}/metrics", json.dumps(body).encode(), headers)

    def history(self, caller: Caller, run: str, name: str) -> int:
        path = f"/api/v1/runs/{run}/metrics?name={quote(name)}"
        return len(caller.ask_json(self._read(path))["value"])

    def search(self, caller: Caller, question: Question) -> tuple[int, int]:
        asked = {
            "experiment": str(self.search_experiment),
            "page_size": str(self.page_size),
            "columns": "metrics.*",
            **({"where": question.where} if question.where else {}),
            **({"sort": question.order} if question.order else {}),
        }
        path, pages, runs, metrics = f"/api/v1/runs?{urlencode(asked)}", 0, 0, 0
        while True:
            answer = caller.ask_json(self._read(path))
            pages += 1
            runs += len(answer["results"])
            metrics += sum(len(run["values"]) for run in answer["results"])
            if not answer["next"] or pages == question.pages:
                return runs, metrics
            path = "/api" + answer["next"].partition("/api")[2]

    def _read(self, path: str) -> Request:
        return Request("GET", path, headers={"Authorization": f"Bearer {self.reader}"})


class Bare:
    def one(self, run: str, point: Point, number: int) -> Request:  # noqa: ARG002
        return Request("POST", "/append", json.dumps(_in_ours(point)).encode(), JSON)

    def batch(self, run: str, points: Sequence[Point], number: int) -> Request:  # noqa: ARG002
        body = json.dumps([*map(_in_ours, points)]).encode()
        return Request("POST", "/append", body, JSON)


def batches(points: Sequence[Point], size: int) -> Iterator[Sequence[Point]]:
    for first in range(0, len(points), size):
        yield points[first : first + size]


def _post(path: str, body: object) -> Request:
    return Request("POST", f"/api/2.0/mlflow/{path}", json.dumps(body).encode(), JSON)


def _in_mlflow(point: Point) -> dict[str, object]:
    return {
        "key": point.name,
        "value": point.value,
        "timestamp": int(point.at_s * 1000),
        "step": point.step,
    }


def _in_ours(point: Point) -> dict[str, object]:
    return {"name": point.name, "value": point.value, "step": point.step, "time": point.at_s}
