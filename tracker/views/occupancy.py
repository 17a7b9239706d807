"""What a cluster's nodes hold as of the newest poll: in all, by partition, by kind of GPU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tracker.models import Node, Partition

INTERACTIVE_MINUTES = 60
GIB_MIB = 1024


@dataclass(slots=True)
class Capacity:
    """Devices of one kind: CPUs, or GPUs of one type."""

    kind: str  # "CPUs", "a100 GPUs", "GPUs" (no type named)
    gpu_type: str | None  # None: CPUs; "" untyped GPUs
    busy: int = 0
    free: int = 0
    down: int = 0  # not in use, and not to be used: drained, down, failing

    @property
    def total(self) -> int:
        return self.busy + self.free + self.down

    @property
    def in_words(self) -> str:
        down = f", {self.down} out of service" if self.down else ""
        return f"{self.busy} of {self.total} {self.kind} in use, {self.free} free{down}"

    def add(self, total: int, in_use: int, *, usable: bool) -> None:
        idle = max(0, total - in_use)
        self.busy += min(total, in_use)
        if usable:
            self.free += idle
        else:
            self.down += idle


@dataclass(frozen=True, slots=True)
class NodeBox:
    """One node as a box: ``css`` names its look, ``gist`` stands in it, ``details`` on focus."""

    name: str
    css: str  # free, mixed, busy or down
    gist: str
    details: str
    reason: str


def capacities(nodes: Iterable[Node]) -> list[Capacity]:
    """GPUs type by type, most first, then the CPUs."""
    cpus = Capacity("CPUs", None)
    by_type: dict[str, Capacity] = {}
    for node in nodes:
        cpus.add(node.cpus, node.cpus_alloc, usable=node.usable)
        for gpu_type, count in node.gpus.items():
            kind = f"{gpu_type} GPUs" if gpu_type else "GPUs"
            gpus = by_type.setdefault(gpu_type, Capacity(kind, gpu_type))
            gpus.add(count, node.gpus_alloc.get(gpu_type, 0), usable=node.usable)
    return [*sorted(by_type.values(), key=lambda gpus: (-gpus.total, gpus.kind)), cpus]


def box(node: Node) -> NodeBox:
    gpus, gpus_used = sum(node.gpus.values()), sum(node.gpus_alloc.values())
    if not node.usable:
        css = "down"
    elif node.cpus_alloc == 0 and gpus_used == 0:
        css = "free"
    elif node.cpus_alloc >= node.cpus or (gpus and gpus_used >= gpus):
        css = "busy"
    else:
        css = "mixed"
    gist = f"{gpus_used}/{gpus} GPU" if gpus else f"{node.cpus_alloc}/{node.cpus} CPU"
    types = ", ".join(f"{count} {kind or 'untyped'}" for kind, count in node.gpus.items())
    details = (
        f"{node.state.lower().replace('+', ', ')}: {node.cpus_alloc} of {node.cpus} CPUs and"
        f" {node.mem_alloc_mib // GIB_MIB} of {node.mem_mib // GIB_MIB} GiB in use"
        + (f", {gpus_used} of {gpus} GPUs ({types})" if gpus else "")
    )
    return NodeBox(node.name, css, gist, details, node.reason)


def srun_line(partition: Partition, nodes: Sequence[Node], gpu_type: str | None) -> str:
    """An interactive session on one GPU of the type with its share of a node, or on one CPU."""
    node = next((n for n in nodes if gpu_type is None or n.gpus.get(gpu_type)), None)
    words = ["srun", f"--partition={partition.name}"]
    if node is not None:
        parts = node.cpus if gpu_type is None else sum(node.gpus.values())
        if gpu_type is not None:
            words.append(f"--gres=gpu:{gpu_type}:1" if gpu_type else "--gres=gpu:1")
        words.append(f"--cpus-per-task={max(1, node.cpus // max(1, parts))}")
        words.append(f"--mem={max(1, node.mem_mib // GIB_MIB // max(1, parts))}G")
    limit_minutes = min(INTERACTIVE_MINUTES, partition.max_minutes or INTERACTIVE_MINUTES)
    return " ".join([*words, f"--time={limit_minutes}", "--pty bash -i"])
