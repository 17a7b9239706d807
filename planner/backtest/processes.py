"""A backtest on several processors: for command lines, never inside a task.

The answers are the same for any number of ``processes``.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from planner.backtest.asking import Answers, Round, portions
from planner.backtest.cases import Cases, FloatArray
from planner.backtest.learned import grown
from planner.backtest.methods import METHODS, first_asked, is_learnt
from planner.traces.jobs import Trace

# Spawned, not forked: a process with threads or a database connection is no one to copy.
SPAWN = multiprocessing.get_context("spawn")

_round: Round  # of this process: it walks on from portion to portion


def ask(
    trace: Trace, names: Sequence[str], targets: Sequence[int], processes: int
) -> Iterator[list[Answers]]:
    """Answers portion by portion, in the order of the targets, of all that ``names`` need."""
    if processes == 1:
        yield from map(_begun(trace, names).ask, portions(targets))
        return
    with ProcessPoolExecutor(processes, SPAWN, initializer=_begin, initargs=(trace, names)) as pool:
        yield from pool.map(_ask, portions(targets))


def grow(cases: Cases, seed: int, processes: int) -> tuple[FloatArray, FloatArray]:
    """What forests say without and with simulation."""
    say = partial(_grow, cases, seed)
    if processes == 1:
        return say(False), say(True)
    with ProcessPoolExecutor(2, SPAWN) as pool:
        state_s, hybrid_s = pool.map(say, (False, True))
        return state_s, hybrid_s


def _grow(cases: Cases, seed: int, with_simulation: bool) -> FloatArray:
    return grown(cases, with_simulation=with_simulation, seed=seed)


def _begun(trace: Trace, names: Sequence[str]) -> Round:
    methods = {name: METHODS[name] for name in first_asked(names)}
    return Round(trace, methods, learns=is_learnt(names))


def _begin(trace: Trace, names: Sequence[str]) -> None:
    global _round  # noqa: PLW0603 (what an initializer prepares can be kept nowhere else)
    _round = _begun(trace, names)


def _ask(targets: Sequence[int]) -> list[Answers]:
    return _round.ask(targets)
