"""Kinds of rows that are told apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from planner.accuracy.scored import BoolArray, Scored

IMMEDIATE_S = 60.0
STRATA = ("all", "expected_queue", "expected_start", "queued", "immediate")


def strata(scored: Scored, expects_queue: npt.ArrayLike) -> dict[str, BoolArray]:
    """Rows of each of STRATA.

    ``expects_queue``: whether an earlier job waited in the same partition at issue; nan: not known,
    the row is in neither. Only these two and ``all`` are known at issue, so coverage is judged only
    in them: choosing rows by their outcome makes even a perfect bound look short.
    A row that is censored early is in neither of ``queued`` and ``immediate``.
    """
    expects = np.asarray(expects_queue, dtype=np.float64)
    queued = scored.actual_s > IMMEDIATE_S
    return {
        "all": np.ones(len(scored), dtype=np.bool_),
        "expected_queue": expects == 1.0,
        "expected_start": expects == 0.0,
        "queued": queued,
        "immediate": ~queued & ~scored.is_censored,
    }
