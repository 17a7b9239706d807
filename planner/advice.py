"""Where a hypothetical job would start first: one option per partition, ranked.

Pure: a world, what is known of the past, a request, and an answer. Each option is simulated on its
own, with the request put in as one more job of its user at the end of the queue; its rank follows
from the priority that the simulator computes for it. All options are simulated in the same futures:
run times and arrivals of a replica are the same whatever partition is asked about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from math import inf, isfinite
from typing import Any, Literal

from planner.ensemble import Past, Spread
from planner.ensemble.spread import LEVELS
from planner.probe import PROBE, Probed, probe_of, record_of
from planner.quantiles import Quantiles
from planner.refusals import sentence
from planner.request import Request
from planner.sim.cluster import Partition, World
from planner.snapshot.requests import Site
from tracker.slurm.reasons import explain

Method = Literal["plan", "ensemble"]
NOT_SAID = Quantiles(None, None, None)


@dataclass(frozen=True, slots=True)
class Option:
    """The request in one partition. Times are seconds from the snapshot."""

    partition: str
    request: Request
    limit_minutes: int | None
    why_not: str | None  # None: allowed
    p10_s: float | None = None  # of the start; None: see later_than_horizon, or not allowed
    p50_s: float | None = None
    p90_s: float | None = None
    finish: Quantiles = NOT_SAID
    later_than_horizon: tuple[str, ...] = ()
    p_within_10_min: float | None = None
    how: str = ""  # what the site's own record made of it, in words
    billing_units: float | None = None
    reasons: tuple[str, ...] = ()

    @property
    def start(self) -> Quantiles:
        return Quantiles(self.p10_s, self.p50_s, self.p90_s)

    def within(self, horizon_s: float) -> Option:
        """Without what lies beyond the horizon, when it is corrected: such starts are named, and
        the ends that follow them are not said."""
        times_s = zip(LEVELS, (self.p10_s, self.p50_s, self.p90_s), strict=True)
        late = [level for level, at_s in times_s if at_s is not None and at_s > horizon_s]
        start, finish = _without(late, self.start), _without(late, self.finish)
        return replace(
            self,
            p10_s=start.p10_s,
            p50_s=start.p50_s,
            p90_s=start.p90_s,
            finish=finish,
            later_than_horizon=tuple(sorted({*self.later_than_horizon, *late})),
        )

    def as_json(self) -> dict[str, Any]:
        """Keys as ``manage.py plan`` prints them."""
        return {
            "partition": self.partition,
            "qos": self.request.qos,
            "gpu_type": self.request.gpu_type,
            "nodes": self.request.nodes,
            "limit_minutes": self.limit_minutes,
            "begin_at": None,
            "allowed": self.why_not is None,
            "why_not": self.why_not,
            "start": asdict(self.start),
            "finish": asdict(self.finish),
            "later_than_horizon": list(self.later_than_horizon),
            "p_within_10_min": self.p_within_10_min,
            "how": self.how,
            "billing_units": self.billing_units,
            "sbatch_args": self.request.sbatch_args(self.partition),
            "reasons": list(self.reasons),
        }


def _without(late: Collection[str], of: Quantiles) -> Quantiles:
    return Quantiles(
        None if "p10" in late else of.p10_s,
        None if "p50" in late else of.p50_s,
        None if "p90" in late else of.p90_s,
    )


@dataclass(frozen=True, slots=True)
class Advice:
    options: tuple[Option, ...]  # the earliest start first and those that refuse it last
    method: Method
    replicas: int  # of every option


def advise(
    world: World,
    site: Site,
    request: Request,
    past: Past,
    *,
    seed: int,
    batches: Iterable[range],
    horizon_s: float,
) -> Advice:
    """Every partition asked for; a request that names none asks for all but the hidden ones.

    ``batches`` are replicas: each is run for all options before the next is drawn, so that a caller
    may end them when its time is up. With nothing known of the past one replica says it all.
    """
    names = request.partitions or [p.name for p in site.partitions.values() if not p.hidden]
    asked = [p for p in world.partitions if p.name in names]
    options = [_option(world, site, partition, request) for partition in asked]
    probes = [
        Probed(world, past, probe_of(world, site, request, option.partition))
        for option in options
        if option.why_not is None
    ]
    replicas = 0
    for batch in [range(1)] if past.is_blank else batches:
        replicas += len(batch)
        for probed in probes:
            probed.run(seed, batch, horizon_s)
    answered = {probed.partition: probed for probed in probes}
    told = [_told(option, answered.get(option.partition)) for option in options]
    method: Method = "plan" if past.is_blank else "ensemble"
    return Advice(ranked(told), method, replicas)


def ranked(options: Iterable[Option]) -> tuple[Option, ...]:
    return tuple(sorted(options, key=_rank))


def _rank(option: Option) -> tuple[float, ...]:
    """Allowed first; then by the middle, the late and the early start; then by the end."""
    times_s = (option.p50_s, option.p90_s, option.p10_s, option.finish.p50_s)
    return (option.why_not is not None, *(inf if at_s is None else at_s for at_s in times_s))


def _option(world: World, site: Site, partition: Partition, request: Request) -> Option:
    """Whether it is allowed and what it costs, without its times."""
    # A type that no node has cannot be put into the world's arrays, so it is refused before.
    if request.gpu_type and request.gpu_type not in world.nodes.gpu_types:
        refusal = sentence("BadConstraints", world, partition, request)
        return Option(partition.name, request, request.limit_minutes, refusal)
    record = record_of(world, probe_of(world, site, request, partition.name))
    why_not: str | None = None
    if not partition.up:
        why_not = explain("PartitionDown").why
    elif record.never is not None:
        why_not = sentence(record.never, world, partition, request)
    limit_minutes = round(record.limit_s / 60) if isfinite(record.limit_s) else None
    return Option(
        partition.name, request, limit_minutes, why_not, billing_units=record.amounts["billing"]
    )


def _told(option: Option, probed: Probed | None) -> Option:
    if probed is None:
        return option
    option = replace(option, reasons=probed.standing_before())
    told = Spread(probed.starts).told(PROBE)
    if told is None:
        return option
    return replace(
        option,
        p10_s=told.start.p10_s,
        p50_s=told.start.p50_s,
        p90_s=told.start.p90_s,
        finish=told.finish,
        later_than_horizon=told.later_than_horizon,
        p_within_10_min=told.p_within_10_min,
    )
