"""scontrol show node, partition and reservation: blocks of ``Key=Value``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from tracker.slurm.nodestates import parse_node_state
from tracker.slurm.records import Node, Partition, Reservation
from tracker.slurm.rows import Row
from tracker.slurm.tres import parse_count, parse_gres, parse_tres, parse_weights

# Values typed by people; in the many-line form each has a line of its own.
_FREE_TEXT = frozenset({"Reason", "Comment", "Extra", "OS"})
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_/:.]{0,40}", re.ASCII)
_REASON_BY = re.compile(r" *\[[^\[\]]*@[^\[\]]*\] *$")  # "fan [root@2026-11-23T12:28:54]"
_NOTHING = re.compile(r"No \w+ in the system")


def read_blocks(text: str, first_key: str, *, command: str) -> Iterator[Row]:
    """One Row a block: many lines, or one with ``-o``; ParseError for text before any block."""
    block: list[str] = []
    for line in text.split("\n"):
        if not line.strip() or _NOTHING.match(line):
            continue
        if line.startswith(f"{first_key}="):
            if block:
                yield _block(block, command)
            block = [line]
        elif block:
            block.append(line)
        else:
            raise Row(command, line, {}).error(f"no {first_key}= at the start of a block")
    if block:
        yield _block(block, command)


def _block(lines: list[str], command: str) -> Row:
    texts: dict[str, str] = {}
    key = ""
    for line in lines:
        free_key, _, free_value = line.strip().partition("=")
        if free_key in _FREE_TEXT:
            texts.setdefault(free_key, free_value)
            continue
        for word in line.split():
            name, equals, value = word.partition("=")
            if equals and _KEY.fullmatch(name) and name not in texts:
                key = name
                texts[key] = value
            elif key:
                texts[key] += f" {word}"
    return Row(command, lines[0], texts)


def parse_nodes(text: str) -> list[Node]:
    """``scontrol show node``, with ``-d`` also the GPUs in use by type."""
    blocks = read_blocks(text, "NodeName", command="scontrol show node")
    return [_node(row) for row in blocks]


def _node(row: Row) -> Node:
    base_state, flags = row.read("State", parse_node_state)
    gpus = row.read("Gres", parse_gres)
    reason = _REASON_BY.sub("", row.raw("Reason"))
    features = row.words("ActiveFeatures") or row.words("AvailableFeatures")
    cpus = row.integer("CPUEfctv")  # without the cores kept for the system; 21.08 and later
    # Memory kept for the system cannot be asked for either.
    mem_mib = (row.integer("RealMemory") or 0) - (row.integer("MemSpecLimit") or 0)
    return Node(
        name=row.raw("NodeName"),
        base_state=base_state,
        flags=flags,
        cpus=(row.integer("CPUTot") if cpus is None else cpus) or 0,
        cpus_alloc=row.integer("CPUAlloc") or 0,
        mem_mib=max(mem_mib, 0),
        mem_alloc_mib=row.integer("AllocMem") or 0,
        gpus_by_type=gpus,
        gpus_alloc_by_type=_gpus_in_use(row, gpus),
        features=frozenset(features),
        weight=row.integer("Weight") or 1,
        partitions=row.words("Partitions"),
        threads_per_core=row.integer("ThreadsPerCore") or 1,
        reason=reason or None,
    )


def _gpus_in_use(row: Row, gpus: dict[str, int]) -> dict[str, int]:
    """From GresUsed where printed; AllocTRES names types only where the site accounts for them."""
    if row.text("GresUsed") is not None:
        return row.read("GresUsed", parse_gres)
    alloc = row.read("AllocTRES", parse_tres)
    untyped = (alloc.gpus or 0) - sum(alloc.gpus_by_type.values())
    in_use = {kind: count for kind, count in alloc.gpus_by_type.items() if count}
    if untyped > 0:
        only_type = next(iter(gpus)) if len(gpus) == 1 else ""
        in_use[only_type] = in_use.get(only_type, 0) + untyped
    return in_use


def parse_partitions(text: str) -> list[Partition]:
    """``scontrol show partition``."""
    blocks = read_blocks(text, "PartitionName", command="scontrol show partition")
    return [_partition(row) for row in blocks]


def _partition(row: Row) -> Partition:
    max_minutes = row.minutes("MaxTime")
    return Partition(
        name=row.raw("PartitionName"),
        state=row.text("State") or "UP",
        is_default=row.raw("Default") == "YES",
        node_list=row.text("Nodes") or "",
        max_minutes=math.inf if max_minutes is None else max_minutes,
        default_minutes=row.minutes("DefaultTime"),
        min_nodes=row.integer("MinNodes") or 0,
        max_nodes=_limit(row, "MaxNodes"),
        priority_tier=_or_one(row, "PriorityTier"),
        priority_job_factor=_or_one(row, "PriorityJobFactor"),
        oversubscribe=row.text("OverSubscribe") or "NO",
        def_mem_per_cpu_mib=_finite(row, "DefMemPerCPU"),
        def_mem_per_node_mib=_finite(row, "DefMemPerNode"),
        max_cpus_per_node=_limit(row, "MaxCPUsPerNode"),
        qos=row.text("QoS"),
        allow_accounts=_allowed(row, "AllowAccounts"),
        deny_accounts=frozenset(row.words("DenyAccounts")),
        allow_qos=_allowed(row, "AllowQos"),
        deny_qos=frozenset(row.words("DenyQos")),
        allow_groups=_allowed(row, "AllowGroups"),
        billing_weights=row.read("TRESBillingWeights", parse_weights),
        total_cpus=row.integer("TotalCPUs"),
        total_nodes=row.integer("TotalNodes"),
        hidden=row.raw("Hidden") == "YES",
        preempt_mode=row.words("PreemptMode"),
        grace_s=row.integer("GraceTime") or 0,
    )


def _or_one(row: Row, key: str) -> int:
    number = row.integer(key)
    return 1 if number is None else number


def _limit(row: Row, key: str) -> float:
    number = row.read(key, lambda text: math.inf if text == "UNLIMITED" else parse_count(text))
    return math.inf if number is None else number


def _finite(row: Row, key: str) -> int | None:
    number = _limit(row, key)
    return None if math.isinf(number) else int(number)


def _allowed(row: Row, key: str) -> frozenset[str] | None:
    names = row.words(key)
    return None if not names or names == ("ALL",) else frozenset(names)


def parse_reservations(text: str) -> list[Reservation]:
    """``scontrol show reservation``; none in the system is an empty list."""
    blocks = read_blocks(text, "ReservationName", command="scontrol show reservation")
    return [_reservation(row) for row in blocks]


def _reservation(row: Row) -> Reservation:
    return Reservation(
        name=row.raw("ReservationName"),
        start_at=row.time("StartTime"),
        end_at=row.time("EndTime"),
        node_list=row.text("Nodes") or "",
        partition=row.text("PartitionName"),
        flags=frozenset(row.words("Flags")),
        users=frozenset(row.words("Users")),
        accounts=frozenset(row.words("Accounts")),
        state=row.text("State") or "INACTIVE",
    )
