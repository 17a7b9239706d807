"""What happens behind log(): a queue in memory, a thread that writes it out, one that sends."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any, Callable, Mapping  # noqa: UP035 (Python 3.8)

from tracker.client.delivery import Delivery
from tracker.client.server import BusyError, ClientError
from tracker.client.spool import TOUCH_EVERY_S, Spool
from tracker.client.terminal import tell, tell_once
from tracker.client.values import Logged, line_of, lines_of

TICK_S = 0.25  # what a SIGKILL can lose
SEND_EVERY_S = (1.0, 10.0)  # a new run is looked at, and of old ones there are many
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0  # for a service that is away
QUEUE_CALLS = 10_000  # then log() itself writes them out


class Recorder:
    """The queue and its threads. Without a ``delivery`` all is kept for others to send."""

    def __init__(
        self,
        spool: Spool,
        delivery: Delivery | None,
        in_background: Callable[[Recorder], None] = lambda _: None,
    ) -> None:
        """``in_background`` is called once, before anything is sent."""
        self._spool, self._delivery, self._in_background = spool, delivery, in_background
        self._queue: deque[Logged | Mapping[str, Any]] = deque()
        self._writing = threading.Lock()
        self._is_begun = self._is_closed = self._is_away = False
        self._failures = 0
        self._began_s, self._send_at_s = time.monotonic(), 0.0
        self._jitter = random.Random()  # noqa: S311 (never the training's own generator)
        for work in (self._write_on, self._send_on):
            threading.Thread(target=work, name="queuecast", daemon=True).start()

    def put(self, record: Logged | Mapping[str, Any]) -> None:
        # No lock and no event: a signal handler may come in between and call flush().
        self._queue.append(record)
        if len(self._queue) > QUEUE_CALLS and not self.write_out(0.05):
            self._queue.pop()
            tell_once("queue", "the spool's file system does not answer: points are lost")

    def write_out(self, patience_s: float) -> bool:
        """Empty the queue into the spool; False where another is at it for longer than that."""
        if not self._writing.acquire(timeout=patience_s):
            return False
        try:
            records = [self._queue.popleft() for _ in range(len(self._queue))]
            lines: list[bytes] = []
            for record in records:
                lines.extend(lines_of(record) if isinstance(record, Logged) else [line_of(record)])
            if lines:
                self._spool.append(b"".join(lines))
        finally:
            self._writing.release()
        return True

    def flush(self, within_s: float) -> bool:
        """Whether the service has acknowledged all; given up early where it cannot be reached."""
        deadline = time.monotonic() + within_s
        self.write_out(min(within_s, 1))
        if self._delivery is None:
            return False
        self._failures, self._send_at_s = 0, 0.0
        while time.monotonic() < deadline and self._failures < 2:
            is_written = self._is_begun and not self._queue and not self._writing.locked()
            if is_written and self._spool.is_sent():
                return True
            time.sleep(0.02)
        return False

    @property
    def run_id(self) -> str:
        return self._delivery.run_id if self._delivery else ""

    def close(self) -> list[Path]:
        """Ends the threads; the files that are left to be sent by others."""
        self._is_closed = True
        self.write_out(1)
        return self._spool.close()

    def _write_on(self) -> None:
        touch_at_s = time.monotonic() + TOUCH_EVERY_S
        while not self._is_closed:
            self._guarded(partial(self.write_out, LONGEST_WAIT_S))
            if time.monotonic() > touch_at_s:
                touch_at_s += TOUCH_EVERY_S
                self._spool.touch()
            time.sleep(TICK_S)

    def _send_on(self) -> None:
        self._guarded(partial(self._in_background, self))
        self._is_begun = True
        delivery = self._delivery
        while delivery and not self._is_closed:
            if time.monotonic() >= self._send_at_s:
                self._send_at_s = time.monotonic() + self._every_s()
                self._guarded(partial(self._send, delivery))
            time.sleep(TICK_S)

    def _send(self, delivery: Delivery) -> None:
        try:
            while lines := self._spool.read():
                for size in delivery.send(lines):
                    self._spool.acknowledge(size)
        except Exception as error:
            self._put_off(error)
            return
        if self._is_away:
            tell("the service answers again")
        self._is_away, self._failures = False, 0

    def _put_off(self, error: Exception) -> None:
        """Until the service says, or the longer the more often it has failed."""
        if not self._is_away:
            self._is_away = True
            what = error if isinstance(error, ClientError) else repr(error)
            tell(f"{what}; what is logged waits in the spool")
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._failures, 10))
        asked_s = min(LONGEST_WAIT_S, error.again_after_s if isinstance(error, BusyError) else 0)
        self._failures += 1
        self._send_at_s = time.monotonic() + max(asked_s, wait_s * self._jitter.uniform(0.5, 1))

    def _every_s(self) -> float:
        """Some seconds more with each minute."""
        first_s, last_s = SEND_EVERY_S
        return min(last_s, first_s + (time.monotonic() - self._began_s) / 60)

    def _guarded(self, work: Callable[[], object]) -> None:
        """A thread that ended would keep everything after it from the service."""
        try:
            work()
        except Exception as error:
            tell_once(repr(error), f"unexpected: {error!r}")
