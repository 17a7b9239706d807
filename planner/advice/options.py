"""Where a request may run: every partition, QOS and GPU type that its user may ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from planner.advice.fitting import Fitting
from planner.advice.option import Option, ranked
from planner.advice.rights import Right, Rights
from planner.advice.runs import OwnRun
from planner.advice.shares import Shares
from planner.asking.probe import account_of
from planner.asking.refusals import sentence
from planner.asking.request import Request
from planner.sim.cluster import Partition, World
from planner.sim.jobs import Job
from planner.snapshot.requests import Site
from tracker.slurm.reasons import explain

MOST = 40  # that are fitted: those nearest to what was asked
AT_ONCE_S = 60.0


class Places:
    """Where and how a request may be put, the nearest to what was asked first."""

    def __init__(self, world: World, site: Site, rights: Rights, request: Request) -> None:
        self._world, self._site, self._request = world, site, request
        account = request.account or account_of(world, request.user)
        self._right = rights.right(account, request.user)
        defaults = tuple(name for name, one in site.partitions.items() if one.is_default)
        self.partitions = request.partitions or defaults
        self.qos = request.qos or self._right.default

    def all(self) -> list[tuple[Partition, Request]]:
        """The same request but for its QOS and GPU type; hidden partitions only where named."""
        return sorted(self._all(), key=lambda place: self._departures(*place))

    def is_asked(self, partition: Partition, request: Request) -> bool:
        return self._departures(partition, request) == 0

    def refusal(self, request: Request) -> str | None:
        """Why accounting would not let it in, wherever."""
        if request.qos is None or not self._right.qos or request.qos in self._right.qos:
            return None
        return f"QOS {request.qos} is not among yours; use {', '.join(self._right.qos)}"

    def _all(self) -> Iterator[tuple[Partition, Request]]:
        for partition in self._world.partitions:
            known = self._site.partitions.get(partition.name)
            is_named = partition.name in self._request.partitions
            if known is None or (known.hidden and not is_named):
                continue
            for gpu_type in self._gpu_types(partition):
                for qos in dict.fromkeys((self.qos, *self._usable(self._right, partition))):
                    asked = replace(
                        self._request, partitions=(partition.name,), qos=qos, gpu_type=gpu_type
                    )
                    yield partition, asked

    def _usable(self, right: Right, partition: Partition) -> Iterator[str]:
        allow, deny = partition.allow_qos, partition.deny_qos
        for name in right.qos:
            if name in allow if allow is not None else name not in deny:
                yield name

    def _gpu_types(self, partition: Partition) -> tuple[str | None, ...]:
        """As asked first. A type is no choice where there is but one."""
        asked = self._request.gpu_type
        if not self._request.gpus:
            return (asked,)
        nodes = self._world.nodes
        there = np.flatnonzero(nodes.gpus[partition.nodes].sum(axis=0))
        types = [nodes.gpu_types[column] for column in there if nodes.gpu_types[column]]
        if asked is None and len(types) < 2:
            return (None,)
        return tuple(dict.fromkeys((asked, *types)))

    def _departures(self, partition: Partition, request: Request) -> int:
        return (
            (partition.name not in self.partitions)
            + (request.qos != self.qos)
            + (request.gpu_type != self._request.gpu_type)
        )


class Options:
    """What comes of requests in partitions, told in times and costs."""

    def __init__(self, fitting: Fitting, rights: Rights) -> None:
        self._fitting, self._rights = fitting, rights
        self.shares = Shares(fitting.world)

    def of(self, request: Request) -> tuple[Option, ...]:
        """Ranked; of refusals that say the same of a partition one is told."""
        fitting = self._fitting
        places = Places(fitting.world, fitting.site, self._rights, request)
        allowed: list[Option] = []
        refused: dict[tuple[str, str | None], Option] = {}
        for partition, asked in places.all():
            is_asked = places.is_asked(partition, asked)
            option = self.untimed(partition, asked, places.refusal(asked))
            option = replace(option, is_default=is_asked)
            if not option.allowed:
                refused.setdefault((partition.name, option.why_not), option)
            elif len(allowed) < MOST:
                allowed.append(self.timed(option))
        return ranked(_one_default((*allowed, *refused.values())))

    def untimed(
        self,
        partition: Partition,
        asked: Request,
        refusal: str | None = None,
        *,
        run: OwnRun | None = None,
    ) -> Option:
        """Whether it is allowed and what it costs; ``run``: where it is not that of the request."""
        fitting = self._fitting
        refusal = refusal or _closed(fitting.world, partition, asked)
        if refusal is not None:
            return Option(partition.name, asked, asked.limit_minutes, refusal)
        try:
            probe = fitting.probe(asked, partition.name)
        except ValueError as error:
            return Option(partition.name, asked, asked.limit_minutes, f"not modelled: {error}")
        record = fitting.record(probe)
        why_not = record.never and sentence(record.never, fitting.world, partition, asked)
        run = fitting.run(asked, probe) if run is None else run
        usual_s = min(run.at(0.5) or record.limit_s, record.limit_s)
        return Option(
            partition.name,
            asked,
            fitting.limit_minutes(probe),
            why_not,
            billing_units=record.amounts["billing"],
            fair_share=self.shares.before_and_after(record, usual_s),
            begin=fitting.clock.for_sbatch(asked.begin_at) if asked.begin_at else None,
            approximate=True,
        )

    def timed(self, option: Option) -> Option:
        fitting = self._fitting
        told = option.told(fitting.fits(option.request, option.partition).spread())
        probe = fitting.probe(option.request, option.partition)
        return replace(told, reasons=tuple(self._reasons(told, probe)))

    def _reasons(self, option: Option, probe: Job) -> Iterator[str]:
        late = option.p90_s if option.p90_s is not None else option.p50_s
        if late is not None and late <= AT_ONCE_S:
            yield "Enough of its nodes are free: it starts at once."
        if self._fitting.record(probe).share_index is None:
            yield (
                f"No association of {option.request.user or 'an unnamed user'} in account"
                f" {probe.account or 'none'} is known: planned without fair share."
            )
        if not option.later_than_horizon and not option.has_start:
            yield "In none of the futures does waiting start it."


def _closed(world: World, partition: Partition, asked: Request) -> str | None:
    # A type that no node has cannot be put into the world's arrays, so it is refused before.
    if asked.gpu_type and asked.gpu_type not in world.nodes.gpu_types:
        return sentence("BadConstraints", world, partition, asked)
    return None if partition.up else explain("PartitionDown").why


def _one_default(options: Iterable[Option]) -> tuple[Option, ...]:
    """Of several partitions named the one that ends first stands for what Slurm makes of them."""
    order = ranked(options)
    first = next((place for place, option in enumerate(order) if option.is_default), None)
    return tuple(replace(one, is_default=place == first) for place, one in enumerate(order))
