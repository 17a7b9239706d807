"""The server is killed again and again while eight clients log: what it has acknowledged is there,
once, and nothing else is."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

import pytest
import requests

from tests import services
from tests.faults.serving import WebServer, web_server
from tests.faults.writers import Writer

RUNS = 3
# (run, stream): runs and series are shared, and the last two clients send the very same points,
# as a client does that was restarted.
CLIENTS = ((0, 0), (0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6), (2, 6))
LONGEST_LIFE_S = 1.5


def writers_of(server: WebServer) -> list[Writer]:
    return [
        Writer(server.port, server.tokens[client], server.runs[run], stream)
        for client, (run, stream) in enumerate(CLIENTS)
    ]


def kill_under_load(
    server: WebServer, writers: Sequence[Writer], kills: int, rng: random.Random
) -> None:
    """Each time once every client has got something through, and a random time after."""
    server.start(with_sealing=True)
    for writer in writers:
        writer.start()
    for _ in range(kills):
        before = [len(writer.acknowledged) for writer in writers]

        def all_went_on(before: Sequence[int] = before) -> bool:
            return all(
                len(writer.acknowledged) > known
                for writer, known in zip(writers, before, strict=True)
            )

        services.wait_until(all_went_on, "a batch of every client", 60)
        time.sleep(rng.uniform(0, LONGEST_LIFE_S))
        server.kill()
        server.start(with_sealing=True)
    for writer in writers:
        writer.ask_to_stop()
    for writer in writers:
        writer.join()


def stored(server: WebServer, run: str) -> Counter[tuple[object, ...]]:
    """(name, step, value) of every point of a run, as read over the API."""
    headers = {"X-Queuecast-Token": server.tokens[-1]}
    known = requests.get(f"{server.url}/api/v1/runs/{run}", headers=headers, timeout=60).json()
    points: Counter[tuple[object, ...]] = Counter()
    for metric in known["metrics"]:
        url = f"{server.url}/api/v1/runs/{run}/metrics?name={metric['name']}"
        curve = requests.get(url, headers=headers, timeout=60).json()
        assert len(curve["step"]) == metric["count"]
        points.update(
            (metric["name"], *at) for at in zip(curve["step"], curve["value"], strict=True)
        )
    return points


def survive(server: WebServer, kills: int) -> str:
    writers = writers_of(server)
    kill_under_load(server, writers, kills, random.Random(kills))
    count = 0
    for run in server.runs:
        acknowledged = {
            (point["name"], point["step"], point["value"])
            for writer in writers
            if writer.run == run
            for point in writer.acknowledged
        }
        assert stored(server, run) == Counter(acknowledged)
        count += len(acknowledged)
    repeats = sum(writer.repeats for writer in writers)
    assert repeats, "no request was cut off: nothing was tried"
    return f"{kills} kills, {count:,} acknowledged points once each, {repeats} requests repeated"


def test_what_was_acknowledged_is_there_once_after_a_kill():
    with web_server(runs=RUNS, tokens=len(CLIENTS)) as server:
        survive(server, kills=2)


@pytest.mark.prove
@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_what_was_acknowledged_is_there_once_after_twenty_kills(database: str):
    with ExitStack() as stack:
        url = stack.enter_context(services.postgres()) if database == "PostgreSQL" else ""
        server = stack.enter_context(web_server(database_url=url, runs=RUNS, tokens=len(CLIENTS)))
        print(f"{database}: {survive(server, kills=20)}")  # noqa: T201
