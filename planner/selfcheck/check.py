"""The whole check of one set of facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from planner.selfcheck import priorities, reasons, shares, starts
from planner.selfcheck.moments import Moments
from planner.selfcheck.priorities import Priorities
from planner.selfcheck.reasons import ReasonRow
from planner.selfcheck.shares import ShareRow
from planner.selfcheck.starts import Pair
from planner.selfcheck.verdict import Verdict, judge
from planner.snapshot import Facts, SnapshotNote, build


@dataclass(frozen=True, slots=True)
class Check:
    """What Slurm and the model say of one instant, and what to make of it."""

    taken_at: datetime
    moments: Moments
    interval_s: float  # of backfill
    is_dated: bool  # Slurm shows a plan, and when it was made is known: ``starts`` can be judged
    verdicts: dict[str, Verdict]  # by partition, in Slurm's order
    starts: tuple[Pair, ...]
    priorities: Priorities
    shares: tuple[ShareRow, ...]
    reasons: tuple[ReasonRow, ...]
    notes: tuple[SnapshotNote, ...]  # what the model leaves out or guesses


def check(facts: Facts, at: Moments | None = None) -> Check:
    """Without the moment of Slurm's last backfill cycle no partition can be told to be trusted."""
    at = at or Moments()
    snapshot = build(facts)
    interval_s = snapshot.world.config.bf_interval_s
    pairs = starts.compare(facts, snapshot, at.cycle_at)
    ranked = priorities.compare(facts, at)
    waits = reasons.compare(pairs)
    is_dated = at.cycle_at is not None and any(pair.slurm_s is not None for pair in pairs)
    dated_s = interval_s if is_dated else None
    return Check(
        facts.taken_at,
        at,
        interval_s,
        is_dated,
        {p.name: judge(p.name, pairs, ranked, waits, dated_s) for p in facts.partitions},
        tuple(pairs),
        ranked,
        tuple(shares.compare(facts)),
        tuple(waits),
        snapshot.notes,
    )


def verdicts(facts: Facts, at: Moments | None = None) -> dict[str, Verdict]:
    """By partition: whether its simulation may be trusted."""
    return check(facts, at).verdicts
