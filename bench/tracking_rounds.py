"""The rounds of ``bench/tracking.py``: every figure of every server once a round, in turn."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.tracking_dialects import (
    REQUESTS_PER_TOKEN,
    Bare,
    Caller,
    Dialect,
    Mlflow,
    Ours,
    Question,
    Reader,
    Request,
    batches,
)
from bench.tracking_figures import Figure
from bench.tracking_load import Cost, do, middle, send
from bench.tracking_servers import ROOT, Server, in_django
from bench.tracking_worlds import METRICS, points

CLIENTS = 8
BATCH = 1000
RUNS = CLIENTS + 2  # one a client of eight, and two for batches
WARM_UP = 10
# The same question to each: some tenth of the runs, and the best first.
SEARCHES: Mapping[str, tuple[Question, Question]] = {
    "search, first 1,000 runs": (Question(), Question()),
    "search, all runs": (Question(pages=None), Question(pages=None)),
    "search, those under a metric": (
        Question(where="metrics.loss < 0.1"),
        Question(where="metrics.loss < 0.1"),
    ),
    "search, 1,000 in order of a metric": (
        Question(order="metrics.loss ASC"),
        Question(order="metrics.loss"),
    ),
}


class Size(NamedTuple):
    """Of a round, but ``runs``: those that are searched."""

    singles: int
    each_of_eight: int
    batches: int
    runs: int
    rounds: int


@dataclass(frozen=True)
class Side:
    """A server, how it is spoken to, and its runs to log to."""

    server: Server
    dialect: Dialect
    runs: Sequence[str]

    def singles(self, size: Size, round_: int) -> Cost:
        return send(self.server, [self._singles(0, size.singles, round_)])

    def of_eight(self, size: Size, round_: int) -> Cost:
        each = [self._singles(client, size.each_of_eight, round_) for client in range(1, 9)]
        return send(self.server, each)

    def batches(self, size: Size, round_: int, *, names: int) -> Cost:
        """Of one name to the run before the last, of more to the last."""
        count = size.batches * BATCH
        new = points(count, names=names, first_step=round_ * count // names)
        run = self.runs[-2 if names == 1 else -1]
        requests = [
            self.dialect.batch(run, some, _number(9, index))
            for index, some in enumerate(batches(new, BATCH))
        ]
        return send(self.server, [requests])

    def _singles(self, client: int, count: int, round_: int) -> list[Request]:
        """Client 0 logs to the first run's own metric, beside client 1."""
        run = self.runs[max(client - 1, 0)]
        new = points(count, first_step=round_ * count)
        return [
            self.dialect.one(run, point._replace(name=f"loss{client}"), _number(client, index))
            for index, point in enumerate(new, round_ * count)
        ]


class Bench:
    def __init__(self, theirs: Server, ours: Server, bare: Server, size: Size) -> None:
        self.size = size
        self.mlflow, self.queuecast = Mlflow(), Ours(ours.told["tokens"], ours.told["reader"])
        self._servers = (theirs, ours)
        self.limit = Side(bare, Bare(), [""] * RUNS)

    def prepare(self, mlflow_python: Path, uri: str, environment: Mapping[str, str]) -> None:
        """Runs to log to, runs to search, and every server warm."""
        theirs, ours = self._servers
        caller = Caller(theirs.port)
        experiment = self.mlflow.new_experiment(caller)
        runs = [self.mlflow.new_run(caller, experiment) for _ in range(RUNS)]
        self.theirs = Side(theirs, self.mlflow, runs)
        self.ours = Side(
            ours, self.queuecast, in_django(environment, "new_runs", count=RUNS)["runs"]
        )
        script = [str(mlflow_python), "-W", "ignore", str(ROOT / "bench/tracking_fill_mlflow.py")]
        answer = subprocess.run(
            [*script, uri, str(self.size.runs)], check=True, stdout=subprocess.PIPE, text=True
        )
        self.mlflow.search_experiment = answer.stdout.strip()
        filled = in_django(environment, "fill", runs=self.size.runs)
        self.queuecast.search_experiment = filled["experiment"]
        small = Size(WARM_UP, WARM_UP, 1, 0, 0)
        for side in (self.theirs, self.ours, self.limit):
            side.of_eight(small, -2)  # at steps before all later ones, as in a training
            batch = side.dialect.batch(side.runs[0], points(BATCH), 0)
            send(side.server, [[batch]])

    def figures(self, environment: Mapping[str, str]) -> Iterator[Figure]:
        yield from self._written("one metric, one client", Side.singles, goal=3)
        yield from self._written("one metric, eight clients", Side.of_eight, goal=3)
        for names, name in ((1, "1,000 of one metric"), (10, "1,000 of ten metrics")):
            yield from self._batches(name, names)
        yield from self._history("history, just written")
        in_django(environment, "seal")
        yield from self._history("history, sealed")
        for name, questions in SEARCHES.items():
            yield from self._search(name, questions, goal=10 if "first" in name else None)
        memory = [server.pss_mib() for server in self._servers]
        yield Figure("memory of the web server", "MiB", *memory, goal=2)

    def _written(
        self, name: str, write: Callable[[Side, Size, int], Cost], goal: float
    ) -> Iterator[Figure]:
        theirs, ours, bare = self._each(write)
        rates = [1 / cost.wall_s for cost in (theirs, ours, bare)]
        yield Figure(name, "requests/s", *rates)
        cpu_ms = [cost.cpu_s * 1000 for cost in (theirs, ours, bare)]
        yield Figure(f"{name}: CPU", "ms a request", *cpu_ms, goal=goal)

    def _batches(self, name: str, names: int) -> Iterator[Figure]:
        costs = self._each(lambda side, size, round_: side.batches(size, round_, names=names))
        rates = [BATCH / cost.wall_s for cost in costs]
        yield Figure(name, "points/s", *rates, goal=10, limit_goal=0.5)
        yield Figure(f"{name}: CPU", "ms a batch", *(cost.cpu_s * 1000 for cost in costs))

    def _each(self, write: Callable[[Side, Size, int], Cost]) -> list[Cost]:
        sides = (self.theirs, self.ours, self.limit)
        rounds = [
            [write(side, self.size, round_) for side in sides] for round_ in range(self.size.rounds)
        ]
        return [middle(costs) for costs in zip(*rounds, strict=True)]

    def _history(self, name: str) -> Iterator[Figure]:
        expected = self.size.rounds * self.size.batches * BATCH

        def read(reader: Reader, run: str) -> Callable[[Caller], None]:
            def work(caller: Caller) -> None:
                count = reader.history(caller, run, "metric0")
                if count != expected:
                    raise RuntimeError(f"{count} points of {run} were read, not {expected}")

            return work

        works = [
            read(self.mlflow, self.theirs.runs[-2]),
            read(self.queuecast, self.ours.runs[-2]),
        ]
        yield from self._read(f"{name}, {expected:,} points", works, goal=20)

    def _search(
        self, name: str, questions: tuple[Question, Question], goal: float | None
    ) -> Iterator[Figure]:
        found: set[int] = set()

        def read(reader: Reader, question: Question) -> Callable[[Caller], None]:
            def work(caller: Caller) -> None:
                runs, metrics = reader.search(caller, question)
                if not runs or metrics != runs * len(METRICS):
                    raise RuntimeError(f"{question}: {runs} runs with {metrics} metrics")
                found.add(runs)

            return work

        readers: tuple[Reader, Reader] = (self.mlflow, self.queuecast)
        yield from self._read(name, [*map(read, readers, questions)], goal=goal)
        if len(found) > 1:
            raise RuntimeError(f"{name}: the servers found different numbers of runs, {found}")

    def _read(
        self, name: str, works: Sequence[Callable[[Caller], None]], goal: float | None
    ) -> Iterator[Figure]:
        rounds = [
            [do(server, work) for server, work in zip(self._servers, works, strict=True)]
            for _ in range(self.size.rounds)
        ]
        theirs, ours = (middle(costs) for costs in zip(*rounds, strict=True))
        yield Figure(name, "s", theirs.wall_s, ours.wall_s, goal=goal)
        yield Figure(f"{name}: CPU", "s", theirs.cpu_s, ours.cpu_s)


def _number(client: int, index: int) -> int:
    """A count by which ours chooses the token: every client has four of its own."""
    return client * 4 * REQUESTS_PER_TOKEN + index
