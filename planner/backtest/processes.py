"""The round of questions on several processors: for command lines, never inside a task."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from planner.backtest.asking import Answers, Round, portions
from planner.backtest.methods import METHODS
from planner.traces.jobs import Trace

_round: Round  # of this process: it walks on from portion to portion


def ask(
    trace: Trace, names: Sequence[str], targets: Sequence[int], processes: int
) -> Iterator[list[Answers]]:
    """Answers portion by portion, in the order of the targets: the same for any ``processes``."""
    if processes == 1:
        alone = Round(trace, [METHODS[name] for name in names])
        yield from map(alone.ask, portions(targets))
        return
    # Spawned, not forked: a process with threads or a database connection is no one to copy.
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(trace, names)
    )
    with pool:
        yield from pool.map(_ask, portions(targets))


def _begin(trace: Trace, names: Sequence[str]) -> None:
    global _round  # noqa: PLW0603 (what an initializer prepares can be kept nowhere else)
    _round = Round(trace, [METHODS[name] for name in names])


def _ask(targets: Sequence[int]) -> list[Answers]:
    return _round.ask(targets)
