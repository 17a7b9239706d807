"""One likely future as a Gantt chart: who holds which nodes from when to when.

Not a figure of plotly's: thousands of bars that are zoomed and moved are drawn on a canvas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from planner.charts.lanes import Piece, joined, pieces

BARS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Stay:
    """One job on its nodes, which are places in the list of nodes. Seconds from the snapshot; a
    job that runs already started before 0."""

    name: str | None  # None: not for this reader to know
    partition: str
    start_s: float
    end_s: float
    nodes: Sequence[int]
    is_own: bool
    is_expected: bool = False  # nobody has submitted it yet


@dataclass(frozen=True, slots=True)
class Block:
    """A reservation."""

    name: str
    start_s: float
    end_s: float
    nodes: Sequence[int]


def schedule(
    stays: Iterable[Stay],
    blocks: Iterable[Block],
    *,
    nodes: Sequence[str],
    until_s: float,
    most: int = BARS_MAX,
) -> dict[str, Any]:
    """What schedule.js draws; ``rows`` are pieces of ``planner.charts.lanes``. With more stays than
    ``most``, one's own and the earliest of the others; ``left_out`` counts the rest."""
    within = [stay for stay in stays if stay.end_s > 0 and stay.start_s < until_s and stay.nodes]
    kept = sorted(within, key=lambda stay: (not stay.is_own, stay.start_s))[:most]
    kept.sort(key=lambda stay: stay.start_s)
    return {
        "nodes": list(nodes),
        "until_s": until_s,
        "bars": [
            _bar(stay, until_s) | {"rows": rows}
            for stay, rows in zip(kept, pieces(kept), strict=True)
        ],
        "blocks": [
            {"name": block.name, "rows": _whole(block.nodes)} | _times(block, until_s)
            for block in blocks
            if block.nodes and block.end_s > 0 and block.start_s < until_s
        ],
        "left_out": len(within) - len(kept),
    }


def _whole(nodes: Sequence[int]) -> list[Piece]:
    return joined(Piece(node, 1) for node in sorted(nodes))


def _bar(stay: Stay, until_s: float) -> dict[str, Any]:
    told = {"name": stay.name, "partition": stay.partition, "kind": _kind(stay)}
    return told | {"is_own": stay.is_own} | _times(stay, until_s)


def _kind(stay: Stay) -> str:
    if stay.is_expected:
        return "expected"
    return "running" if stay.start_s <= 0 else "waiting"


def _times(of: Stay | Block, until_s: float) -> dict[str, float]:
    end_s = of.end_s if isfinite(of.end_s) else until_s
    return {"start_s": round(max(of.start_s, 0.0)), "end_s": round(end_s)}
