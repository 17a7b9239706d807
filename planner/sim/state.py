"""What the scheduler sees at one instant: what runs, what is free, and what stands in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from planner.sim.amounts import allocated
from planner.sim.choice import choose
from planner.sim.cluster import BoolArray, Partition, Reservation, World
from planner.sim.jobs import Job, Key
from planner.sim.limits import Demand, Ledger
from planner.sim.needs import Grain, Need
from planner.sim.nodeset import NodeSet, set_of_mask
from planner.sim.occupancy import Allocation, Room
from planner.sim.placement import Fit, allocate, fit, fits
from planner.sim.queue import Record


@dataclass(slots=True, eq=False)
class Running:
    """A job that holds nodes."""

    record: Record
    start_s: float
    limit_s: float
    allocation: Allocation
    amounts: dict[str, float]  # allocated, by TRES name, billing included
    charged_from_s: float  # its usage before is in the share tree of the origin
    gone_at_s: float | None = None  # preempted; its nodes are free, or about to be, from then on

    @property
    def job(self) -> Job:
        return self.record.pending.job

    @property
    def partition(self) -> Partition:
        return self.record.partition


def moved(
    before: Sequence[Running], running: Collection[Running]
) -> tuple[BoolArray, list[Running]]:
    """Which of the jobs that ran before still do, and those that have started since; both in the
    order of ``State.running``.
    """
    here = set(running)
    stays = np.array([one in here for one in before], dtype=np.bool_)
    return stays, list(running)[int(stays.sum()) :]


class State:
    """Free amounts, running jobs and usage against limits; changed only by take and release."""

    def __init__(self, world: World) -> None:
        self.config = world.config
        self.origin_s = world.origin_s
        self.nodes = world.nodes
        self.room = Room.of_idle(world.nodes)
        self.usable_now = set_of_mask(world.nodes.usable_now)
        self.usable_in_plan = set_of_mask(world.nodes.usable_in_plan)
        self.reservations: dict[str, Reservation] = {r.name: r for r in world.reservations}
        self.reserved_nodes = {r.name: set_of_mask(r.nodes) for r in world.reservations}
        self.partition_nodes = {p.name: set_of_mask(p.nodes) for p in world.partitions}
        self.running: dict[Key, Running] = {}
        self.ledger = Ledger()
        self.returns_s = world.config.kill_wait_s  # nodes usable only in the plan come back
        self.changes = 0  # counts takes and releases
        self.tables: object = None  # what a compiled search keeps from cycle to cycle
        self.array_running: Counter[Key] = Counter()  # running tasks
        self._idle_room = Room.of_idle(world.nodes)
        self._full_fits: dict[Grain, Fit] = {}
        self._could_fit: dict[Need, tuple[NodeSet, bool]] = {}  # on the nodes last asked about
        self._misfits: dict[Need, NodeSet] = {}  # on these nodes, since something was given back
        self._misfits_at = 0  # gifts of the room
        self._seen_at = -1  # moves of the room that the next three belong to
        self._fits_now: dict[Grain, Fit]
        self._free_nodes: NodeSet
        self._idle_nodes: NodeSet

    def take(self, running: Running) -> None:
        self.changes += 1
        self.running[running.job.key] = running
        self.room.take(running.allocation)
        self.ledger.charge(
            running.record.holders, running.amounts, running.allocation.nodes.tolist()
        )
        if running.job.array_id is not None:
            self.array_running[running.job.array_id] += 1

    def release(self, running: Running) -> None:
        self.changes += 1
        del self.running[running.job.key]
        self.room.give_back(running.allocation)
        self.ledger.release(
            running.record.holders, running.amounts, running.allocation.nodes.tolist()
        )
        array_id = running.job.array_id
        if array_id is not None:
            self.array_running[array_id] -= 1
            if not self.array_running[array_id]:
                del self.array_running[array_id]

    def set_usable(self, node: int, *, usable: bool) -> None:
        """Let a node take jobs, now and in the plan, or not."""
        self.changes += 1
        if usable:
            self.usable_now |= 1 << node
            self.usable_in_plan |= 1 << node
        else:
            self.usable_now &= ~(1 << node)
            self.usable_in_plan &= ~(1 << node)

    def expect_end(self, running: Running, end_s: float) -> None:
        """A running job is to end sooner than its limit: plan with that."""
        self.changes += 1
        running.limit_s = min(running.limit_s, end_s - running.start_s)

    def without(self, gone: Collection[Running]) -> State:
        """A picture of the state were these running jobs gone; limits count them still."""
        picture = copy(self)
        picture.room = self.room.copy()
        picture._seen_at = picture._misfits_at = -1
        picture.running = dict(self.running)
        for one in gone:
            picture.room.give_back(one.allocation)
            del picture.running[one.job.key]
        return picture

    def obstacle(self, record: Record, now_s: float) -> str | None:
        """Why the job may not start now whatever is free, in Slurm's words; None if it may."""
        return self.obstacle_but_limits(record, now_s) or (
            self._limit_obstacle(record) if self.config.enforce_limits else None
        )

    def obstacle_but_limits(self, record: Record, now_s: float) -> str | None:
        """The same as far as usage against limits is no matter."""
        pending = record.pending
        job, eligible_s = pending.job, pending.eligible_s
        if pending.held is not None or eligible_s is None or eligible_s > now_s:
            return pending.not_ready(now_s)
        if record.never is not None:
            return record.never
        if not record.partition.up:
            return "PartitionDown"
        return (None if job.reservation is None else self._reservation_obstacle(job, now_s)) or (
            None if job.array_throttle is None else self._throttle_obstacle(job)
        )

    def demands(self, record: Record) -> tuple[Demand, ...]:
        """What the record would add to usage that is limited."""
        if record.demands is None:
            record.demands = self.ledger.demands(record.checks, record.amounts)
        return record.demands

    def reserved(self, record: Record, start_s: float, end_s: float) -> NodeSet:
        """Nodes that others have reserved for some of [start, end)."""
        nodes = 0
        for reservation in self.reservations.values():
            overlaps = reservation.start_s < end_s and start_s < reservation.end_s
            if overlaps and reservation.name != record.job.reservation:
                nodes |= self.reserved_nodes[reservation.name]
        return nodes

    @property
    def free_nodes(self) -> NodeSet:
        """Nodes with a free CPU."""
        self._follow_room()
        return self._free_nodes

    def full_fit(self, grain: Grain) -> Fit:
        """What each node could take of it were nothing running."""
        if grain not in self._full_fits:
            self._full_fits[grain] = fit(grain, self.nodes, self._idle_room)
        return self._full_fits[grain]

    def could_fit(self, need: Need, allowed: NodeSet) -> bool:
        """Whether the need would get these nodes were nothing running."""
        known = self._could_fit.get(need)
        if known is None or known[0] != allowed:
            found = self.full_fit(need.grain).on(allowed)
            could = fits(need, found, allowed) and choose(need, self.nodes, found) is not None
            known = self._could_fit[need] = allowed, could
        return known[1]

    def fit_now(self, grain: Grain) -> Fit:
        """What each node could take of it now, of nodes that are open to it."""
        if grain.whole_nodes:
            return self.full_fit(grain)
        self._follow_room()
        if grain not in self._fits_now:
            self._fits_now[grain] = fit(grain, self.nodes, self.room)
        return self._fits_now[grain]

    def open_to(self, grain: Grain) -> NodeSet:
        """Nodes that could take some of it as far as jobs are concerned; whole nodes are idle."""
        self._follow_room()
        room = self._idle_nodes if grain.whole_nodes else self._free_nodes
        return room & grain.nodes

    def fits_now(self, need: Need, allowed: NodeSet) -> bool:
        """Whether the need fits on these nodes, of what is free now."""
        if self.is_misfit(need, allowed):
            return False
        left = allowed & self.open_to(need.grain)
        enough = left.bit_count() >= (need.node_count or 1)
        if enough and fits(need, self.fit_now(need.grain), left):
            return True
        self.note_misfit(need, allowed)
        return False

    def is_misfit(self, need: Need, allowed: NodeSet) -> bool:
        """Whether as little of these nodes is free as when the need was found not to fit."""
        if self._misfits_at != self.room.gifts:
            self._misfits_at, self._misfits = self.room.gifts, {}
        return not allowed & ~self._misfits.get(need, 0)

    def note_misfit(self, need: Need, allowed: NodeSet) -> None:
        self._misfits[need] = allowed

    def place(self, need: Need, allowed: NodeSet) -> Allocation | None:
        """Nodes and amounts for the need on what is free now; None if it does not fit."""
        if not self.fits_now(need, allowed):
            return None
        found = self.fit_now(need.grain).on(allowed & self.open_to(need.grain))
        chosen = choose(need, self.nodes, found)
        return None if chosen is None else allocate(need, self.nodes, self.room, found, chosen)

    def _follow_room(self) -> None:
        """Forget what was found for other free amounts than now's."""
        if self._seen_at != self.room.moves:
            self._seen_at = self.room.moves
            self._fits_now = {}
            self._free_nodes = set_of_mask(self.room.cpus > 0)
            self._idle_nodes = set_of_mask((self.room.cpus > 0) & (self.room.jobs == 0))

    def limit_on(self, record: Record, allocation: Allocation) -> str | None:
        """The limit that this very allocation would break; whole nodes can be more than asked."""
        if not self.config.enforce_limits or not record.checks:
            return None
        amounts = allocated(allocation, record.partition, self.nodes)
        return self.ledger.refusal(record.checks, amounts, allocation.nodes.tolist())

    def _reservation_obstacle(self, job: Job, now_s: float) -> str | None:
        reservation = self.reservations[job.reservation or ""]
        if now_s >= reservation.end_s:
            return "ReservationInvalid"
        return "Reservation" if now_s < reservation.start_s else None

    def _throttle_obstacle(self, job: Job) -> str | None:
        throttle = job.array_throttle
        if throttle is None or self.array_running[job.array_id] < throttle:
            return None
        return "JobArrayTaskLimit"

    def _limit_obstacle(self, record: Record) -> str | None:
        return self.ledger.shortage(record.demands or self.demands(record))
