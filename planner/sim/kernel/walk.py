"""A stretch of a backfill walk: jobs that cannot start now are planned and held, one by one, up to
the next that may start. ``planner.sim.prospects`` and the loop of ``planner.sim.backfill``, in
arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.fairshare import FloatArray
from planner.sim.kernel.allocation import Taken, allocate, nothing
from planner.sim.kernel.asks import Ask, Asks, ask_at
from planner.sim.kernel.choice import choose
from planner.sim.kernel.jit import compiled
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
            fits[need] = _fits_now(ask_at(asks, need), usable_now, of)
        if fits[need]:
            found[count] = place
            count += 1
    return found[:count]


@compiled
def _fits_now(ask: Ask, usable_now: Words, of: Timeline) -> bool:
    return fits_at(ask, of.machines, of.rows, 0, usable_now & ask.nodes, of.desk.stock)


@compiled
def walk(
    asks: Asks,
    line: Line,
    progress: Progress,
    place: int,
    usable_now: Words,
    of: Timeline,
    nodes: Words,
) -> tuple[int, Taken]:
    """Plan and hold from a place on; answers the first that may start or is to be done by hand, -1
    if no job is left that may start. With it what the job then takes; nothing if that is yet to be
    found. The table has room for two more segments a job.
    """
    free_now = _with_free_cpus(of)
    upcoming = first_at(line.hopeful, progress.hopeful[0], place)
    while True:
        if not progress.is_fresh[0]:
            _forget_the_last(asks, line, progress, usable_now, of)
        if upcoming >= progress.hopeful[0]:
            return -1, nothing(of.rows.gpus.shape[1])
        if line.by_hand[place]:
            return place, nothing(of.rows.gpus.shape[1])
        if line.hopeful[upcoming] == place:
            if _may_start(asks, line, place, usable_now, of):
                return place, _taken_now(ask_at(asks, line.ask[place]), usable_now, of)
            upcoming += 1
        if line.reserves[place]:
            ask = ask_at(asks, line.ask[place])
            start_s = place_and_hold(ask, line.run_s[place], line.own_reservation[place], of, nodes)
            if start_s < np.inf and meet(nodes, free_now):
                progress.is_fresh[0] = False
        place += 1


@compiled
def _with_free_cpus(of: Timeline) -> Words:
    cpus, nodes = of.rows.cpus, np.zeros_like(of.usable)
    for node in range(cpus.size):
        if cpus[node] > 0:
            add(nodes, node)
    return nodes


@compiled
def _taken_now(ask: Ask, usable_now: Words, of: Timeline) -> Taken:
    """What a job takes that may start on the open nodes."""
    machines, rows, nodes = of.machines, of.rows, usable_now & of.desk.open_nodes
    stock = stock_at(ask, machines, rows, 0, nodes, of.desk.stock)
    chosen = choose(ask, machines, stock)
    if not chosen.size:  # that it fits is necessary, not sufficient
        return nothing(rows.gpus.shape[1])
    return allocate(ask, machines, stock, rows.gpus, chosen)


@compiled
def _forget_the_last(
    asks: Asks, line: Line, progress: Progress, usable_now: Words, of: Timeline
) -> None:
    """Those that a hold has taken the room of, up to one that still has some."""
    left = progress.hopeful[0]
    while left and not _may_start(asks, line, line.hopeful[left - 1], usable_now, of):
        left -= 1
    progress.hopeful[0], progress.is_fresh[0] = left, True


@compiled
def _may_start(asks: Asks, line: Line, place: int, usable_now: Words, of: Timeline) -> bool:
    """Whether the need fits on what is free and neither held nor reserved by others."""
    need, run_s = line.ask[place], line.run_s[place]
    if run_s >= line.too_long_s[need]:
        return False
    ask = ask_at(asks, need)
    open_from(ask, run_s, line.own_reservation[place], of, of.rows.now_s)
    nodes = usable_now & of.desk.open_nodes
    if fits_at(ask, of.machines, of.rows, 0, nodes, of.desk.stock):
        return True
    line.too_long_s[need] = run_s
    return False
