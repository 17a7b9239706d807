"""Nodes, partitions, reservations and the controller's load as slurmrestd tells them.

Not told are memory and cores kept for the system (up to v0.0.38) and a partition's OverSubscribe;
v0.0.36 tells neither a node's flags, nor its partitions, nor what is allocated there.
"""

from __future__ import annotations

import math
from datetime import datetime

from tracker.slurm.errors import ParseError
from tracker.slurm.nodestates import parse_node_state
from tracker.slurm.records import Diagnostics, Node, Partition, Reservation
from tracker.slurm.rest.document import Piece, read_document, read_pieces
from tracker.slurm.tres import parse_gres, parse_weights

_MODES = {"disabled": "OFF", "gang_schedule": "GANG"}  # of preemption, in scontrol's words
_PER_CPU = 2**63  # this bit of a memory size says that it is one CPU's


def parse_nodes(text: str) -> list[Node]:
    return [_node(piece) for piece in read_pieces(text, "nodes", "nodes")]


def _node(node: Piece) -> Node:
    name = node.raw("name").strip()
    states = node.words("state") + node.words("state_flags")
    if not name:
        raise node.error("name is missing")
    try:
        base_state, flags = parse_node_state("+".join(states))
    except ValueError as error:
        raise node.error(f"state: {error}") from error
    mem_mib = (node.integer("real_memory") or 0) - (node.integer("specialized_memory") or 0)
    return Node(
        name=name,
        base_state=base_state,
        flags=flags,
        cpus=node.integer("effective_cpus", "cpus") or 0,
        cpus_alloc=node.integer("alloc_cpus") or 0,
        mem_mib=max(mem_mib, 0),
        mem_alloc_mib=node.integer("alloc_memory") or 0,
        gpus_by_type=node.parsed(parse_gres, "gres"),
        gpus_alloc_by_type=node.parsed(parse_gres, "gres_used"),
        features=frozenset(node.words("active_features") or node.words("features")),
        weight=node.integer("weight") or 1,
        partitions=node.words("partitions"),
        threads_per_core=node.integer("threads") or 1,
        reason=node.raw("reason").strip() or None,
    )


def parse_partitions(text: str) -> list[Partition]:
    return [_partition(piece) for piece in read_pieces(text, "partitions", "partitions")]


def _partition(part: Piece) -> Partition:
    name = part.raw("name").strip()
    if not name:
        raise part.error("name is missing")
    flags = {word.lower() for word in part.words("flags")}
    per_cpu_mib, per_node_mib = _default_memory(part)
    return Partition(
        name=name,
        state=_state(part),
        is_default="default" in flags,
        node_list=part.text("nodes/configured", "nodes") or "",
        max_minutes=_or_unlimited(part, "max_time_limit", "maximums/time"),
        # v0.0.36 and 37 put the default memory here.
        default_minutes=part.limit("default_time_limit", "defaults/time")
        if part.version >= 38
        else None,
        min_nodes=part.integer("min nodes per job", "min_nodes_per_job", "minimums/nodes") or 0,
        max_nodes=_or_unlimited(part, "maximum_nodes_per_job", "maximums/nodes"),
        priority_tier=_or_one(part, "priority_tier", "priority/tier"),
        priority_job_factor=_or_one(part, "priority_job_factor", "priority/job_factor"),
        def_mem_per_cpu_mib=per_cpu_mib,
        def_mem_per_node_mib=per_node_mib,
        max_cpus_per_node=_or_unlimited(part, "maximum_cpus_per_node", "maximums/cpus_per_node"),
        qos=part.text("qos/assigned", "qos"),
        allow_accounts=_allowed(part, "allowed_accounts", "accounts/allowed"),
        deny_accounts=frozenset(part.words("denied_accounts", "accounts/deny")),
        allow_qos=_allowed(part, "allowed_qos", "qos/allowed"),
        deny_qos=frozenset(part.words("denied_qos", "qos/deny")),
        allow_groups=_allowed(part, "allowed_groups", "groups/allowed"),
        billing_weights=part.parsed(parse_weights, "billing_weights", "tres/billing_weights"),
        total_cpus=part.integer("total_cpus", "cpus/total"),
        total_nodes=part.integer("total_nodes", "nodes/total"),
        hidden="hidden" in flags,
        preempt_mode=tuple(
            _MODES.get(word, word.upper()) for word in part.words("preemption_mode")
        ),
        grace_s=part.integer("preemption_grace_time", "grace_time") or 0,
    )


def _state(part: Piece) -> str:
    words = part.words("partition/state", "state")
    return words[0] if words else "UP"


def _default_memory(part: Piece) -> tuple[int | None, int | None]:
    """Per CPU and per node. v0.0.36, 37 and 39 give one number and its flag bit, with a sign."""
    per_cpu_mib = part.integer("default_memory_per_cpu", "defaults/partition_memory_per_cpu")
    per_node_mib = part.integer("default_memory_per_node", "defaults/partition_memory_per_node")
    if per_cpu_mib is not None and per_cpu_mib < 0:
        per_cpu_mib += _PER_CPU
    return per_cpu_mib or None, per_node_mib or None


def _or_unlimited(part: Piece, *paths: str) -> float:
    number = part.limit(*paths)
    return math.inf if number is None else number


def _or_one(part: Piece, *paths: str) -> int:
    number = part.integer(*paths)
    return 1 if number is None else number


def _allowed(part: Piece, *paths: str) -> frozenset[str] | None:
    names = part.words(*paths)
    return None if not names or names == ("ALL",) else frozenset(names)


def parse_reservations(text: str, asked_at: datetime) -> list[Reservation]:
    """Which of them are active is not told; the time of the question tells."""
    pieces = read_pieces(text, "reservations", "reservations")
    return [_reservation(piece, asked_at) for piece in pieces]


def _reservation(piece: Piece, asked_at: datetime) -> Reservation:
    name = piece.raw("name").strip()
    if not name:
        raise piece.error("name is missing")
    start_at, end_at = piece.time("start_time"), piece.time("end_time")
    has_begun = start_at is not None and start_at <= asked_at
    return Reservation(
        name=name,
        start_at=start_at,
        end_at=end_at,
        node_list=piece.text("node_list") or "",
        partition=piece.text("partition"),
        flags=frozenset(piece.words("flags")),
        users=frozenset(piece.words("users")),
        accounts=frozenset(piece.words("accounts")),
        state="ACTIVE" if has_begun and (end_at is None or asked_at < end_at) else "INACTIVE",
    )


def parse_diagnostics(text: str) -> Diagnostics:
    document = read_document(text, "sdiag")
    diagnostics = Diagnostics(
        server_threads=document.integer("statistics/server_thread_count"),
        agent_queue_size=document.integer("statistics/agent_queue_size"),
        last_backfill_at=document.time("statistics/bf_when_last_cycle"),
        jobs_pending=document.integer("statistics/jobs_pending"),
        jobs_running=document.integer("statistics/jobs_running"),
    )
    if diagnostics == Diagnostics():
        raise ParseError("sdiag", text, "no count that Queuecast knows in statistics")
    return diagnostics
