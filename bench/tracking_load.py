"""Sends requests from client processes and takes the time: the wall's, and the server's CPU's."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from statistics import median
from typing import NamedTuple

from bench.tracking_dialects import Caller, Request
from bench.tracking_servers import Server

_FORK = get_context("fork")


class Cost(NamedTuple):
    """Of one thing done once, whatever the thing is: a request, a batch, a reading."""

    wall_s: float
    cpu_s: float


def send(server: Server, by_client: Sequence[Sequence[Request]]) -> Cost:
    """Each list of requests from a process of its own, one after another; all begin at once.

    The cost is that of a request: wall time of all by their number.
    """
    begins = _FORK.Barrier(len(by_client) + 1)
    clients = [
        _FORK.Process(target=_send_all, args=(server.port, requests, begins))
        for requests in by_client
    ]
    for client in clients:
        client.start()
    begins.wait()
    cpu_s, started = server.cpu_s(), time.perf_counter()
    for client in clients:
        client.join()
    wall_s = time.perf_counter() - started
    if any(client.exitcode for client in clients):
        raise RuntimeError("a client was refused; it has said why above")
    count = sum(map(len, by_client))
    return Cost(wall_s / count, (server.cpu_s() - cpu_s) / count)


def do(server: Server, work: Callable[[Caller], object]) -> Cost:
    """The cost of ``work``, done by this process on a new connection."""
    caller = Caller(server.port)
    cpu_s, started = server.cpu_s(), time.perf_counter()
    work(caller)
    return Cost(time.perf_counter() - started, server.cpu_s() - cpu_s)


def middle(costs: Sequence[Cost]) -> Cost:
    return Cost(median(cost.wall_s for cost in costs), median(cost.cpu_s for cost in costs))


def _send_all(port: int, requests: Sequence[Request], begins: Barrier) -> None:
    caller = Caller(port)
    begins.wait()
    try:
        for request in requests:
            caller.ask(request)
    except RuntimeError as error:
        sys.exit(str(error))
