"""sinfo: the state of every node, cheap enough to ask each minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tracker.slurm.nodestates import parse_node_state
from tracker.slurm.records import Node
from tracker.slurm.rows import SEPARATOR, Row, read_rows
from tracker.slurm.tres import parse_gres

# NodeList, not NodeHost: several nodes may share a host. 20.11 does not know StateComplete, leaves
# its column empty and goes on. Reason is free text and last.
FIELDS = (
    "NodeList", "Partition", "StateLong", "StateComplete", "CPUsState", "Memory", "AllocMem",
    "Gres", "GresUsed", "Features_act", "Weight", "Threads", "Reason",
)  # fmt: skip
FORMAT = f"{f':{SEPARATOR},'.join(FIELDS)}:"


def parse_sinfo(
    text: str, *, fields: Sequence[str] = FIELDS, separator: str = SEPARATOR
) -> list[Node]:
    """One Node a name: sinfo lists it once per partition, the default partition with a ``*``."""
    nodes: dict[str, Node] = {}
    for row in read_rows(text, fields, command="sinfo", separator=separator):
        node = _node(row)
        known = nodes.get(node.name)
        if known is not None:
            node = replace(known, partitions=known.partitions + node.partitions)
        nodes[node.name] = node
    return list(nodes.values())


def _node(row: Row) -> Node:
    state_field = "StateComplete" if row.text("StateComplete") else "StateLong"
    base_state, flags = row.read(state_field, parse_node_state)
    alloc, _idle, _other, total = row.read("CPUsState", _parse_cpus_state)
    partition = row.text("Partition")
    reason = row.raw("Reason").strip()
    return Node(
        name=row.raw("NodeList").strip(),
        base_state=base_state,
        flags=flags,
        cpus=total,
        cpus_alloc=alloc,
        mem_mib=row.integer("Memory") or 0,
        mem_alloc_mib=row.integer("AllocMem") or 0,
        gpus_by_type=row.read("Gres", parse_gres),
        gpus_alloc_by_type=row.read("GresUsed", parse_gres),
        features=frozenset(row.words("Features_act")),
        weight=row.integer("Weight") or 1,
        partitions=(partition.removesuffix("*"),) if partition else (),
        threads_per_core=row.integer("Threads") or 1,
        reason=None if reason in ("", "none") else reason,
    )


def _parse_cpus_state(text: str) -> tuple[int, int, int, int]:
    """``23/9/0/32``: allocated, idle, other (drained or down), total."""
    counts = text.strip().split("/")
    if len(counts) != 4 or not all(c.isascii() and c.isdigit() and len(c) <= 9 for c in counts):
        raise ValueError(f"{text[:80]!r} is not CPUs as allocated/idle/other/total")
    alloc, idle, other, total = (int(count) for count in counts)
    return alloc, idle, other, total
