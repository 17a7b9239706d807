"""Where a request fits, and what it takes there: the simulator's view of Slurm's select plugin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.sim.cluster import BoolArray, IntArray, Nodes
from planner.sim.needs import Grain, Need
from planner.sim.nodeset import NodeSet, mask_of, set_of_indices
from planner.sim.occupancy import Allocation, Room


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The nodes that can take a task, and how much each could take. The arrays go together."""

    nodes: IntArray  # in order
    tasks: IntArray
    gpus: IntArray | None  # towards the GPUs of the job; None if it asks for none
    cpus: IntArray  # free ones
    node_set: NodeSet
    least: int  # tasks of the node that takes fewest, and most
    most: int

    def on(self, allowed: NodeSet) -> Fit:
        """Without the nodes that are not allowed."""
        left = self.node_set & allowed
        if left == self.node_set:
            return self
        keep = mask_of(left, int(self.nodes[-1]) + 1)[self.nodes]
        gpus = None if self.gpus is None else self.gpus[keep]
        return _fit(self.nodes[keep], self.tasks[keep], gpus, self.cpus[keep], left)


def _fit(
    nodes: IntArray, tasks: IntArray, gpus: IntArray | None, cpus: IntArray, node_set: NodeSet
) -> Fit:
    if not node_set:
        return Fit(nodes, tasks, gpus, cpus, 0, 0, 0)
    return Fit(nodes, tasks, gpus, cpus, node_set, int(tasks.min()), int(tasks.max()))


def fit(grain: Grain, nodes: Nodes, room: Room) -> Fit:
    """Room for the grain, node by node."""
    usable = grain.mask & (room.cpus >= grain.cpus_per_task)
    if grain.whole_nodes:
        usable &= room.jobs == 0
    if grain.mem_mib_per_node is None:
        usable &= room.mem_mib == nodes.mem_mib
    else:
        usable &= room.mem_mib >= grain.mem_mib_per_node
    if any(grain.node_gpus):
        usable &= _gpus_fit(grain.node_gpus, room.gpus)
    open_nodes = np.flatnonzero(usable)
    cpus = room.cpus[open_nodes]
    tasks = cpus if grain.cpus_per_task == 1 else cpus // grain.cpus_per_task
    if grain.tasks_per_node is not None:
        tasks = np.minimum(tasks, grain.tasks_per_node)
    if grain.mem_mib_per_cpu and grain.mem_mib_per_node is not None:
        mem_mib = room.mem_mib[open_nodes] - grain.mem_mib_per_node
        tasks = np.minimum(tasks, mem_mib // (grain.mem_mib_per_cpu * grain.cpus_per_task))
    if open_nodes.size and tasks.min() <= 0:
        some = tasks > 0
        open_nodes, tasks, cpus = open_nodes[some], tasks[some], cpus[some]
    gpus = _job_gpu_room(grain, room.gpus[open_nodes]) if grain.shares_gpus else None
    return _fit(open_nodes, tasks, gpus, cpus, set_of_indices(open_nodes))


def fits(need: Need, fit: Fit, allowed: NodeSet) -> bool:
    """Whether the need fits on the allowed nodes. Necessary for choose()."""
    left = fit.node_set & allowed
    nodes, count = left.bit_count(), need.node_count
    at_least = count or 1
    if nodes < at_least or need.required & ~left:
        return False
    taken = nodes if count is None else at_least
    # What holds whichever nodes they are needs no look at each.
    if not need.job_gpus and not fit.least * taken < need.tasks <= fit.most * taken:
        return fit.least * taken >= need.tasks
    here = fit.on(left)
    return (here.gpus is None or here.gpus.sum() >= need.job_gpus) and _takes(need, here)


def _takes(need: Need, here: Fit) -> bool:
    """Whether so many nodes of these take all the tasks."""
    count = need.node_count
    if count is None:
        return bool(here.tasks.sum() >= need.tasks)
    if count == 1:
        return here.most >= need.tasks
    return bool(np.partition(here.tasks, -count)[-count:].sum() >= need.tasks)


def allocate(need: Need, nodes: Nodes, room: Room, fit: Fit, chosen: IntArray) -> Allocation:
    """What the job takes on the chosen nodes: tasks spread evenly, GPUs type by type."""
    grain, rows = need.grain, np.searchsorted(fit.nodes, chosen)
    tasks = _spread(max(need.tasks, len(chosen)), fit.tasks[rows])
    task_cpus = tasks * grain.cpus_per_task
    if grain.mem_mib_per_node is None:
        mem_mib = nodes.mem_mib[chosen].astype(np.int64)
    else:
        mem_mib = grain.mem_mib_per_node + grain.mem_mib_per_cpu * task_cpus
    free = room.gpus[chosen]
    gpus = np.zeros_like(free)
    if any(grain.node_gpus) or fit.gpus is not None:
        job_gpus = need.job_gpus
        for row in range(len(chosen)):
            gpus[row] = _take(grain.node_gpus, free[row])
            if fit.gpus is not None:
                here = min(job_gpus, int(fit.gpus[rows[row]]))
                gpus[row] += _take(_asked(grain, here), free[row] - gpus[row])
                job_gpus -= here
    cpus = nodes.cpus[chosen].astype(np.int64) if grain.whole_nodes else task_cpus
    return Allocation(chosen, cpus, mem_mib, gpus)


def _gpus_fit(node_gpus: tuple[int, ...], free: IntArray) -> BoolArray:
    """Whether a node has the typed GPUs and, besides them, those of any type."""
    fits = np.ones(free.shape[:-1], dtype=np.bool_)
    for column, count in enumerate(node_gpus[:-1]):
        if count:
            fits &= free[..., column] >= count
    if node_gpus[-1]:
        fits &= free.sum(axis=-1) >= sum(node_gpus)
    return fits


def _job_gpu_room(grain: Grain, free: IntArray) -> IntArray:
    column = grain.job_gpu_type
    room: IntArray = free.sum(axis=-1) if column is None else free[..., column]
    return room


def _asked(grain: Grain, count: int) -> tuple[int, ...]:
    """``count`` of the job's GPUs as an amount by type."""
    asked = [0] * len(grain.node_gpus)
    asked[-1 if grain.job_gpu_type is None else grain.job_gpu_type] = count
    return tuple(asked)


def _take(asked: tuple[int, ...], free: IntArray) -> IntArray:
    """Typed GPUs from their type, those of any type from the first types that are free."""
    taken = np.array(asked[:-1], dtype=np.int64)
    untyped = asked[-1]
    for column in range(len(taken)):
        more = min(untyped, int(free[column] - taken[column]))
        taken[column] += more
        untyped -= more
    return taken


def _spread(tasks: int, room: IntArray) -> IntArray:
    """Tasks per node as even as the room allows, the remainder on the first nodes."""
    spread = np.zeros_like(room)
    while tasks:
        open_nodes = np.flatnonzero(spread < room)
        if tasks < len(open_nodes):
            spread[open_nodes[:tasks]] += 1
            break
        more = np.minimum(tasks // len(open_nodes), room[open_nodes] - spread[open_nodes])
        spread[open_nodes] += more
        tasks -= int(more.sum())
    return spread
