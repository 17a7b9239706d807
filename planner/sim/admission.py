"""A submitted job meets the world's rules: what it needs, what limits it, what it is worth."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from planner.sim import amounts
from planner.sim.choice import choose
from planner.sim.cluster import Association, Partition, Qos, Tres, World
from planner.sim.fairshare import ShareTree
from planner.sim.jobs import Job
from planner.sim.limits import Check, Holder, Ledger, checks_of, holders_of, wall_refusal
from planner.sim.needs import Need, Needs
from planner.sim.nodeset import NodeSet, set_of_mask
from planner.sim.occupancy import Room
from planner.sim.placement import fit, fits
from planner.sim.priority import Factors, size_factor, tres_factors
from planner.sim.queue import Pending, Record

YEAR_S = 365 * 86400.0  # Slurm plans a job without any limit for a year


def time_limit_s(job: Job, partition: Partition) -> float:
    """The job's limit, else the partition's default, else its maximum; never infinite."""
    limit_s = job.limit_s
    if limit_s is None:
        limit_s = partition.default_s if partition.default_s is not None else partition.max_s
    return YEAR_S if limit_s == inf else limit_s


class Standing(NamedTuple):
    """Whose limits and usage a job of a user comes under in a partition."""

    qos_order: list[Qos]
    share_index: int | None
    chain: list[tuple[int, Association]]
    checks: tuple[Check, ...]
    holders: tuple[Holder, ...]


class Request(NamedTuple):
    """What a job asks of a partition, whoever it is and for however long."""

    need: Need
    amounts: Tres
    refusal: str | None  # why no nodes of the cluster are enough
    job_size: float  # factors
    tres: Tres


class Terms(NamedTuple):
    """What a request is worth to those of a standing, and why they cannot have it."""

    never: str | None
    factors: Factors
    weight: float


class Admission:
    """Turns jobs into records. Knows the parts of the world that never change."""

    def __init__(self, world: World, shares: ShareTree) -> None:
        self._world = world
        self._shares = shares
        self._partitions = {p.name: p for p in world.partitions}
        self._qos = {q.name: q for q in world.qos}
        self._reservations = {r.name: r for r in world.reservations}
        self._totals = {p.name: amounts.total(world.nodes, p.nodes) for p in world.partitions}
        self._cluster_cpus = int(world.nodes.cpus.sum())
        self._max_qos_priority = max([1, *(q.priority for q in world.qos)])
        self._max_job_factor = max([1, *(p.job_factor for p in world.partitions)])
        self._max_assoc_priority = max([1, *(a.priority for a in world.associations)])
        self._needs = Needs(world.nodes)
        self._idle = Room.of_idle(world.nodes)
        self._idle_refusals: dict[Need, str | None] = {}
        # Found once for all that are alike: thousands of jobs are of few kinds.
        self._standings: dict[tuple[object, ...], Standing] = {}
        self._requests: dict[tuple[object, ...], Request] = {}
        self._terms: dict[tuple[object, ...], Terms] = {}

    def admit(self, pending: Pending) -> None:
        """Give the pending job its records, one per partition that it names."""
        self._world.check(pending.job)
        pending.records = tuple(
            self._record(pending, self._partitions[name]) for name in pending.job.partitions
        )

    def _record(self, pending: Pending, partition: Partition) -> Record:
        job = pending.job
        who = job.user, job.account, job.qos, partition.name
        what = partition.name, *_asked_by(job)
        of, request = self._standing(who, job, partition), self._request(what, job, partition)
        terms = self._terms.get((who, what))
        if terms is None:
            terms = self._terms[who, what] = self._settled(job, partition, of, request)
        limit_s = time_limit_s(job, partition)
        own_qos = self._qos.get(job.qos or "")
        return Record(
            pending=pending,
            partition=partition,
            need=request.need,
            limit_s=limit_s,
            amounts=request.amounts,
            checks=of.checks,
            holders=of.holders,
            share_index=of.share_index,
            usage_factor=own_qos.usage_factor if own_qos is not None else 1.0,
            fixed_factors=terms.factors,
            fixed_weight=terms.weight,
            never=_partition_refusal(job, partition, limit_s)
            or self._limit_refusal(limit_s, of.qos_order, of.chain)
            or terms.never,
        )

    def _request(self, key: tuple[object, ...], job: Job, partition: Partition) -> Request:
        if key not in self._requests:
            world = self._world
            need = self._needs.of(job, partition, self._reservations.get(job.reservation or ""))
            asked = amounts.asked(job, partition)
            size = size_factor(
                job.min_nodes,
                job.cpus,
                len(world.nodes),
                self._cluster_cpus,
                favor_small=world.config.priority.favor_small,
            )
            tres = tres_factors(asked, self._totals[partition.name])
            refusal = self._refusal_when_idle(need)
            self._requests[key] = Request(need, asked, refusal, size, tres)
        return self._requests[key]

    def _settled(self, job: Job, partition: Partition, of: Standing, request: Request) -> Terms:
        config = self._world.config
        qos, index = self._qos.get(job.qos or ""), of.share_index
        assoc_priority = 0 if index is None else self._shares.associations[index].priority
        factors = Factors(
            assoc=assoc_priority / self._max_assoc_priority,
            job_size=request.job_size,
            partition=partition.job_factor / self._max_job_factor,
            qos=qos.priority / self._max_qos_priority if qos is not None else 0.0,
            tres=request.tres,
        )
        broken = Ledger().refusal(of.checks, request.amounts) if config.enforce_limits else None
        weight = sum(factors.weighted(config.priority).values())
        return Terms(broken or request.refusal, factors, weight)

    def _standing(self, key: tuple[object, ...], job: Job, partition: Partition) -> Standing:
        if key not in self._standings:
            qos_order = self._qos_order(job, partition)
            share_index = self._shares.index(job.account, job.user)
            chain = [(i, self._shares.associations[i]) for i in self._shares.chain(share_index)]
            self._standings[key] = Standing(
                qos_order,
                share_index,
                chain,
                checks_of(qos_order, chain, job.user, job.account),
                holders_of(qos_order, chain, job.user, job.account),
            )
        return self._standings[key]

    def _qos_order(self, job: Job, partition: Partition) -> list[Qos]:
        own = self._qos.get(job.qos or "")
        of_partition = self._qos.get(partition.qos or "")
        order = [of_partition, own]
        if own is not None and own.over_part_qos:
            order.reverse()
        return [qos for qos in order if qos is not None]

    def _limit_refusal(
        self, limit_s: float, qos_order: list[Qos], chain: list[tuple[int, Association]]
    ) -> str | None:
        if not self._world.config.enforce_limits:
            return None
        return wall_refusal(limit_s, qos_order, chain)

    def _refusal_when_idle(self, need: Need) -> str | None:
        """Reason if the need would not fit on an idle cluster, or not on the nodes that work."""
        if need not in self._idle_refusals:
            self._idle_refusals[need] = self._no_such_nodes(need)
        return self._idle_refusals[need]

    def _no_such_nodes(self, need: Need) -> str | None:
        if not self._fits_idle(need, (1 << len(self._world.nodes)) - 1):
            return "BadConstraints"
        if not self._fits_idle(need, set_of_mask(self._world.nodes.usable_in_plan)):
            return "ReqNodeNotAvail"
        return None

    def _fits_idle(self, need: Need, allowed: NodeSet) -> bool:
        found = fit(need.grain, self._world.nodes, self._idle)
        if not fits(need, found, allowed):
            return False
        return choose(need, self._world.nodes, found.on(allowed)) is not None


def _asked_by(job: Job) -> tuple[object, ...]:
    """All that a job asks for but time."""
    return (
        job.nodes,
        job.tasks,
        job.cpus_per_task,
        job.tasks_per_node,
        job.mem_mib_per_node,
        job.mem_mib_per_cpu,
        tuple(job.gpus_per_node.items()),
        tuple(job.gpus_per_job.items()),
        job.features,
        job.exclusive,
        job.required_nodes,
        job.excluded_nodes,
        job.reservation,
    )


def _partition_refusal(job: Job, partition: Partition, limit_s: float) -> str | None:
    if limit_s > partition.max_s:
        return "PartitionTimeLimit"
    if not partition.min_nodes <= job.min_nodes <= partition.max_nodes:
        return "PartitionNodeLimit"
    if not _allowed(job.account, partition.allow_accounts, partition.deny_accounts):
        return "AccountNotAllowed"
    if job.qos is not None and not _allowed(job.qos, partition.allow_qos, partition.deny_qos):
        return "QOSNotAllowed"
    return None


def _allowed(name: str, allow: frozenset[str] | None, deny: frozenset[str]) -> bool:
    return name in allow if allow is not None else name not in deny
