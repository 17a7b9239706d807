"""The self-check on captures made while the cluster was loaded, as lines of a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from planner.selfcheck import Check, check, moments
from planner.selfcheck.priorities import SUM
from planner.selfcheck.starts import agreement, explained
from planner.snapshot import read_facts
from tests.cluster.fidelity_replay import Run
from tests.cluster.fidelity_run import LOADED
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm

HEAD: tuple[str, ...] = ("capture", "waiting rows", "FairShare equal")
HEAD += ("priorities equal but for ageing", "planned by both", "within an interval")
HEAD += ("median gap s", "cycle known", "verdicts")


def checks(run: Run) -> Iterator[tuple[str, Check]]:
    for folder in sorted((run.folder / LOADED).iterdir()):
        slurm = Slurm(read_capture(folder).transport)
        facts = read_facts(slurm)
        yield f"{run.name}/{folder.name}", check(facts, moments(slurm, facts))


def line(name: str, found: Check) -> list[str]:
    """Cells for HEAD."""
    told = [row.fair_share_agrees for row in found.shares if row.fair_share_agrees is not None]
    rows = found.priorities.rows
    equal = sum(found.priorities.ageing.allows(SUM, row.difference(SUM)) for row in rows)
    starts = agreement(found.starts, found.interval_s)
    return [
        name,
        str(len(found.starts)),
        f"{sum(told)} of {len(told)}",
        f"{equal} of {len(rows)}",
        "0" if starts is None else str(starts.both),
        "-" if starts is None else f"{100 * starts.within_interval:.0f} %",
        "-" if starts is None else f"{starts.median_abs_s:.0f}",
        "yes" if found.moments.cycle_at is not None else "no",
        ", ".join(f"{name}: {verdict.trust}" for name, verdict in found.verdicts.items()),
    ]


def differences(found: Check) -> Sequence[tuple[str, str]]:
    """Jobs that differ, and why."""
    ranked = [
        (f"priority of {row.pending.key}", found.priorities.why(row))
        for row in found.priorities.differing()
    ]
    shared = [(f"share of {row.account}/{row.user or ''}", row.why) for row in found.shares]
    why = explained(found.starts, found.interval_s)
    planned = [
        (f"start of {pair.pending.key}", why[pair.pending.key])
        for pair in found.starts
        if pair.agrees(found.interval_s) is False
    ]
    return [(what, reason) for what, reason in (*shared, *ranked, *planned) if reason]


def starts_within(found: Iterable[Check]) -> tuple[int, int]:
    """Planned starts that both sides tell and can be compared: within an interval, and all."""
    gaps_s = [
        (abs(pair.difference_s), one.interval_s)
        for one in found
        for pair in one.starts
        if pair.difference_s is not None and not pair.is_open
    ]
    return sum(gap_s <= interval_s for gap_s, interval_s in gaps_s), len(gaps_s)
