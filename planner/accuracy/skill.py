"""How much better one method is than another on the same rows."""

from __future__ import annotations

import numpy as np

from planner.accuracy.bootstrap import DayBlocks, Interval
from planner.accuracy.losses import Loss
from planner.accuracy.scored import FloatArray, Scored, require_same_rows


def skill(ours: Scored, theirs: Scored, loss: Loss) -> float | None:
    """1 - (sum of our losses / sum of theirs) over the rows that both answered.

    1: never wrong; 0: no better; below 0: worse. None where they share no row or theirs is never
    wrong. Both must be of the same rows.
    """
    ours_lost, theirs_lost = _paired(ours, theirs, loss)
    total = float(np.nansum(theirs_lost))
    return 1.0 - float(np.nansum(ours_lost)) / total if total > 0.0 else None


def skill_interval(ours: Scored, theirs: Scored, loss: Loss, blocks: DayBlocks) -> Interval | None:
    ratio = blocks.ratio(*_paired(ours, theirs, loss))
    return None if ratio is None else Interval(1.0 - ratio.high, 1.0 - ratio.low)


def _paired(ours: Scored, theirs: Scored, loss: Loss) -> tuple[FloatArray, FloatArray]:
    require_same_rows(ours, theirs)
    ours_lost, theirs_lost = loss(ours), loss(theirs)
    shared = ~(np.isnan(ours_lost) | np.isnan(theirs_lost))
    return np.where(shared, ours_lost, np.nan), np.where(shared, theirs_lost, np.nan)
