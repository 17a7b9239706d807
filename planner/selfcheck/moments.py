"""When Slurm did what its answers show: they are asked one after the other, while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from planner.snapshot import Facts
from planner.snapshot.rules import build_config
from tracker.slurm.client import Slurm
from tracker.slurm.errors import SlurmError


@dataclass(frozen=True, slots=True)
class Moments:
    """None: not told."""

    cycle_at: datetime | None = None  # began the backfill cycle whose plan squeue shows
    priorities_at: datetime | None = None  # sprio was asked
    shares_at: datetime | None = None  # sshare was asked


def moments(slurm: Slurm, facts: Facts) -> Moments:
    """Of the answers from which ``facts`` were read."""
    return Moments(
        cycle_at=_cycle_at(slurm, facts),
        priorities_at=_or_none(lambda: slurm.fetch("sprio").started_at),
        shares_at=_or_none(lambda: slurm.fetch("sshare").started_at),
    )


def _cycle_at(slurm: Slurm, facts: Facts) -> datetime | None:
    """None too where sdiag is so much older or newer than the queue that another cycle may have run
    between the two."""
    asked_at = _or_none(lambda: slurm.fetch("sdiag").started_at)
    began_at = _or_none(lambda: slurm.diagnostics().last_backfill_at)
    if asked_at is None or began_at is None or began_at > facts.taken_at:
        return None
    interval_s = build_config(facts.config, [], facts.taken_at).bf_interval_s
    next_at = began_at + timedelta(seconds=interval_s)
    return began_at if asked_at >= facts.taken_at or next_at > facts.taken_at else None


def _or_none(ask: Callable[[], datetime | None]) -> datetime | None:
    try:
        return ask()
    except SlurmError:
        return None
