"""A check in words and as JSON: for the terminal, for programs, and for the page that reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, isfinite
from typing import Any

from planner.selfcheck.check import Check
from planner.selfcheck.priorities import SUM, PriorityRow
from planner.selfcheck.shares import ShareRow
from planner.selfcheck.starts import Pair, agreement, explained
from planner.selfcheck.verdict import Part, Verdict

LARGEST = 10  # differences told of each kind
NOTES = 50


def as_json(check: Check) -> dict[str, Any]:
    """Times in ISO 8601; parts are ``[agree, of]``, null where nothing can be compared."""
    moments = check.moments
    judged = check.starts if check.is_dated else ()
    both = agreement(judged, check.interval_s)
    return {
        "taken_at": check.taken_at.isoformat(),
        "cycle_at": moments.cycle_at and moments.cycle_at.isoformat(),
        "priorities_at": moments.priorities_at and moments.priorities_at.isoformat(),
        "shares_at": moments.shares_at and moments.shares_at.isoformat(),
        "interval_s": check.interval_s,
        "verdicts": {name: _verdict(one) for name, one in check.verdicts.items()},
        "rows": len(check.starts),
        "starts": _part([pair.agrees(check.interval_s) for pair in judged]),
        "starts_open": sum(pair.is_open for pair in judged),
        "starts_median_s": None if both is None else both.median_abs_s,
        "priorities": _part([_sum_agrees(check, row) for row in check.priorities.rows]),
        "ageing": [check.priorities.ageing.low, check.priorities.ageing.high],
        "ages_told": sum(row.age_is_told for row in check.priorities.rows),
        "factors": [
            {
                "factor": one.factor,
                "agree": [one.agree, one.rows],
                "largest": one.largest,
                "job_id": one.job,
                "why": one.why,
            }
            for one in check.priorities.factors
        ],
        "fair_share": _part([row.fair_share_agrees for row in check.shares]),
        "level_fs": _part([row.level_agrees for row in check.shares]),
        "reasons": _part([row.agrees for row in check.reasons]),
        "differences": {
            "starts": list(_starts(judged, check.interval_s)),
            "priorities": list(_priorities(check)),
            "fair_share": list(_shares(check)),
            "reasons": list(_reasons(check)),
        },
        "notes": [f"{note.about}: {note.what}" for note in check.notes[:NOTES]],
    }


def _verdict(one: Verdict) -> dict[str, Any]:
    return {
        "trust": one.trust.value,
        "sentence": one.sentence,
        "starts": _pair(one.starts),
        "order": _pair(one.order),
        "reasons": _pair(one.reasons),
    }


def _pair(part: Part | None) -> list[int] | None:
    return None if part is None else [part.agree, part.of]


def _part(agree: list[bool | None]) -> list[int]:
    told = [one for one in agree if one is not None]
    return [sum(told), len(told)]


def _sum_agrees(check: Check, row: PriorityRow) -> bool:
    return check.priorities.ageing.allows(SUM, row.difference(SUM))


def _starts(pairs: Sequence[Pair], interval_s: float) -> Iterator[dict[str, Any]]:
    why = explained(pairs, interval_s)
    differing = [pair for pair in pairs if pair.agrees(interval_s) is False]
    for pair in sorted(differing, key=_distance, reverse=True)[:LARGEST]:
        yield {
            "job_id": pair.pending.key,
            "partition": ",".join(pair.pending.record.partitions),
            "slurm_s": pair.slurm_s,
            "model_s": pair.cycle_s,
            "why": why[pair.pending.key],
        }


def _distance(pair: Pair) -> float:
    return inf if pair.difference_s is None else abs(pair.difference_s)


def _priorities(check: Check) -> Iterator[dict[str, Any]]:
    for row in check.priorities.differing()[:LARGEST]:
        yield {
            "job_id": row.pending.key,
            "partition": row.partition,
            "slurm": row.told[SUM],
            "model": row.own[SUM],
            "why": check.priorities.why(row),
        }


def _shares(check: Check) -> Iterator[dict[str, Any]]:
    def distance(row: ShareRow) -> float:
        return abs((row.fair_share or 0.0) - row.own_fair_share)

    differing = [row for row in check.shares if row.why]
    for row in sorted(differing, key=distance, reverse=True)[:LARGEST]:
        yield {
            "account": row.account,
            "user": row.user,
            "slurm": row.fair_share,
            "model": None if row.user is None else row.own_fair_share,
            "slurm_level": _finite(row.level_fs),
            "model_level": _finite(row.own_level_fs),
            "why": row.why,
        }


def _finite(value: float | None) -> float | None:
    """JSON has no infinity: an association without usage has no level."""
    return value if value is not None and isfinite(value) else None


def _reasons(check: Check) -> Iterator[dict[str, Any]]:
    for row in [row for row in check.reasons if not row.agrees][:LARGEST]:
        yield {
            "job_id": row.pending.key,
            "partition": ",".join(row.pending.record.partitions),
            "slurm": row.told,
            "model": row.own,
        }


def as_text(check: Check) -> Iterator[str]:
    """Lines for people: verdicts first, then the figures, then the largest differences."""
    told = as_json(check)
    yield from (one["sentence"] for one in told["verdicts"].values())
    yield ""
    yield f"{told['rows']} waiting rows at {check.taken_at:%Y-%m-%d %H:%M:%S %Z}"
    low, high = told["ageing"]
    for name, what in (
        ("starts", f"planned starts within one backfill interval ({check.interval_s:g} s)"),
        ("priorities", f"priorities within one unit and ageing ({low:.1f} to {high:.1f} units)"),
        ("fair_share", "fair shares to the digits printed"),
        ("level_fs", "LevelFS to the digits printed"),
        ("reasons", "reasons of the same kind"),
    ):
        agree, of = told[name]
        yield f"  {agree} of {of} {what}" if of else f"  none to compare: {what}"
    if told["starts_open"]:
        yield f"  {told['starts_open']} starts hang on jobs that ended in the second of the cycle"
    if told["ages_told"]:
        yield f"  {told['ages_told']} ages are not what eligibility says: sprio's are used"
    yield from (
        f"  {one['factor']}: {one['agree'][0]} of {one['agree'][1]}, largest difference"
        f" {one['largest']:+.1f} (job {one['job_id']}): {one['why']}"
        for one in told["factors"]
        if one["why"]
    )
    for kind, rows in told["differences"].items():
        if rows:
            yield f"\nLargest differences: {kind.replace('_', ' ')}"
            yield from (f"  {_line(row)}" for row in rows)
    if told["notes"]:
        yield "\nLeft out or guessed in the model"
        yield from (f"  {note}" for note in told["notes"])


def _line(row: dict[str, Any]) -> str:
    shown = (
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in row.items()
        if value is not None and name != "why"
    )
    return ", ".join(shown) + (f": {row['why']}" if row.get("why") else "")
