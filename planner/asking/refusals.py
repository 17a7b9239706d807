"""Why a partition would never run a request, in words with the cure.

The simulator decides (``planner.sim.admission``) and answers with Slurm's word for the reason; here
that word becomes a sentence with the value that was too much and the one that is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from planner.asking.request import Request
from planner.sim.cluster import BoolArray, Nodes, Partition, World
from tracker.slurm.durations import format_duration
from tracker.slurm.reasons import explain


def sentence(code: str, world: World, partition: Partition, request: Request) -> str:
    """What stands against the request in the partition, for one of Slurm's pending reasons."""
    match code:
        case "AccountNotAllowed":
            said = _not_allowed("account", request.account, partition.allow_accounts)
        case "QOSNotAllowed":
            said = _not_allowed("QOS", request.qos, partition.allow_qos)
        case "PartitionTimeLimit":
            said = _too_long(partition.max_s, "partition")
        case "QOSMaxWallDurationPerJobLimit" if longest_s := _qos_wall_s(world, partition, request):
            said = _too_long(longest_s, "QOS")
        case "PartitionNodeLimit":
            most = min(partition.max_nodes, int(partition.nodes.sum()))
            said = (
                f"{request.nodes} nodes are not between the {max(1, partition.min_nodes)} and"
                f" {most:.0f} that a job of the partition may have; change the number of nodes"
            )
        case "BadConstraints":
            said = next(_size(world.nodes, partition.nodes, request))
        case "ReqNodeNotAvail":
            said = "the nodes it needs are down or drained; it can start once they are back"
        case _:
            reason = explain(code)
            said = f"{reason.why} {reason.cure}"
    return said


def _too_long(longest_s: float, whose: str) -> str:
    longest = format_duration(longest_s)
    return f"the time limit is longer than the {longest} that the {whose} allows; ask for no more"


def _not_allowed(kind: str, asked: str | None, allowed: frozenset[str] | None) -> str:
    one_of = f"use {', '.join(sorted(allowed))}" if allowed else "use another one"
    return f"{kind} {asked} is not allowed here; {one_of}" if asked else f"no {kind}: {one_of}"


def longest_s(world: World, partition: Partition, request: Request) -> float:
    """The longest limit that the partition and the QOS of the request allow; infinite: any."""
    wall_s = _qos_wall_s(world, partition, request)
    return partition.max_s if wall_s is None else min(partition.max_s, wall_s)


def _qos_wall_s(world: World, partition: Partition, request: Request) -> float | None:
    names = (partition.qos, request.qos)
    walls_s = [q.max_wall_s for q in world.qos if q.name in names and q.max_wall_s is not None]
    return min(walls_s, default=None)


def _size(nodes: Nodes, mine: BoolArray, request: Request) -> Iterator[str]:
    """What does not fit on the nodes of the mask even when they are idle, the plainest first."""
    if not mine.any():
        yield "it has no nodes"
        return
    if request.nodes > mine.sum():
        yield f"{request.nodes} nodes are more than its {mine.sum()}; ask for fewer"
    if request.gpus:
        yield from _gpus(nodes, mine, request)
    for choice in request.constraint:
        wanted = set(choice.split("|"))
        if not any(wanted & nodes.features[index] for index in np.flatnonzero(mine)):
            yield f"none of its nodes has the feature {choice}; leave it out"
    tasks_on_one = -(-request.ntasks // request.nodes)
    cpus, most_cpus = tasks_on_one * request.cpus, int(nodes.cpus[mine].max())
    if cpus > most_cpus:
        yield f"{cpus} CPUs on one node are more than its nodes have; ask for at most {most_cpus}"
    most_mem_mib = int(nodes.mem_mib[mine].max())
    on_one_mib = (request.mem_mib or 0) * (cpus if request.mem_per_cpu else 1)
    if on_one_mib > most_mem_mib:
        yield (
            f"{on_one_mib} MiB on one node are more than its nodes have; ask for at most"
            f" {most_mem_mib}M"
        )
    yield "no nodes of it have all of this together, even when idle; ask for less of something"


def _gpus(nodes: Nodes, mine: BoolArray, request: Request) -> Iterator[str]:
    counts = nodes.gpus[mine]
    types = [nodes.gpu_types[column] for column in np.flatnonzero(counts.sum(axis=0))]
    if not types:
        yield "it has no GPUs"
        return
    if request.gpu_type and request.gpu_type not in types:
        yield f"it has no {request.gpu_type} GPUs; it has {', '.join(filter(None, types))}"
        return
    wanted = [nodes.gpu_types.index(request.gpu_type)] if request.gpu_type else slice(None)
    per_node = counts[:, wanted].sum(axis=1)
    on_one = -(-request.gpus // request.nodes)
    what = f"{request.gpu_type} GPUs" if request.gpu_type else "GPUs"
    if on_one > per_node.max():
        yield (
            f"{on_one} {what} on one node are more than its nodes have; ask for at most"
            f" {per_node.max()} a node, on more nodes"
        )
    elif request.gpus > per_node.sum():
        yield f"{request.gpus} {what} are more than its {per_node.sum()} in all; ask for fewer"
