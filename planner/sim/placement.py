"""Which nodes a request fits on: the simulator's view of Slurm's select plugin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.sim.cluster import BoolArray, IntArray, Nodes, Partition
from planner.sim.jobs import Job
from planner.sim.occupancy import Allocation, Room


@dataclass(frozen=True, slots=True)
class Need:
    """The numbers of a request. Equal needs fit on the same nodes, so results are shared."""

    candidates: bytes  # mask of the nodes that may be used at all
    required: bytes  # mask of the nodes that must be used
    node_count: int | None
    tasks: int
    cpus_per_task: int
    tasks_per_node: int | None
    mem_mib_per_node: int | None  # None: all of it
    mem_mib_per_cpu: int
    node_gpus: tuple[int, ...]  # per node, by type; the last is of any type
    job_gpus: int  # over all nodes, of the type below
    job_gpu_type: int | None  # column; None: any
    whole_nodes: bool

    @property
    def candidate_mask(self) -> BoolArray:
        return np.frombuffer(self.candidates, dtype=np.bool_)

    @property
    def required_mask(self) -> BoolArray:
        return np.frombuffer(self.required, dtype=np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How much of a need each node could take; leading axes as those of the room."""

    tasks: IntArray
    gpus: IntArray | None  # towards job_gpus; None if there are none
    cpus: IntArray  # free ones, fitting or not

    def on(self, allowed: BoolArray) -> Fit:
        """With nothing on nodes that are not allowed."""
        gpus = None if self.gpus is None else self.gpus * allowed
        return Fit(self.tasks * allowed, gpus, self.cpus)

    def rows(self, rows: IntArray | int) -> Fit:
        """The given rows of the first axis."""
        gpus = None if self.gpus is None else self.gpus[rows]
        return Fit(self.tasks[rows], gpus, self.cpus[rows])


def need_of(job: Job, partition: Partition, nodes: Nodes, reserved: BoolArray | None) -> Need:
    """The need of a job in a partition; ``reserved``: the nodes of its own reservation."""
    candidates = partition.nodes.copy()
    if reserved is not None:
        candidates &= reserved
    if job.features:
        candidates &= np.array([job.features <= features for features in nodes.features])
    if job.excluded_nodes:
        candidates &= ~nodes.mask(job.excluded_nodes)
    required = nodes.mask(job.required_nodes)
    node_gpus = (
        *(job.gpus_per_node.get(gpu_type, 0) if gpu_type else 0 for gpu_type in nodes.gpu_types),
        job.gpus_per_node.get("", 0),
    )
    job_gpus, job_gpu_type = _job_gpus(job, nodes)
    node_count = job.nodes
    if node_count is not None:
        node_count = max(node_count, len(job.required_nodes))
    return Need(
        candidates.tobytes(),
        required.tobytes(),
        node_count,
        max(job.tasks, job.min_nodes),
        job.cpus_per_task,
        job.tasks_per_node,
        job.mem_mib_per_node,
        job.mem_mib_per_cpu,
        node_gpus,
        job_gpus,
        job_gpu_type,
        job.exclusive or partition.exclusive,
    )


def fit(need: Need, nodes: Nodes, room: Room) -> Fit:
    """Room for the need, node by node and for every leading axis of the room."""
    usable = need.candidate_mask
    if any(need.node_gpus):
        usable = usable & _gpus_fit(need.node_gpus, room.gpus)
    tasks = room.cpus // need.cpus_per_task
    if need.mem_mib_per_node is None:
        usable = usable & (room.mem_mib == nodes.mem_mib)
    else:
        mem_mib = room.mem_mib - need.mem_mib_per_node
        usable = usable & (mem_mib >= 0)
        if need.mem_mib_per_cpu:
            tasks = np.minimum(tasks, mem_mib // (need.mem_mib_per_cpu * need.cpus_per_task))
    if need.whole_nodes:
        usable = usable & (room.jobs == 0)
    if need.tasks_per_node is not None:
        tasks = np.minimum(tasks, need.tasks_per_node)
    tasks = np.where(usable, np.maximum(tasks, 0), 0)
    return Fit(tasks, _job_gpu_room(need, room.gpus, tasks), room.cpus)


def feasible(need: Need, fit: Fit) -> BoolArray:
    """Whether the need fits, for every leading axis of the fit. Necessary for choose()."""
    count = need.node_count
    tasks = fit.tasks
    if count is None:
        fits = tasks.sum(axis=-1) >= need.tasks
    elif count == 1:
        fits = tasks.max(axis=-1) >= need.tasks
    elif count > tasks.shape[-1]:
        fits = np.zeros(tasks.shape[:-1], dtype=np.bool_)
    else:
        most = np.partition(tasks, -count, axis=-1)[..., -count:]
        fits = (most.min(axis=-1) > 0) & (most.sum(axis=-1) >= need.tasks)
    if fit.gpus is not None:
        fits = fits & (fit.gpus.sum(axis=-1) >= need.job_gpus)
    if any(need.required):
        fits = fits & (tasks[..., need.required_mask] > 0).all(axis=-1)
    return np.asarray(fits, dtype=np.bool_)


def choose(need: Need, nodes: Nodes, fit: Fit) -> IntArray | None:
    """Node indices, or None if it does not fit. The fit has no leading axes.

    Slurm's own choice for the usual request, a number of nodes and nothing else; then, and for
    the rest: nodes of lowest weight, in order for an exact count, the roomiest first otherwise.
    """
    open_nodes = np.flatnonzero(fit.tasks > 0)
    if open_nodes.size == 0:
        return None
    if need.node_count is not None and fit.gpus is None and not any(need.required):
        chosen = _neighbours(need, nodes, fit, open_nodes)
        if chosen is not None:
            return chosen
    weight, tasks = nodes.weight[open_nodes], fit.tasks[open_nodes]
    gpus = fit.gpus[open_nodes] if fit.gpus is not None else np.zeros_like(tasks)
    required = need.required_mask[open_nodes]
    if required.sum() < sum(need.required):
        return None
    if need.node_count in (None, 1) and required.sum() <= 1:
        enough = (tasks >= need.tasks) & (gpus >= need.job_gpus)
        if required.any():
            enough &= required
        if enough.any():
            order = np.lexsort((tasks, weight, ~enough))
            return open_nodes[order[:1]]
    roomy = np.lexsort((-tasks, -gpus, weight, ~required))
    in_order = np.lexsort((weight, ~required))
    orders = [roomy]
    if need.node_count is not None:
        orders = [in_order, np.lexsort((-tasks, ~required)), np.lexsort((-gpus, ~required))]
    for order in orders:
        enough = (np.cumsum(tasks[order]) >= need.tasks) & (np.cumsum(gpus[order]) >= need.job_gpus)
        least = max(int(required.sum()), 1 if need.node_count is None else need.node_count)
        if least > enough.size or not enough[least - 1 :].any():
            continue
        count = least + int(np.argmax(enough[least - 1 :]))
        if need.node_count in (None, count):
            return np.sort(open_nodes[order[:count]])
    return None


def _neighbours(need: Need, nodes: Nodes, fit: Fit, open_nodes: IntArray) -> IntArray | None:
    """Nodes from runs of neighbours of equal weight, as _eval_nodes of Slurm's select plugin does.

    Lowest weight first; then the run with the fewest free CPUs that is large enough, or the largest
    if none is. A single node is the one with the fewest CPUs that are enough; of several the first
    in the run. None if the nodes found so cannot hold the tasks.
    """
    weight, cpus = nodes.weight[open_nodes], fit.cpus[open_nodes]
    breaks = np.flatnonzero((np.diff(open_nodes) != 1) | (np.diff(weight) != 0)) + 1
    runs = np.split(np.arange(open_nodes.size), breaks)
    nodes_left, cpus_left = need.node_count or 1, need.tasks * need.cpus_per_task
    taken: list[int] = []
    while runs and nodes_left > 0:
        run = min(runs, key=lambda run: _rank_of_run(run, weight, cpus, nodes_left, cpus_left))
        runs = [other for other in runs if other is not run]
        if nodes_left == 1:
            enough = run[cpus[run] >= cpus_left]
            run = enough[cpus[enough].argsort(kind="stable")[:1]]
        for index in run[:nodes_left].tolist():
            taken.append(index)
            nodes_left -= 1
            cpus_left -= min(int(cpus[index]), cpus_left - nodes_left)
    chosen = np.sort(open_nodes[taken])
    if nodes_left > 0 or fit.tasks[chosen].sum() < need.tasks:
        return None
    return chosen


def _rank_of_run(
    run: IntArray, weight: IntArray, cpus: IntArray, nodes_left: int, cpus_left: int
) -> tuple[int, bool, int]:
    total = int(cpus[run].sum())
    large_enough = total >= cpus_left and run.size >= nodes_left
    return int(weight[run[0]]), not large_enough, total if large_enough else -total


def allocate(need: Need, nodes: Nodes, room: Room, fit: Fit, chosen: IntArray) -> Allocation:
    """What the job takes on the chosen nodes: tasks spread evenly, GPUs type by type."""
    tasks = _spread(max(need.tasks, len(chosen)), fit.tasks[chosen])
    task_cpus = tasks * need.cpus_per_task
    if need.mem_mib_per_node is None:
        mem_mib = nodes.mem_mib[chosen].astype(np.int64)
    else:
        mem_mib = need.mem_mib_per_node + need.mem_mib_per_cpu * task_cpus
    free = room.gpus[chosen]
    gpus = np.zeros_like(free)
    job_gpus = need.job_gpus
    for row in range(len(chosen)):
        gpus[row] = _take(need.node_gpus, free[row])
        if fit.gpus is not None:
            here = min(job_gpus, int(fit.gpus[chosen[row]]))
            gpus[row] += _take(_asked(need, here), free[row] - gpus[row])
            job_gpus -= here
    cpus = nodes.cpus[chosen].astype(np.int64) if need.whole_nodes else task_cpus
    return Allocation(chosen, cpus, mem_mib, gpus)


def _job_gpus(job: Job, nodes: Nodes) -> tuple[int, int | None]:
    if not job.gpus_per_job or job.gpus_per_node:
        return 0, None
    ((gpu_type, count),) = job.gpus_per_job.items()
    return count, nodes.gpu_types.index(gpu_type) if gpu_type else None


def _gpus_fit(node_gpus: tuple[int, ...], free: IntArray) -> BoolArray:
    """Whether a node has the typed GPUs and, besides them, those of any type."""
    fits = np.ones(free.shape[:-1], dtype=np.bool_)
    for column, count in enumerate(node_gpus[:-1]):
        if count:
            fits &= free[..., column] >= count
    if node_gpus[-1]:
        fits &= free.sum(axis=-1) >= sum(node_gpus)
    return fits


def _job_gpu_room(need: Need, free: IntArray, tasks: IntArray) -> IntArray | None:
    if not need.job_gpus:
        return None
    column = need.job_gpu_type
    room: IntArray = free.sum(axis=-1) if column is None else free[..., column]
    return room * (tasks > 0)


def _asked(need: Need, count: int) -> tuple[int, ...]:
    """``count`` of the job's GPUs as an amount by type."""
    asked = [0] * len(need.node_gpus)
    asked[-1 if need.job_gpu_type is None else need.job_gpu_type] = count
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
        each = max(1, tasks // len(open_nodes))
        for index in open_nodes:
            more = min(each, int(room[index] - spread[index]), tasks)
            spread[index] += more
            tasks -= more
    return spread
