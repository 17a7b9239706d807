"""May the simulation of a partition be trusted? The thresholds, and the sentence that says why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from planner.selfcheck.priorities import SUM, Priorities, PriorityRow
from planner.selfcheck.reasons import ReasonRow
from planner.selfcheck.starts import Pair, in_order

TOP_ROWS = 50  # of a partition, by priority: those below inherit what differs above them
MIN_ROWS = 10  # fewer tell nothing
MIN_STARTS = 0.90  # of those rows, planned within one backfill interval of Slurm's
MIN_ORDER = 0.95  # of the pairs of jobs, in the order of sprio's priorities
MIN_REASONS = 0.75  # of the rows; Slurm keeps the last reason seen, which may be of an old pass
MAX_ORDERED = 1_000  # rows whose pairs are counted, by priority


class Trust(StrEnum):
    TRUSTED = "trusted"
    NOT_TRUSTED = "not trusted"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Part:
    """So many of ``of`` agree."""

    agree: int
    of: int

    def below(self, least: float) -> bool:
        return self.agree < least * self.of


@dataclass(frozen=True, slots=True)
class Verdict:
    partition: str
    trust: Trust
    because: str  # a clause; of a trusted one, what speaks for it
    starts: Part | None  # rows that either side planned; None: by no known cycle
    order: Part | None  # pairs of jobs; None: too few rows that sprio tells of
    reasons: Part  # rows

    @property
    def sentence(self) -> str:
        if self.trust is Trust.TRUSTED:
            return f"{self.partition}: trusted: {self.because}."
        return f"{self.partition}: {self.trust}, because {self.because}."


def judge(
    partition: str,
    pairs: Iterable[Pair],
    priorities: Priorities,
    reasons: Iterable[ReasonRow],
    interval_s: float | None,
) -> Verdict:
    """From the rows of the whole cluster. ``interval_s`` None: the instant of Slurm's plan is not
    known, and a cycle at another one plans other starts."""
    starts = None if interval_s is None else _starts(partition, pairs, interval_s)
    same = [row.agrees for row in reasons if partition in row.pending.record.partitions]
    said = Part(sum(same), len(same))
    rows = [row for row in priorities.rows if row.partition == partition]
    order = _order(rows, priorities) if len(rows) >= MIN_ROWS else None
    trust, because = _decide(starts, order, said)
    return Verdict(partition, trust, because, starts, order, said)


def _starts(partition: str, pairs: Iterable[Pair], interval_s: float) -> Part:
    own = [pair for pair in pairs if partition in pair.pending.record.partitions]
    agree = (pair.agrees(interval_s) for pair in sorted(own, key=in_order))
    top = [told for told in agree if told is not None][:TOP_ROWS]
    return Part(sum(top), len(top))


def _decide(starts: Part | None, order: Part | None, reasons: Part) -> tuple[Trust, str]:
    if starts is None:
        return Trust.CANNOT_TELL, "there is no plan of Slurm's that could be dated"
    if starts.of < MIN_ROWS:
        few = f"{starts.of or 'none'} of its jobs {'has' if starts.of == 1 else 'have'}"
        return Trust.CANNOT_TELL, f"{few} a planned start and {MIN_ROWS} are needed"
    told = f"{starts.agree} of {starts.of} planned starts are within a backfill interval of Slurm's"
    against = [f"only {told}"] if starts.below(MIN_STARTS) else []
    if order is not None and order.below(MIN_ORDER):
        share = 1 - order.agree / order.of
        against.append(f"{100 * share:.0f} % of the pairs of jobs stand in another order")
    if reasons.of >= MIN_ROWS and reasons.below(MIN_REASONS):
        same = f"{reasons.agree} of {reasons.of} reasons to wait are of the same kind"
        against.append(f"only {same}")
    if against:
        return Trust.NOT_TRUSTED, ", and ".join(against)
    ordered = "" if order is not None else "; the order of its priorities could not be compared"
    return Trust.TRUSTED, told + ordered


def _order(rows: Sequence[PriorityRow], priorities: Priorities) -> Part:
    """Pairs that sprio tells apart by more than ageing and rounding may, and how many of them the
    model has the same way round."""
    top = sorted(rows, key=lambda row: -row.told[SUM])[:MAX_ORDERED]
    told = np.array([row.told[SUM] for row in top])
    own = np.array([row.own[SUM] for row in top])
    first, second = np.triu_indices(len(top), k=1)
    ageing = priorities.ageing
    apart = told[first] - told[second] > ageing.high - ageing.low + 2
    return Part(int((own[first] > own[second])[apart].sum()), int(apart.sum()))
