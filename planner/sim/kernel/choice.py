"""Which of the nodes that a need fits on it takes: ``planner.sim.choice`` in arrays.

Slurm's own choice for the usual request, then as in the plain form.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.kernel.asks import Ask
from planner.sim.kernel.jit import compiled
from planner.sim.kernel.room import Machines, Stock
from planner.sim.kernel.words import Words, add, has, listed, lowest, size


class Runs(NamedTuple):
    """Neighbours of equal weight, in order."""

    begins: IntArray  # node
    sizes: IntArray
    cpus: IntArray  # in all
    weights: IntArray
    used: BoolArray


@compiled
def choose_into(ask: Ask, machines: Machines, stock: Stock, nodes: Words) -> bool:
    """Leave the nodes that it takes in the set given; False if it does not fit."""
    chosen = choose(ask, machines, stock)
    nodes[:] = 0
    for node in chosen:
        add(nodes, node)
    return bool(chosen.size > 0)


@compiled
def choose(ask: Ask, machines: Machines, stock: Stock) -> IntArray:
    """Node indices in order; none if it does not fit."""
    if ask.node_count and not ask.shares_gpus and not ask.required_count:
        chosen = _neighbours(ask, machines, stock)
        if chosen.size:
            return chosen
    nodes = listed(stock.nodes)
    required = np.zeros(nodes.size, dtype=np.bool_)
    if ask.required_count:
        for index in range(nodes.size):
            required[index] = has(ask.required, nodes[index])
        if required.sum() < ask.required_count:
            return nodes[:0]
    if ask.node_count <= 1 and ask.required_count <= 1:
        one = _single_of_least_weight(ask, machines, stock, nodes, required)
        if one >= 0:
            return nodes[one : one + 1]
    least = max(ask.required_count, ask.node_count, 1)
    for attempt in range(3 if ask.node_count else 1):
        order = _order(ask, machines, stock, nodes, attempt)
        taken = _taken(ask, stock, order, least)
        if taken and ask.node_count in (0, taken):
            return np.sort(order[:taken])
    return nodes[:0]


@compiled
def _order(ask: Ask, machines: Machines, stock: Stock, nodes: IntArray, attempt: int) -> IntArray:
    """The nodes in the order in which they are taken, those required first."""
    order = nodes
    if not ask.node_count:  # the roomiest of least weight
        order = order[np.argsort(-stock.tasks[order], kind="mergesort")]
        order = order[np.argsort(-stock.gpus[order], kind="mergesort")]
        order = order[np.argsort(machines.weight[order], kind="mergesort")]
    elif attempt == 0:
        order = order[np.argsort(machines.weight[order], kind="mergesort")]
    elif attempt == 1:
        order = order[np.argsort(-stock.tasks[order], kind="mergesort")]
    else:
        order = order[np.argsort(-stock.gpus[order], kind="mergesort")]
    if not ask.required_count:
        return order
    first = np.empty_like(order)
    count = 0
    for wanted in (True, False):
        for node in order:
            if has(ask.required, node) == wanted:
                first[count] = node
                count += 1
    return first


@compiled
def _single_of_least_weight(
    ask: Ask, machines: Machines, stock: Stock, nodes: IntArray, required: BoolArray
) -> int:
    """Place of the node that takes all alone: of least weight, then of the fewest tasks; or -1."""
    best = -1
    for place in range(nodes.size):
        node = nodes[place]
        if stock.tasks[node] < ask.tasks or stock.gpus[node] < ask.job_gpus:
            continue
        if ask.required_count and not required[place]:
            continue
        if best >= 0:
            heavier = machines.weight[node] - machines.weight[nodes[best]]
            if heavier > 0 or (heavier == 0 and stock.tasks[node] >= stock.tasks[nodes[best]]):
                continue
        best = place
    return best


@compiled
def _taken(ask: Ask, stock: Stock, nodes: IntArray, least: int) -> int:
    """How many of these, ``least`` at least, take all the tasks and GPUs; 0 if all do not."""
    tasks_left, gpus_left = ask.tasks, ask.job_gpus
    for index in range(nodes.size):
        tasks_left -= stock.tasks[nodes[index]]
        gpus_left -= stock.gpus[nodes[index]]
        if index + 1 >= least and tasks_left <= 0 and gpus_left <= 0:
            return index + 1
    return 0


@compiled
def _neighbours(ask: Ask, machines: Machines, stock: Stock) -> IntArray:
    """Nodes from runs of neighbours of equal weight; none if those do not take all."""
    runs = _runs(machines, stock)
    chosen, taken = np.empty(ask.node_count, dtype=np.int64), 0
    nodes_left = ask.node_count
    cpus_left = ask.tasks * ask.cpus_per_task
    while nodes_left > 1:
        head = _largest_lightest(runs)
        if head < 0:
            return chosen[:0]
        run = _smallest_enough(runs, head, nodes_left, cpus_left)
        runs.used[head] = True
        for node in range(runs.begins[run], runs.begins[run] + min(runs.sizes[run], nodes_left)):
            chosen[taken] = node
            taken += 1
            nodes_left -= 1
            cpus_left -= min(stock.cpus[node], cpus_left - nodes_left)
    if nodes_left:
        node = _single(runs, stock, cpus_left)
        if node < 0:
            return chosen[:0]
        chosen[taken] = node
    chosen.sort()
    return chosen if stock.tasks[chosen].sum() >= ask.tasks else chosen[:0]


@compiled
def _runs(machines: Machines, stock: Stock) -> Runs:
    """Word by word: a run ends before a node that is not there or of another weight."""
    nodes, joins = stock.nodes, machines.joins
    carry, count = np.uint64(0), 0
    starts = np.empty_like(nodes)
    for w in range(nodes.size):
        after_one = (nodes[w] << np.uint64(1)) | carry
        starts[w] = nodes[w] & ~(after_one & joins[w])
        carry = nodes[w] >> np.uint64(63)
    count = size(starts)
    begins, cpus = listed(starts), np.zeros(count, dtype=np.int64)
    sizes, weights = np.empty_like(begins), np.empty_like(begins)
    for run in range(count):
        node = begins[run]
        after = begins[run + 1] if run + 1 < count else nodes.size << 6
        over = _first_gap(nodes, node, after)
        sizes[run], weights[run] = over - node, machines.weight[node]
        for member in range(node, over):
            cpus[run] += stock.cpus[member]
    return Runs(begins, sizes, cpus, weights, np.zeros(count, dtype=np.bool_))


@compiled
def _first_gap(nodes: Words, begin: int, after: int) -> int:
    """The first place from ``begin`` on that is not in the set, or ``after``."""
    w = begin >> 6
    gaps = ~nodes[w] >> np.uint64(begin & 63) << np.uint64(begin & 63)
    while not gaps:
        w += 1
        if w << 6 >= after:
            return after
        gaps = ~nodes[w]
    return min((w << 6) + lowest(gaps), after)


@compiled
def _largest_lightest(runs: Runs) -> int:
    """The unused run of least weight, of those that with most CPUs, the first of equals; or -1."""
    best = -1
    for run in range(runs.sizes.size):
        if runs.used[run]:
            continue
        if (
            best < 0
            or runs.weights[run] < runs.weights[best]
            or (runs.weights[run] == runs.weights[best] and runs.cpus[run] > runs.cpus[best])
        ):
            best = run
    return best


@compiled
def _smallest_enough(runs: Runs, head: int, nodes_left: int, cpus_left: int) -> int:
    """Of the unused runs as light as the head the one with the fewest CPUs that takes all that is
    left, the first of equals; the head if none does.
    """
    best = -1
    for run in range(runs.sizes.size):
        if runs.used[run] or runs.weights[run] != runs.weights[head]:
            continue
        if runs.cpus[run] < cpus_left or runs.sizes[run] < nodes_left:
            continue
        if best < 0 or runs.cpus[run] < runs.cpus[best]:
            best = run
    return best if best >= 0 else head


@compiled
def _single(runs: Runs, stock: Stock, cpus_left: int) -> int:
    """One node with enough CPUs, in the smallest run of the lightest that has one; or -1."""
    best_run, best = -1, -1
    for run in range(runs.sizes.size):
        if runs.used[run]:
            continue
        if best_run >= 0 and (
            runs.weights[run] > runs.weights[best_run]
            or (
                runs.weights[run] == runs.weights[best_run]
                and runs.cpus[run] >= runs.cpus[best_run]
            )
        ):
            continue
        begin = runs.begins[run]
        node = _fewest_cpus(stock, begin, begin + runs.sizes[run], cpus_left)
        if node >= 0:
            best_run, best = run, node
    return best


@compiled
def _fewest_cpus(stock: Stock, begin: int, after: int, cpus_left: int) -> int:
    """The node with the fewest CPUs that are enough, the first of equals; or -1."""
    best = -1
    for node in range(begin, after):
        cpus = stock.cpus[node]
        if cpus >= cpus_left and (best < 0 or cpus < stock.cpus[best]):
            best = node
    return best
