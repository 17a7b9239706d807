"""Nodes, partitions and reservations of Slurm as those of the simulator."""

from __future__ import annotations

from datetime import datetime
from math import inf

import numpy as np

from planner.sim import cluster as sim
from planner.sim.config import PreemptionConfig
from planner.snapshot.facts import Facts, SnapshotNote
from planner.snapshot.preempting import own_mode
from planner.snapshot.tres import billing_weights
from tracker.slurm import records as slurm
from tracker.slurm.hostlist import expand

_GONE_STATES = {"DOWN", "FUTURE", "UNKNOWN", "ERROR", "BLOCKED"}
# No new work, and no known return; jobs may still run there.
_GONE_FLAGS = {"DRAIN", "FAIL", "INVALID_REG", "NOT_RESPONDING", "POWERING_DOWN", "POWER_DOWN"}
# Not at this instant, but Slurm plans with them. MAINTENANCE and RESERVED follow from the
# reservation itself, PLANNED is only shown, POWERED_DOWN nodes are started for a job.
_BACK_SOON_FLAGS = {"COMPLETING", "REBOOT_REQUESTED", "REBOOT_ISSUED"}
_RECURRING_FLAGS = {"HOURLY", "DAILY", "WEEKLY", "WEEKDAY", "WEEKEND", "TIME_FLOAT"}


def build_nodes(facts: Facts, notes: list[SnapshotNote]) -> sim.Nodes:
    """All nodes; jobs that the service may not see count as missing parts of their nodes."""
    nodes = facts.nodes
    types = sorted({kind for node in nodes for kind in node.gpus_by_type})
    for node in nodes:
        if not node.partitions:
            notes.append(SnapshotNote(f"node {node.name}", "is in no partition; no job can use it"))
    return sim.Nodes(
        names=tuple(node.name for node in nodes),
        cpus=np.array([node.cpus for node in nodes], dtype=np.int64),
        mem_mib=np.array([node.mem_mib for node in nodes], dtype=np.int64),
        gpu_types=tuple(types),
        gpus=np.array(
            [[node.gpus_by_type.get(kind, 0) for kind in types] for node in nodes], dtype=np.int64
        ).reshape(len(nodes), len(types)),
        weight=np.array([node.weight for node in nodes], dtype=np.int64),
        features=tuple(node.features for node in nodes),
        usable_now=np.array(
            [_returns(node) and not node.flags & _BACK_SOON_FLAGS for node in nodes], dtype=np.bool_
        ),
        usable_in_plan=np.array([_returns(node) for node in nodes], dtype=np.bool_),
    )


def _returns(node: slurm.Node) -> bool:
    return node.base_state not in _GONE_STATES and not node.flags & _GONE_FLAGS


def build_partitions(
    facts: Facts,
    nodes: sim.Nodes,
    preemption: PreemptionConfig | None,
    notes: list[SnapshotNote],
) -> tuple[sim.Partition, ...]:
    flags = facts.config.priority_flags if facts.config is not None else frozenset()
    known_qos = {qos.name for qos in facts.qos}
    partitions = []
    for partition in facts.partitions:
        about = f"partition {partition.name}"
        if partition.max_cpus_per_node < inf:
            notes.append(SnapshotNote(about, "MaxCPUsPerNode is not modelled"))
        if partition.qos is not None and partition.qos not in known_qos:
            notes.append(SnapshotNote(about, f"its QOS {partition.qos} is not known; no limits"))
        partitions.append(
            sim.Partition(
                name=partition.name,
                nodes=_mask(partition.node_list, nodes, about, notes),
                max_s=partition.max_minutes * 60,
                default_s=_seconds(partition.default_minutes),
                min_nodes=partition.min_nodes,
                max_nodes=partition.max_nodes,
                priority_tier=partition.priority_tier,
                job_factor=partition.priority_job_factor,
                exclusive=partition.oversubscribe == "EXCLUSIVE",
                qos=partition.qos,
                up=partition.state in {"UP", "DRAIN"},  # DRAIN takes no new jobs, starts old ones
                allow_accounts=partition.allow_accounts,
                deny_accounts=partition.deny_accounts,
                allow_qos=partition.allow_qos,
                deny_qos=partition.deny_qos,
                preempt_mode=own_mode(about, partition.preempt_mode, preemption, notes),
                grace_s=partition.grace_s,
                billing_weights=billing_weights(partition.billing_weights),
                billing_max="MAX_TRES" in flags,
            )
        )
    return tuple(partitions)


def _seconds(minutes: float | None) -> float | None:
    return None if minutes is None else minutes * 60


def build_reservations(
    facts: Facts, nodes: sim.Nodes, notes: list[SnapshotNote]
) -> tuple[sim.Reservation, ...]:
    """Those that hold whole nodes and are not over."""
    reservations = []
    for reservation in facts.reservations:
        about = f"reservation {reservation.name}"
        start_s = _offset_s(reservation.start_at, facts.taken_at, -inf)
        end_s = _offset_s(reservation.end_at, facts.taken_at, inf)
        if end_s <= 0:
            continue
        if not reservation.node_list:
            notes.append(SnapshotNote(about, "holds no nodes; licences are not modelled"))
            continue
        if recurring := reservation.flags & _RECURRING_FLAGS:
            words = ", ".join(sorted(recurring))
            notes.append(SnapshotNote(about, f"{words}: only the next occurrence is modelled"))
        reservations.append(
            sim.Reservation(
                name=reservation.name,
                nodes=_mask(reservation.node_list, nodes, about, notes),
                start_s=start_s,
                end_s=end_s,
            )
        )
    return tuple(reservations)


def _offset_s(at: datetime | None, origin: datetime, unknown_s: float) -> float:
    return unknown_s if at is None else (at - origin).total_seconds()


def _mask(hostlist: str, nodes: sim.Nodes, about: str, notes: list[SnapshotNote]) -> sim.BoolArray:
    try:
        names = frozenset(expand(hostlist))
    except ValueError as error:
        notes.append(SnapshotNote(about, f"taken as having no nodes: {error}"))
        names = frozenset()
    if strangers := names - set(nodes.names):
        notes.append(
            SnapshotNote(about, f"nodes {', '.join(sorted(strangers)[:5])} are not known; left out")
        )
    return nodes.mask(names - strangers)
