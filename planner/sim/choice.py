"""Which of the nodes that a request fits on it takes, as Slurm's select plugin chooses."""

from __future__ import annotations

import numpy as np

from planner.sim.cluster import IntArray, Nodes
from planner.sim.needs import Need
from planner.sim.nodeset import mask_of
from planner.sim.placement import Fit


def choose(need: Need, nodes: Nodes, fit: Fit) -> IntArray | None:
    """Node indices in order, or None if it does not fit.

    Slurm's own choice for the usual request, a number of nodes and nothing else; then, and for
    the rest: nodes of lowest weight, in order for an exact count, the roomiest first otherwise.
    """
    if fit.nodes.size == 0:
        return None
    if need.node_count is not None and fit.gpus is None and not need.required:
        chosen = _neighbours(need, need.node_count, nodes, fit)
        if chosen is not None:
            return chosen
    weight, tasks = nodes.weight[fit.nodes], fit.tasks
    gpus = fit.gpus if fit.gpus is not None else np.zeros_like(tasks)
    required = mask_of(need.required & fit.node_set, len(nodes))[fit.nodes]
    required_count = need.required.bit_count()
    if required.sum() < required_count:
        return None
    if need.node_count in (None, 1) and required_count <= 1:
        enough = (tasks >= need.tasks) & (gpus >= need.job_gpus)
        if required_count:
            enough &= required
        if enough.any():
            order = np.lexsort((tasks, weight, ~enough))
            return fit.nodes[order[:1]]
    orders = [np.lexsort((-tasks, -gpus, weight, ~required))]
    if need.node_count is not None:
        orders = [
            np.lexsort((weight, ~required)),
            np.lexsort((-tasks, ~required)),
            np.lexsort((-gpus, ~required)),
        ]
    least = max(required_count, 1 if need.node_count is None else need.node_count)
    for order in orders:
        enough = (np.cumsum(tasks[order]) >= need.tasks) & (np.cumsum(gpus[order]) >= need.job_gpus)
        if least > enough.size or not enough[least - 1 :].any():
            continue
        count = least + int(np.argmax(enough[least - 1 :]))
        if need.node_count in (None, count):
            return np.sort(fit.nodes[order[:count]])
    return None


def _neighbours(need: Need, count: int, nodes: Nodes, fit: Fit) -> IntArray | None:
    """Nodes from runs of neighbours of equal weight, as _eval_nodes of Slurm's select plugin does.

    Lowest weight first; then the run with the fewest free CPUs that is large enough, or the largest
    if none is. A single node is the one with the fewest CPUs that are enough; of several the first
    in the run. None if the nodes found so cannot hold the tasks.
    """
    runs = _Runs(fit, nodes.weight[fit.nodes])
    nodes_left, cpus_left = count, need.tasks * need.grain.cpus_per_task
    taken: list[IntArray] = []
    while nodes_left > 1:
        rows = runs.next(nodes_left, cpus_left)
        if rows is None:
            return None
        taken.append(rows)
        for cpus in fit.cpus[rows].tolist():
            nodes_left -= 1
            cpus_left -= min(cpus, cpus_left - nodes_left)
    if nodes_left:
        rows = runs.single(cpus_left)
        if rows is None:
            return None
        taken.append(rows)
    chosen = np.concatenate(taken)
    chosen.sort()
    return fit.nodes[chosen] if fit.tasks[chosen].sum() >= need.tasks else None


class _Runs:
    """The runs of a fit; what is asked for is taken from the first that have not been."""

    def __init__(self, fit: Fit, weight: IntArray) -> None:
        self._fit = fit
        nodes = fit.nodes
        breaks = (nodes[1:] - nodes[:-1] != 1) | (weight[1:] != weight[:-1])
        begins = np.concatenate(([0], breaks.nonzero()[0] + 1))
        sizes = np.append(begins[1:], len(nodes)) - begins
        totals = np.add.reduceat(fit.cpus, begins)
        order = np.lexsort((-totals, weight[begins]))  # the largest of each weight first
        self._begins, self._sizes, self._totals = begins[order], sizes[order], totals[order]
        self._weights = weight[begins[order]]
        self._head = 0

    def next(self, nodes_left: int, cpus_left: int) -> IntArray | None:
        """Rows of the fit for two nodes or more, from one run; None if no run is left."""
        head = self._head
        if head == len(self._sizes):
            return None
        run = head
        if self._totals[head] >= cpus_left:
            after = int(self._weights.searchsorted(self._weights[head], side="right"))
            large = (self._totals[head:after] >= cpus_left) & (
                self._sizes[head:after] >= nodes_left
            )
            if large.any():
                run = self._smallest(head + np.flatnonzero(large))
        self._head += 1  # a run that is large enough is the last one asked for
        begin = int(self._begins[run])
        return np.arange(begin, begin + min(int(self._sizes[run]), nodes_left))

    def single(self, cpus_left: int) -> IntArray | None:
        """The row of one node with enough CPUs."""
        begins, cpus = self._begins, self._fit.cpus
        enough = np.zeros(len(cpus) + 1, dtype=np.int64)
        np.cumsum(cpus >= cpus_left, out=enough[1:])
        left = np.arange(self._head, len(begins))
        left = left[enough[begins[left] + self._sizes[left]] > enough[begins[left]]]
        if not left.size:
            return None
        run = self._smallest(left[self._weights[left] == self._weights[left[0]]])
        rows = np.arange(begins[run], begins[run] + self._sizes[run])
        rows = rows[cpus[rows] >= cpus_left]
        return rows[[int(cpus[rows].argmin())]]

    def _smallest(self, runs: IntArray) -> int:
        """That with the fewest CPUs, of several the first on the cluster."""
        totals = self._totals[runs]
        runs = runs[totals == totals.min()]
        return int(runs[self._begins[runs].argmin()])
