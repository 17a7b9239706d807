"""What a job takes of the nodes chosen for it: as ``planner.sim.placement`` says, in arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.kernel.asks import ALL, ANY_TYPE, Ask
from planner.sim.kernel.choice import choose
from planner.sim.kernel.jit import compiled
from planner.sim.kernel.room import Machines, Stock


class Taken(NamedTuple):
    """The columns of an Allocation, with room for one on all nodes."""

    nodes: IntArray
    cpus: IntArray
    mem_mib: IntArray
    gpus: IntArray  # nodes x types


@compiled
def take(ask: Ask, machines: Machines, stock: Stock, free_gpus: IntArray, into: Taken) -> int:
    """Choose nodes, of how many it answers. Tasks spread evenly, GPUs type by type, of those that
    are free on each node now.
    """
    chosen = choose(ask, machines, stock)
    if not chosen.size:
        return 0
    task_cpus = _spread(max(ask.tasks, chosen.size), stock.tasks[chosen]) * ask.cpus_per_task
    if ask.mem_mib_per_node == ALL:
        mem_mib = machines.mem_mib[chosen]
    else:
        mem_mib = ask.mem_mib_per_node + ask.mem_mib_per_cpu * task_cpus
    types = free_gpus.shape[1]
    gpus = into.gpus
    job_gpus = ask.job_gpus
    for row in range(chosen.size):
        node = chosen[row]
        for column in range(types):
            gpus[row, column] = ask.node_gpus[column]
        _take_any(int(ask.node_gpus[types]), free_gpus[node], gpus[row])
        if ask.shares_gpus:
            here = min(job_gpus, int(stock.gpus[node]))
            job_gpus -= here
            if ask.job_gpu_type == ANY_TYPE:
                _take_any(here, free_gpus[node], gpus[row])
            else:
                gpus[row, ask.job_gpu_type] += here
    into.nodes[: chosen.size] = chosen
    into.cpus[: chosen.size] = machines.cpus[chosen] if ask.whole_nodes else task_cpus
    into.mem_mib[: chosen.size] = mem_mib
    return int(chosen.size)


@compiled
def _take_any(count: int, free: IntArray, taken: IntArray) -> None:
    """So many more of the first types that have some left."""
    for column in range(taken.size):
        more = min(count, free[column] - taken[column])
        taken[column] += more
        count -= more


@compiled
def _spread(tasks: int, room: IntArray) -> IntArray:
    """Tasks per node as even as the room allows, the remainder on the first nodes."""
    spread = np.zeros_like(room)
    while tasks:
        has_room = np.flatnonzero(spread < room)
        if tasks < has_room.size:
            for place in has_room[:tasks]:
                spread[place] += 1
            break
        each = tasks // has_room.size
        for place in has_room:
            more = min(each, room[place] - spread[place])
            spread[place] += more
            tasks -= more
    return spread
