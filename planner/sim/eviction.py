"""Which of the jobs that may be preempted are taken down for a job, and where it goes.

Source: _run_now in job_test.c of Slurm's select/cons_tres, 20.11 to 26.05.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.config import PreemptionConfig
from planner.sim.needs import Need
from planner.sim.nodeset import NodeSet, mask_of
from planner.sim.occupancy import Allocation
from planner.sim.state import Running, State


@dataclass(frozen=True, slots=True)
class Eviction:
    """Where the job would go, and the jobs that have to go for it."""

    allocation: Allocation
    victims: tuple[Running, ...]


def victims_of(
    need: Need,
    state: State,
    preemptees: Sequence[Running],
    allowed: NodeSet,
    config: PreemptionConfig,
) -> Eviction | None:
    """What to take down so that the need fits on the allowed nodes; None if all is not enough.

    1. Take jobs away in the order given until the need fits.
    2. Without the last of them nothing fitted: put it first, so that the next attempt may do with
       fewer. The others follow by how many of the chosen nodes they are on, or with strict_order
       as they were.
    3. Repeat reorder_count + 1 times; go with the last attempt.
    Victims are those taken away that are on the chosen nodes.
    """
    mask = mask_of(allowed, len(state.nodes))
    order = [one for one in preemptees if mask[one.allocation.nodes].any()]
    if not order or state.without(order).place(need, allowed) is None:
        return None
    attempts = 0
    while True:
        taken, allocation = _first_fit(need, state, order, allowed)
        attempts += 1
        if attempts > config.reorder_count + 1 or attempts >= len(order):
            on_chosen = (one for one in order[:taken] if _shared(one, allocation.nodes))
            return Eviction(allocation, tuple(on_chosen))
        order = list(_reordered(order, taken, allocation.nodes, strict=config.strict_order))


def _first_fit(
    need: Need, state: State, order: Sequence[Running], allowed: NodeSet
) -> tuple[int, Allocation]:
    """How many of the jobs have to go until the need fits; it is known to fit without them all."""
    picture = state.without(())
    for taken, one in enumerate(order, start=1):
        picture.room.give_back(one.allocation)
        allocation = picture.place(need, allowed)
        if allocation is not None:
            return taken, allocation
    raise AssertionError("what fits without all of the jobs does not fit without the last of them")


def _reordered(
    order: Sequence[Running], taken: int, chosen: IntArray, *, strict: bool
) -> Iterator[Running]:
    before, after = order[: taken - 1], order[taken:]
    yield order[taken - 1]
    yield from before if strict else sorted(before, key=lambda one: -_shared(one, chosen))
    yield from after


def _shared(one: Running, chosen: IntArray) -> int:
    """On how many of the chosen nodes the job is."""
    return int(np.isin(one.allocation.nodes, chosen).sum())
