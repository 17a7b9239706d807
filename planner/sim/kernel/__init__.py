"""Backfill's search for a start, compiled: the same answers as ``planner.sim.search``, sooner.

The plain form is the model; this is a copy of it in arrays, and tests hold the two together.
Modules: words (sets of nodes), sorted_times, asks (of jobs), holds, rows (running jobs by their
ends), joining (one more of them), ready (from when a node takes tasks), room (what it takes then),
choice (which nodes), allocation (what of them), plan (the search), walk (from job to job); roster,
limits, search and prospects join them to the rest.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

from planner.sim.state import State

if TYPE_CHECKING:
    from planner.sim.kernel.search import CompiledSearch

_LOG = logging.getLogger(__name__)


def compiled_search(state: State, now_s: float) -> CompiledSearch | None:
    """The compiled search of a cycle; None without numba, or where it finds no folder to keep what
    it compiled. The first call of a process loads numba, the first on a machine compiles.
    """
    search_of = _compiled()
    return None if search_of is None else search_of(state, now_s)


@cache
def _compiled() -> type[CompiledSearch] | None:
    try:
        from planner.sim.kernel.search import CompiledSearch
    except (ImportError, RuntimeError) as error:
        _LOG.debug("backfill runs uncompiled, and slower: %s", error)
        return None
    return CompiledSearch
