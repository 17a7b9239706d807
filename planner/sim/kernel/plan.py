"""When and where a job fits into a plan: ``planner.sim.search`` in arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.fairshare import FloatArray
from planner.sim.kernel import holds
from planner.sim.kernel.allocation import Taken
from planner.sim.kernel.asks import Ask, Asks, ask_at
from planner.sim.kernel.choice import choose_into
from planner.sim.kernel.holds import HoldTable
from planner.sim.kernel.jit import bare
from planner.sim.kernel.ready import NEVER, enough_from
from planner.sim.kernel.room import Machines, Stock, fits_at, stock_at
from planner.sim.kernel.rows import Rows, end_s, last_end_s, look_ahead, row_at
from planner.sim.kernel.sorted_times import first_at
from planner.sim.kernel.words import Words, meet


class Rules(NamedTuple):
    until_s: float  # end of the backfill window
    slot_s: float  # bf_resolution
    origin_s: float
    tells_row_ends: bool  # plan_to_window_end
    hold_to_slot_end: bool


class Reserved(NamedTuple):
    """Reservations, in the order of the world."""

    start_s: FloatArray
    end_s: FloatArray
    nodes: Words  # reservations x words


class Desk(NamedTuple):
    """Buffers of a search."""

    free: Words
    free_now: Words  # nodes with a free CPU, as a walk began
    open_nodes: Words
    rows: IntArray
    stock: Stock
    taken: Taken


class Timeline(NamedTuple):
    """All that a cycle believes about the future."""

    rules: Rules
    machines: Machines
    usable: Words  # in the plan
    reserved: Reserved
    rows: Rows
    holds: HoldTable
    desk: Desk


@bare
def place_and_hold(
    asks: Asks, need: int, run_s: float, own_reservation: int, of: Timeline, nodes: Words
) -> float:
    """Start after now within the window, inf if there is none, with the nodes, which are held from
    then on and left in ``nodes``. As ``PlainSearch`` says.
    """
    ask = ask_at(asks, need)
    rules, now_s = of.rules, of.rows.now_s
    from_s = now_s
    while True:
        retry_s = open_from(ask, run_s, own_reservation, of, from_s)
        found_s = _first_fit(ask, of, retry_s, nodes)
        if found_s < np.inf:
            start_s = max(found_s, from_s, now_s + 1)
            if start_s <= retry_s:
                if start_s > rules.until_s:
                    return np.inf
                begin_s, over_s = _slots(rules, now_s, start_s, run_s)
                if holds.all_free(of.holds, nodes, begin_s, over_s):
                    holds.hold(of.holds, nodes, begin_s, over_s)
                    return start_s
                if start_s > from_s:
                    retry_s = start_s
        if retry_s == np.inf:
            return np.inf
        from_s = retry_s


@bare
def hold_slots(of: Timeline, nodes: Words, start_s: float, run_s: float) -> None:
    """Block the nodes from that time on."""
    begin_s, over_s = _slots(of.rules, of.rows.now_s, start_s, run_s)
    holds.hold(of.holds, nodes, begin_s, over_s)


@bare
def open_now(asks: Asks, need: int, run_s: float, own_reservation: int, of: Timeline) -> None:
    """Leave the nodes that nobody else holds or reserves while the job would run from now on in
    ``open_nodes`` of the desk.
    """
    open_from(ask_at(asks, need), run_s, own_reservation, of, of.rows.now_s)


@bare
def open_from(ask: Ask, run_s: float, own_reservation: int, of: Timeline, from_s: float) -> float:
    """Leave the nodes that nobody else holds or reserves while the job would run from that time on
    in ``open_nodes`` of the desk; answers when to look again, inf for never.
    """
    over_s, first_end_s, free, reserved = from_s + run_s, np.inf, of.desk.free, of.reserved
    for w in range(free.size):
        free[w] = ask.nodes[w] & of.usable[w]
    for other in range(reserved.start_s.size):
        overlaps = reserved.start_s[other] < over_s and from_s < reserved.end_s[other]
        if overlaps and other != own_reservation and meet(reserved.nodes[other], ask.nodes):
            first_end_s = min(first_end_s, reserved.end_s[other])
            for w in range(free.size):
                free[w] &= ~reserved.nodes[other, w]
    retry_s = holds.free(of.holds, free, from_s, over_s, of.desk.open_nodes)
    if first_end_s < np.inf:
        # As coded: a second after the end, rounded up to a slot.
        opens_s = slot(of.rules, np.ceil(first_end_s) + of.rules.slot_s - 1) + 1
        if opens_s < of.rules.until_s:
            retry_s = min(retry_s, opens_s)
    return retry_s


@bare
def _first_fit(ask: Ask, of: Timeline, by_s: float, chosen: Words) -> float:
    """When the need fits on the open nodes, at the first of Slurm's tests, with those that it takes
    in ``chosen``; inf also where that is sure to be later than ``by_s``.
    """
    machines, rows, nodes, stock = of.machines, of.rows, of.desk.open_nodes, of.desk.stock
    if not of.rules.tells_row_ends:
        by_s = np.inf
    if ask.enough_nodes:
        first_row = enough_from(ask, machines.mem_mib, rows, nodes, row_at(rows, by_s), stock.nodes)
        if first_row == NEVER:
            return np.inf
        tests = look_ahead(rows, nodes, by_s, of.desk.rows)
        low = first_at(of.desk.rows, tests, first_row)
    else:
        if not fits_at(ask, machines, rows, row_at(rows, by_s), nodes, stock):
            return np.inf
        tests = look_ahead(rows, nodes, by_s, of.desk.rows)
        low, high = 0, tests
        while low < high:  # more is free from row to row: where the need fits, it fits ever after
            middle = (low + high) // 2
            if fits_at(ask, machines, rows, of.desk.rows[middle], nodes, stock):
                high = middle
            else:
                low = middle + 1
    for index in range(low, tests):
        row = of.desk.rows[index]
        start_s = end_s(rows, row)
        if start_s > by_s:
            break
        if choose_into(ask, machines, stock_at(ask, machines, rows, row, nodes, stock), chosen):
            if not of.rules.tells_row_ends and row:
                start_s = last_end_s(rows, chosen, start_s)
            return start_s
    return np.inf


@bare
def _slots(rules: Rules, now_s: float, start_s: float, run_s: float) -> tuple[float, float]:
    """Begin and end of the slots that the job would hold; at least one."""
    over_s = start_s + run_s
    if rules.hold_to_slot_end:
        over_s += rules.slot_s - 1
    begin_s = max(slot(rules, start_s), slot(rules, now_s))
    return begin_s, max(slot(rules, over_s), begin_s + rules.slot_s)


@bare
def slot(rules: Rules, at_s: float) -> float:
    """Begin of the slot that a time falls into, as the wall clock counts them."""
    slots = np.floor((at_s + rules.origin_s) / rules.slot_s)
    return float(slots * rules.slot_s - rules.origin_s)
