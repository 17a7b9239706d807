"""What speaks against submitting a request now, as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from planner.advice.option import Option
from planner.advice.runs import OwnRun
from planner.advice.walltime import WalltimePoint
from planner.advice.words import Clock, counted, share, span
from planner.advice.worth import is_worth_it
from planner.sim.cluster import Partition, Reservation
from tracker.slurm.reasons import ReasonClass, explain

RISKY = 0.1  # a limit that cuts off more of such runs is no way out
ENDLESS_S = 366 * 86_400.0

Kind = Literal["maintenance", "hole", "limit", "budget"]


@dataclass(frozen=True, slots=True)
class Drawback:
    """What speaks for another moment or another limit, or makes the moment matter less."""

    kind: Kind
    sentence: str
    begin_at: datetime | None  # from when on it is over, or the better moment

    def as_json(self) -> dict[str, Any]:
        begin_at = self.begin_at.isoformat() if self.begin_at else None
        return {"kind": self.kind, "sentence": self.sentence, "begin_at": begin_at}


def of_maintenance(
    reservations: Sequence[Reservation],
    partition: Partition,
    option: Option,
    run: OwnRun,
    clock: Clock,
) -> Iterator[Drawback]:
    """Reservations that take so many of the nodes that the job has to be over before."""
    if option.limit_minutes is None:
        return
    limit_s = 60.0 * option.limit_minutes
    count = int(partition.nodes.sum())
    for one in sorted(reservations, key=lambda reservation: reservation.start_s):
        taken = int((one.nodes & partition.nodes).sum())
        starts_too_late = option.p50_s is None or option.p50_s + limit_s > one.start_s
        if count - taken >= option.request.nodes or one.end_s <= 0 or not starts_too_late:
            continue
        said = f"Reservation {one.name} takes {taken} of its {counted(count, 'node')}"
        said += f" from {clock.said(one.start_s)}" if one.start_s > 0 else ""
        said += f" to {clock.said(one.end_s)}." if one.end_s < ENDLESS_S else "."
        if one.start_s > 0:
            said += f" Started now, a limit up to {span(one.start_s)} ends before it"
            killed = run.p_killed(min(one.start_s, limit_s))
            said += f", which {share(killed)} of such runs exceed." if killed else "."
        end_at = clock.time(one.end_s) if one.end_s < ENDLESS_S else None
        yield Drawback("maintenance", said, end_at)
        return


def of_holes(points: Sequence[WalltimePoint], run: OwnRun, clock: Clock) -> Iterator[Drawback]:
    """The longest shorter limit that starts clearly sooner, if such runs mostly keep it."""
    asked = next((point for point in points if point.is_asked), None)
    if asked is None or asked.start.p50_s is None:
        return
    asked_s = asked.start.p50_s
    for point in reversed(points[: points.index(asked)]):
        start_s, limit_s = point.start.p50_s, 60.0 * point.limit_minutes
        if point.p_killed is None or point.p_killed > RISKY or start_s is None:
            continue
        gain_s = asked_s - start_s - run.lost_s(limit_s, start_s)
        if is_worth_it(gain_s, asked_s, asked.limit_minutes):
            said = (
                f"A limit of {span(limit_s)} fits a hole: half the time it starts by"
                f" {clock.said(start_s)}, {span(asked_s - start_s)} sooner."
            )
            yield Drawback("hole", said, None)
            return


def of_limits(reason: str) -> Iterator[Drawback]:
    """What the moment of submission does nothing about."""
    explained = explain(reason)
    if explained.reason_class is ReasonClass.OWN_JOBS:
        yield Drawback("limit", f"{explained.why} {explained.cure}", None)
    if explained.reason_class is ReasonClass.BUDGET:
        yield Drawback("budget", f"{explained.why} {explained.cure}", None)
