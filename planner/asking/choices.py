"""What a request may name on a cluster, as of the newest poll: for forms, and to refuse typos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.asking.request import Request
from tracker.models import Actor, Association, Cluster, Node, Qos

if TYPE_CHECKING:  # it loads NumPy, and the web process imports this module
    from planner.snapshot import Facts


@dataclass(frozen=True, slots=True)
class Choices:
    """Empty: not known, so anything goes and Slurm decides."""

    partitions: tuple[str, ...]
    gpu_types: tuple[str, ...]
    accounts: tuple[str, ...]
    qos: tuple[str, ...]


def choices(actor: Actor, cluster: Cluster, unix_name: str) -> Choices:
    partitions = actor.partitions().filter(cluster=cluster)
    rows = Association.objects.filter(cluster=cluster, user=unix_name) if unix_name else []
    own = [(row.account, row.qos) for row in rows]
    every_qos = Qos.objects.filter(cluster=cluster).values_list("name", flat=True)
    gpus = Node.objects.filter(cluster=cluster).values_list("gpus", flat=True)
    return Choices(
        tuple(partitions.values_list("name", flat=True)),
        tuple(sorted({gpu_type for of_node in gpus for gpu_type in of_node if gpu_type})),
        tuple(sorted({account for account, _ in own})),
        tuple(sorted({name for _, names in own for name in names}) or every_qos),
    )


def choices_of(facts: Facts, unix_name: str) -> Choices:
    """The same by what Slurm told at one instant, of a capture for example."""
    own = [row for row in facts.associations if unix_name and row.user == unix_name]
    gpu_types = {kind for node in facts.nodes for kind in node.gpus_by_type if kind}
    return Choices(
        tuple(partition.name for partition in facts.partitions),
        tuple(sorted(gpu_types)),
        tuple(sorted({row.account for row in own})),
        tuple(sorted({name for row in own for name in row.qos}))
        or tuple(qos.name for qos in facts.qos),
    )


def unknown_names(request: Request, known: Choices) -> dict[str, str]:
    """By field: a name that is not there, with those that are."""
    return {
        field: f"{name!r} is not one of {', '.join(names)}."
        for field, asked, names in (
            ("partition", request.partitions, known.partitions),
            ("gpu_type", (request.gpu_type,), known.gpu_types),
            ("account", (request.account,), known.accounts),
            ("qos", (request.qos,), known.qos),
        )
        for name in asked
        if name is not None and names and name not in names
    }
