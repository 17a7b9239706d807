"""Backfill's search for a start, compiled: the same answers as ``planner.sim.search``, sooner.

The plain form is the model; this is a copy of it in arrays, and tests hold the two together.
Modules: words (sets of nodes), sorted_times, asks (of jobs), holds, rows (running jobs by their
ends), joining (one more of them), ready (from when a node takes tasks), room (what it takes then),
choice (which nodes), allocation (what of them), plan (the search), walk (from job to job), places
(now, for a main pass); roster, tables, limits, search and prospects join them to the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from planner.sim.needs import Need
from planner.sim.nodeset import NodeSet
from planner.sim.occupancy import Allocation
from planner.sim.state import State

if TYPE_CHECKING:
    from planner.sim.kernel.places import CompiledPlaces
    from planner.sim.kernel.search import CompiledSearch

_LOG = logging.getLogger(__name__)


def compiled_search(state: State, now_s: float) -> CompiledSearch | None:
    """The compiled search of a cycle; None without numba, or where it finds no folder to keep what
    it compiled. The first call of a process loads numba, the first on a machine compiles.
    """
    forms = _compiled()
    return None if forms is None else forms[0](state, now_s)


def compiled_place(state: State) -> Callable[[Need, NodeSet], Allocation | None] | None:
    """``State.place``, compiled; None where there is no compiled search."""
    forms = _compiled()
    return None if forms is None else forms[1](state).place


@cache
def _compiled() -> tuple[type[CompiledSearch], type[CompiledPlaces]] | None:
    try:
        from planner.sim.kernel.places import CompiledPlaces
        from planner.sim.kernel.search import CompiledSearch
    except (ImportError, RuntimeError) as error:
        _LOG.debug("schedulers run uncompiled, and slower: %s", error)
        return None
    return CompiledSearch, CompiledPlaces
