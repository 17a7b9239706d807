"""Training jobs that log without a pause and write down what the server acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

START_S = 1_760_000_000
AGAIN_AFTER_S = 0.05
Point = dict[str, object]


@dataclass
class Writer:
    """One client. A batch that is not acknowledged is sent again, the very same, until it is."""

    port: int
    token: str
    run: str
    stream: int  # two writers of one stream send the same points
    acknowledged: list[Point] = field(default_factory=list)
    repeats: int = 0
    _stops: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """After the batch that it is at."""
        self._stops.set()

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive(), "its last batch was never acknowledged"

    def _write(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for batch in batches_of(self.stream):
            if self._stops.is_set():
                break
            body = json.dumps(batch)
            while not self._is_acknowledged(connection, body):
                self.repeats += 1
                time.sleep(AGAIN_AFTER_S)
            self.acknowledged += batch
        connection.close()

    def _is_acknowledged(self, connection: http.client.HTTPConnection, body: str) -> bool:
        headers = {"Content-Type": "application/json", "X-Queuecast-Token": self.token}
        try:
            connection.request("POST", f"/runs/{self.run}/metrics", body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()  # it is opened again by the next request
            return False
        if response.status == 429:
            time.sleep(float(response.headers["Retry-After"]))
            return False
        assert response.status in (200, 201), answer
        return True


def batches_of(stream: int) -> Iterator[list[Point]]:
    """Without end: single points and many at once, with a time of the client's and without,
    a loss that overflows now and then. Streams share the names and not the steps."""
    rng = random.Random(stream)
    first = stream * 10_000_000
    for number in count():
        size = rng.choice((1, 1, 3, 40, 400))
        timed = stream % 2 == 0
        batch: list[Point] = []
        for step in range(first, first + size):
            value = rng.choice(("NaN", "Infinity")) if rng.random() < 0.01 else rng.random()
            point: Point = {"name": f"loss{number % 3}", "step": step, "value": value}
            batch.append(point | ({"time": START_S + step % 1_000_000} if timed else {}))
        first += size
        yield batch
