"""What the jobs of a future use against the limits of a QOS or an association, in time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from planner.futures.future import ACCOUNT, PARTITION, QOS, USER, FloatArray, Future
from planner.futures.segments import milliseconds
from planner.sim.cluster import BoolArray, IntArray, Partition, World
from planner.sim.fairshare import ShareTree
from planner.sim.limits import Holder
from planner.sim.queue import Record

# What a limit lets go of is taken by who comes first, but only when the scheduler looks again: at
# most so much later. That long before its start a job that waits is taken to use it.
LOOK_S = 300.0


class Gate:
    """Whether a limit lets a job through: open while no more than ``most`` is in use."""

    def __init__(self, moved_ms: IntArray, change: FloatArray, most: float) -> None:
        order = np.argsort(moved_ms, kind="stable")  # quick where most are in order
        self.moved_ms: IntArray = moved_ms[order]
        used = np.cumsum(np.append(0.0, change[order]))
        self._is_open = used <= most + 1e-6  # a sum of many parts

    def is_open(self, at_ms: IntArray) -> BoolArray:
        found: BoolArray = self._is_open[np.searchsorted(self.moved_ms, at_ms, side="right")]
        return found


class Usage:
    """Of one future. A node on which a holder has several jobs counts once for each."""

    def __init__(self, world: World, future: Future, shares: ShareTree) -> None:
        self._world, self._future, self._shares = world, future, shares
        self._amounts = _amounts(world, future)
        self._start_ms = np.maximum(milliseconds(future.start_s), 0)
        early_ms = milliseconds(np.maximum(future.submit_s, future.start_s - LOOK_S))
        self._early_ms = np.maximum(early_ms, 0)
        self._end_ms = milliseconds(future.end_s)
        self._by_end = np.argsort(self._end_ms, kind="stable")
        self._members: dict[Holder, BoolArray] = {}

    def gates(self, record: Record, is_first: BoolArray, stays: BoolArray) -> list[Gate]:
        """One for each limit of what others use too, as far as they stay. Jobs that come first and
        waited use it since shortly before they start, others since just after."""
        begin_ms = np.where(is_first, self._early_ms, self._start_ms + 1)
        asked: Mapping[str, float] = {**record.amounts, "jobs": 1}
        gates = []
        for check in record.checks:
            if check.holder is not None and asked.get(check.tres) and check.tres in self._amounts:
                counts = self._of(check.holder) & stays
                ending = self._by_end[counts[self._by_end]]
                amounts = self._amounts[check.tres]
                moved_ms = np.append(begin_ms[counts], self._end_ms[ending])
                change = np.append(amounts[counts], -amounts[ending])
                gates.append(Gate(moved_ms, change, check.limit - asked[check.tres]))
        return gates

    def no_more_than(self, record: Record) -> BoolArray:
        """Jobs that hold no more of anything than the record asks for."""
        found = np.ones(len(self._future), dtype=np.bool_)
        for name, amounts in self._amounts.items():
            if name not in ("jobs", "billing"):
                found &= amounts <= record.amounts.get(name, 0)
        return found

    def _of(self, holder: Holder) -> BoolArray:
        """The jobs whose usage counts for the holder."""
        if holder not in self._members:
            self._members[holder] = self._counting(holder)
        return self._members[holder]

    def _counting(self, holder: Holder) -> BoolArray:
        match holder:
            case ("assoc", int(index)):
                return self._of_association(index)
            case ("qos", str(name)):
                return self._of_qos(name)
            case ("qos", str(name), "user", str(user)):
                return self._of_qos(name) & self.named(USER, user)
            case ("qos", str(name), "account", str(account)):
                return self._of_qos(name) & self.named(ACCOUNT, account)
        raise ValueError(f"limits of {holder!r} are not known; see planner.sim.limits.Holder")

    def named(self, column: int, *names: str) -> BoolArray:
        found = np.zeros(len(self._future), dtype=np.bool_)
        for name in names:
            if name in self._future.names:
                found |= self._future.names_of[:, column] == self._future.names.index(name)
        return found

    def _of_qos(self, name: str) -> BoolArray:
        theirs = [one.name for one in self._world.partitions if one.qos == name]
        return self.named(QOS, name) | self.named(PARTITION, *theirs)

    def _of_association(self, index: int) -> BoolArray:
        names, of_jobs = self._future.names, self._future.names_of[:, [USER, ACCOUNT]]
        pairs, pair_of = np.unique(of_jobs, axis=0, return_inverse=True)
        below = [
            index in self._shares.chain(self._shares.index(names[account], names[user]))
            for user, account in pairs.tolist()
        ]
        found: BoolArray = np.array(below, dtype=np.bool_)[pair_of.reshape(-1)]
        return found


def _amounts(world: World, future: Future) -> dict[str, FloatArray]:
    """What each job uses, by TRES name; a job is one of ``jobs``."""
    held, count = future.held, len(future)

    def total(of: IntArray) -> FloatArray:
        return np.bincount(future.row_of, of, minlength=count).astype(np.float64)

    found = {
        "jobs": np.ones(count),
        "cpu": total(held.cpus),
        "mem": total(held.mem_mib),
        "node": total(np.ones_like(held.nodes)),
        "gres/gpu": total(held.gpus.sum(axis=1)),
    }
    for column, gpu_type in enumerate(world.nodes.gpu_types):
        if gpu_type:
            found[f"gres/gpu:{gpu_type}"] = total(held.gpus[:, column])
    billed = found["cpu"].copy()
    for partition in world.partitions:
        if partition.billing_weights and partition.name in future.names:
            own = future.names_of[:, PARTITION] == future.names.index(partition.name)
            billed[own] = _billing(found, partition)[own]
    return {**found, "billing": billed}


def _billing(amounts: Mapping[str, FloatArray], partition: Partition) -> FloatArray:
    """As ``planner.sim.amounts.billing``, of many jobs."""
    none = np.zeros_like(amounts["cpu"])
    terms = [w * amounts.get(name, none) for name, w in partition.billing_weights.items()]
    billed: FloatArray = np.max(terms, axis=0) if partition.billing_max else np.sum(terms, axis=0)
    return billed
