"""A stretch of a backfill walk: jobs that cannot start now are planned and held, one by one, up to
the next that may start. ``planner.sim.prospects`` and the loop of ``planner.sim.backfill``, in
arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.fairshare import FloatArray
from planner.sim.kernel.allocation import take
from planner.sim.kernel.asks import Asks, ask_at
from planner.sim.kernel.jit import bare, compiled
from planner.sim.kernel.plan import Timeline, open_from, place_and_hold
from planner.sim.kernel.room import fits_at, stock_at
from planner.sim.kernel.sorted_times import first_at
from planner.sim.kernel.words import Words, add, meet


class Line(NamedTuple):
    """The jobs that no rule keeps from starting, in order."""

    ask: IntArray  # number of the need
    run_s: FloatArray  # planned
    own_reservation: IntArray  # -1: none
    reserves: BoolArray  # may hold others back
    by_hand: BoolArray  # rules beyond these decide whether it may hold nodes
    hopeful: IntArray  # places of those with room, held or not, in order
    too_long_s: FloatArray  # by need: planned run times that no gap has room for


class Progress(NamedTuple):
    hopeful: IntArray  # one entry: how many of the hopeful are left
    is_fresh: BoolArray  # one entry: the last of them has room that is not held


@compiled
def hopeful(asks: Asks, ask: IntArray, usable_now: Words, of: Timeline) -> IntArray:
    """Places of those whose need fits on what is free, were nothing held or reserved."""
    fits = np.full(asks.grain.size, -1)
    found, count = np.empty(ask.size, dtype=np.int64), 0
    for place in range(ask.size):
        need = ask[place]
        if fits[need] < 0:
            fits[need] = _fits_now(asks, need, usable_now, of)
        if fits[need]:
            found[count] = place
            count += 1
    return found[:count]


@bare
def _fits_now(asks: Asks, need: int, usable_now: Words, of: Timeline) -> bool:
    ask, nodes = ask_at(asks, need), of.desk.open_nodes
    for w in range(nodes.size):
        nodes[w] = usable_now[w] & ask.nodes[w]
    return fits_at(ask, of.machines, of.rows, 0, nodes, of.desk.stock)


@bare
def walk(
    asks: Asks,
    line: Line,
    progress: Progress,
    place: int,
    usable_now: Words,
    of: Timeline,
    nodes: Words,
) -> tuple[int, int]:
    """Plan and hold from a place on; answers the first that may start or is to be done by hand, -1
    if no job is left that may start. With it how many nodes the job takes, which are left with what
    it takes of them in ``taken`` of the desk; 0 if that is yet to be found. The table has room for
    two more segments a job.
    """
    _find_free_cpus(of)
    upcoming = first_at(line.hopeful, progress.hopeful[0], place)
    while True:
        if not progress.is_fresh[0]:
            _forget_the_last(asks, line, progress, usable_now, of)
        if upcoming >= progress.hopeful[0]:
            return -1, 0
        if line.by_hand[place]:
            return place, 0
        if line.hopeful[upcoming] == place:
            if _may_start(asks, line, place, usable_now, of):
                return place, _take_now(asks, line.ask[place], usable_now, of)
            upcoming += 1
        if line.reserves[place]:
            start_s = place_and_hold(
                asks, line.ask[place], line.run_s[place], line.own_reservation[place], of, nodes
            )
            if start_s < np.inf and meet(nodes, of.desk.free_now):
                progress.is_fresh[0] = False
        place += 1


@bare
def _find_free_cpus(of: Timeline) -> None:
    cpus, nodes = of.rows.cpus, of.desk.free_now
    nodes[:] = 0
    for node in range(cpus.size):
        if cpus[node] > 0:
            add(nodes, node)


@bare
def _take_now(asks: Asks, need: int, usable_now: Words, of: Timeline) -> int:
    """Of how many nodes a job takes something that may start on those that are both usable now and
    open; 0 if it finds none after all: that it fits is necessary, not sufficient.
    """
    ask, machines, rows, desk = ask_at(asks, need), of.machines, of.rows, of.desk
    for w in range(usable_now.size):
        desk.open_nodes[w] &= usable_now[w]
    stock = stock_at(ask, machines, rows, 0, desk.open_nodes, desk.stock)
    return take(ask, machines, stock, rows.gpus, desk.taken)


@bare
def _forget_the_last(
    asks: Asks, line: Line, progress: Progress, usable_now: Words, of: Timeline
) -> None:
    """Those that a hold has taken the room of, up to one that still has some."""
    left = progress.hopeful[0]
    while left and not _may_start(asks, line, line.hopeful[left - 1], usable_now, of):
        left -= 1
    progress.hopeful[0], progress.is_fresh[0] = left, True


@bare
def _may_start(asks: Asks, line: Line, place: int, usable_now: Words, of: Timeline) -> bool:
    """Whether the need fits on what is free and neither held nor reserved by others."""
    need, run_s = line.ask[place], line.run_s[place]
    if run_s >= line.too_long_s[need]:
        return False
    ask = ask_at(asks, need)
    open_from(ask, run_s, line.own_reservation[place], of, of.rows.now_s)
    for w in range(usable_now.size):
        of.desk.open_nodes[w] &= usable_now[w]
    if fits_at(ask, of.machines, of.rows, 0, of.desk.open_nodes, of.desk.stock):
        return True
    line.too_long_s[need] = run_s
    return False
