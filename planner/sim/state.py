"""What the scheduler sees at one instant: what runs, what is free, and what stands in the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from planner.sim.amounts import allocated
from planner.sim.cluster import BoolArray, Partition, Reservation, World
from planner.sim.jobs import Job, Key
from planner.sim.limits import Ledger
from planner.sim.occupancy import Allocation, Room
from planner.sim.placement import Need, allocate, choose, feasible, fit
from planner.sim.queue import Record


@dataclass(slots=True, eq=False)
class Running:
    """A job that holds nodes."""

    record: Record
    start_s: float
    limit_s: float
    allocation: Allocation
    amounts: dict[str, float]  # allocated, by TRES name, billing included
    charged_until_s: float  # its usage is in the share tree up to here

    @property
    def job(self) -> Job:
        return self.record.pending.job

    @property
    def partition(self) -> Partition:
        return self.record.partition


class State:
    """Free amounts, running jobs and usage against limits; changed only by take and release."""

    def __init__(self, world: World) -> None:
        self.config = world.config
        self.origin_s = world.origin_s
        self.nodes = world.nodes
        self.room = Room.of_idle(world.nodes)
        self.usable_now: BoolArray = world.nodes.usable_now.copy()
        self.usable_in_plan = world.nodes.usable_in_plan
        self.reservations: dict[str, Reservation] = {r.name: r for r in world.reservations}
        self.running: dict[Key, Running] = {}
        self.ledger = Ledger()
        self.returns_s = world.config.kill_wait_s  # nodes usable only in the plan come back
        self.changes = 0  # counts takes and releases
        self._array_running: Counter[Key] = Counter()

    def take(self, running: Running) -> None:
        self.changes += 1
        self.running[running.job.key] = running
        self.room.take(running.allocation)
        self.ledger.charge(
            running.record.holders, running.amounts, running.allocation.nodes.tolist()
        )
        if running.job.array_id is not None:
            self._array_running[running.job.array_id] += 1

    def release(self, running: Running) -> None:
        self.changes += 1
        del self.running[running.job.key]
        self.room.give_back(running.allocation)
        self.ledger.release(
            running.record.holders, running.amounts, running.allocation.nodes.tolist()
        )
        array_id = running.job.array_id
        if array_id is not None:
            self._array_running[array_id] -= 1
            if not self._array_running[array_id]:
                del self._array_running[array_id]

    def obstacle(self, record: Record, now_s: float) -> str | None:
        """Why the job may not start now whatever is free, in Slurm's words; None if it may."""
        return (
            record.pending.not_ready(now_s)
            or record.never
            or (None if record.partition.up else "PartitionDown")
            or self._reservation_obstacle(record.job, now_s)
            or self._throttle_obstacle(record.job)
            or self._limit_obstacle(record)
        )

    def reserved(self, record: Record, start_s: float, end_s: float) -> BoolArray:
        """Nodes that others have reserved for some of [start, end)."""
        nodes = np.zeros(len(self.nodes), dtype=np.bool_)
        for reservation in self.reservations.values():
            overlaps = reservation.start_s < end_s and start_s < reservation.end_s
            if overlaps and reservation.name != record.job.reservation:
                nodes |= reservation.nodes
        return nodes

    def place(self, need: Need, allowed: BoolArray) -> Allocation | None:
        """Nodes and amounts for the need on what is free now; None if it does not fit."""
        found = fit(need, self.nodes, self.room).on(allowed)
        if not feasible(need, found):
            return None
        chosen = choose(need, self.nodes, found)
        return None if chosen is None else allocate(need, self.nodes, self.room, found, chosen)

    def limit_on(self, record: Record, allocation: Allocation) -> str | None:
        """The limit that this very allocation would break; whole nodes can be more than asked."""
        if not self.config.enforce_limits:
            return None
        amounts = allocated(allocation, record.partition, self.nodes)
        return self.ledger.refusal(record.checks, amounts, allocation.nodes.tolist())

    def _reservation_obstacle(self, job: Job, now_s: float) -> str | None:
        if job.reservation is None:
            return None
        reservation = self.reservations[job.reservation]
        if now_s >= reservation.end_s:
            return "ReservationInvalid"
        return "Reservation" if now_s < reservation.start_s else None

    def _throttle_obstacle(self, job: Job) -> str | None:
        if job.array_throttle is None or self._array_running[job.array_id] < job.array_throttle:
            return None
        return "JobArrayTaskLimit"

    def _limit_obstacle(self, record: Record) -> str | None:
        if not self.config.enforce_limits:
            return None
        return self.ledger.refusal(record.checks, record.amounts)
