"""What jobs ask for, as the compiled search reads it: needs and their grains, row by row."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.kernel.jit import bare
from planner.sim.kernel.limits import LimitBook
from planner.sim.kernel.words import Words, words_of
from planner.sim.needs import Grain, Need
from planner.sim.outlook import planned_run_s
from planner.sim.placement import Fit
from planner.sim.queue import Record
from planner.sim.state import State

ALL = -1  # of mem_mib_per_node: all that the node has
ANY_TYPE = -1  # of job_gpu_type
_NO_CAP = 1 << 40  # tasks on a node


class Grains(NamedTuple):
    nodes: Words  # grains x words
    cpus_per_task: IntArray
    tasks_per_node: IntArray
    mem_mib_per_node: IntArray
    mem_mib_per_cpu: IntArray
    node_gpus: IntArray  # grains x types and any
    shares_gpus: BoolArray
    job_gpu_type: IntArray
    whole_nodes: BoolArray
    idle_fit: Words  # nodes that can take a task when idle; this and the next for whole nodes only
    idle_tasks: IntArray  # grains x nodes, 0 where none fits
    idle_gpus: IntArray  # towards those of the job
    idle_least: IntArray  # tasks of the node that takes fewest, and most
    idle_most: IntArray


class Asks(NamedTuple):
    """Needs, and the grains that they are of."""

    grain: IntArray
    required: Words  # needs x words
    required_count: IntArray
    node_count: IntArray  # 0: as few as the tasks need
    tasks: IntArray
    job_gpus: IntArray
    # A countable need fits wherever so many nodes each take so many tasks; 0 nodes: it is not one.
    enough_nodes: IntArray
    each_tasks: IntArray
    each_key: IntArray  # of the grain with so many tasks, see planner.sim.kernel.ready
    one_key: IntArray  # of the grain with one task
    grains: Grains


class Ask(NamedTuple):
    """One need with its grain."""

    node_count: int
    tasks: int
    job_gpus: int
    enough_nodes: int
    each_tasks: int
    each_key: int
    one_key: int
    required_count: int
    cpus_per_task: int
    tasks_per_node: int
    mem_mib_per_node: int
    mem_mib_per_cpu: int
    shares_gpus: bool
    job_gpu_type: int
    whole_nodes: bool
    idle_least: int
    idle_most: int
    required: Words
    nodes: Words
    node_gpus: IntArray
    idle_fit: Words
    idle_tasks: IntArray
    idle_gpus: IntArray


@bare
def ask_at(asks: Asks, index: int) -> Ask:
    grains, grain = asks.grains, asks.grain[index]
    return Ask(
        asks.node_count[index],
        asks.tasks[index],
        asks.job_gpus[index],
        asks.enough_nodes[index],
        asks.each_tasks[index],
        asks.each_key[index],
        asks.one_key[index],
        asks.required_count[index],
        grains.cpus_per_task[grain],
        grains.tasks_per_node[grain],
        grains.mem_mib_per_node[grain],
        grains.mem_mib_per_cpu[grain],
        grains.shares_gpus[grain],
        grains.job_gpu_type[grain],
        grains.whole_nodes[grain],
        grains.idle_least[grain],
        grains.idle_most[grain],
        asks.required[index],
        grains.nodes[grain],
        grains.node_gpus[grain],
        grains.idle_fit[grain],
        grains.idle_tasks[grain],
        grains.idle_gpus[grain],
    )


class AskBook:
    """Numbers the records of a simulation and their needs as they come."""

    def __init__(self, state: State, words: int) -> None:
        self._state, self._words = state, words
        self._reservations = {name: place for place, name in enumerate(state.reservations)}
        self.limits = LimitBook(state)
        self._records = 0
        # By number of the record:
        self.ask = np.zeros(64, dtype=np.int64)
        self.run_s = np.zeros(64, dtype=np.float64)
        self.own_reservation = np.zeros(64, dtype=np.int64)
        self.by_hand = np.zeros(64, dtype=np.bool_)
        self._needs: dict[Need, int] = {}
        self._grains: dict[Grain, int] = {}
        self._keys: dict[tuple[int, int], int] = {}  # by grain and tasks
        self._asks = _empty_asks(len(state.nodes), words, len(state.nodes.gpu_types) + 1)

    @property
    def asks(self) -> Asks:
        return self._asks

    @property
    def keys(self) -> int:
        """How many pairs of a grain and a number of tasks there are."""
        return len(self._keys)

    def number(self, record: Record) -> int:
        if record.number is None:
            number = record.number = self._records
            self._records += 1
            if number == self.ask.size:
                self.ask, self.run_s = _doubled(self.ask), _doubled(self.run_s)
                self.own_reservation = _doubled(self.own_reservation)
                self.by_hand = _doubled(self.by_hand)
            job = record.job
            self.ask[number] = self.number_of(record.need)
            self.run_s[number] = planned_run_s(record)
            self.own_reservation[number] = self._reservations.get(job.reservation or "", -1)
            one_only = self._state.config.bf_one_resv_per_job and len(job.partitions) > 1
            self.by_hand[number] = job.array_id is not None or one_only
            self.limits.note(number, record)
        return record.number

    def number_of(self, need: Need) -> int:
        index = self._needs.get(need)
        if index is None:
            index = self._needs[need] = len(self._needs)
            if index == len(self._asks.grain):
                *columns, grains = self._asks
                self._asks = Asks._make([*(_doubled(column) for column in columns), grains])
            grain = self._grain_number(need.grain)
            asks = self._asks
            asks.grain[index] = grain
            asks.required[index] = words_of(need.required, self._words)
            asks.required_count[index] = need.required.bit_count()
            asks.node_count[index] = need.node_count or 0
            asks.tasks[index] = need.tasks
            asks.job_gpus[index] = need.job_gpus
            nodes, tasks = _countable(need)
            asks.enough_nodes[index], asks.each_tasks[index] = nodes, tasks
            asks.each_key[index] = self._key(grain, tasks)
            asks.one_key[index] = self._key(grain, 1)
        return index

    def _key(self, grain: int, tasks: int) -> int:
        return self._keys.setdefault((grain, tasks), len(self._keys))

    def _grain_number(self, grain: Grain) -> int:
        if grain in self._grains:
            return self._grains[grain]
        index = self._grains[grain] = len(self._grains)
        if index == len(self._asks.grains.cpus_per_task):
            columns = self._asks.grains._asdict()
            doubled = {name: _doubled(column) for name, column in columns.items()}
            self._asks = self._asks._replace(grains=Grains(**doubled))
        self._fill(index, grain)
        return index

    def _fill(self, index: int, grain: Grain) -> None:
        grains, per_node = self._asks.grains, grain.mem_mib_per_node
        grains.nodes[index] = words_of(grain.nodes, self._words)
        grains.cpus_per_task[index] = grain.cpus_per_task
        grains.tasks_per_node[index] = grain.tasks_per_node or _NO_CAP
        grains.mem_mib_per_node[index] = ALL if per_node is None else per_node
        grains.mem_mib_per_cpu[index] = 0 if per_node is None else grain.mem_mib_per_cpu
        grains.node_gpus[index] = grain.node_gpus
        grains.shares_gpus[index] = grain.shares_gpus
        job_gpu_type = grain.job_gpu_type
        grains.job_gpu_type[index] = ANY_TYPE if job_gpu_type is None else job_gpu_type
        grains.whole_nodes[index] = grain.whole_nodes
        fit: Fit = self._state.full_fit(grain)
        grains.idle_fit[index] = words_of(fit.node_set, self._words)
        grains.idle_tasks[index, fit.nodes] = fit.tasks
        if fit.gpus is not None:
            grains.idle_gpus[index, fit.nodes] = fit.gpus
        grains.idle_least[index], grains.idle_most[index] = fit.least, fit.most


def _empty_asks(nodes: int, words: int, gpu_columns: int) -> Asks:
    def numbers(*shape: int) -> IntArray:
        return np.zeros((16, *shape), dtype=np.int64)

    def flags() -> BoolArray:
        return np.zeros(16, dtype=np.bool_)

    def sets() -> Words:
        return np.zeros((16, words), dtype=np.uint64)

    grains = Grains(
        sets(),
        numbers(),
        numbers(),
        numbers(),
        numbers(),
        numbers(gpu_columns),
        flags(),
        numbers(),
        flags(),
        sets(),
        numbers(nodes),
        numbers(nodes),
        numbers(),
        numbers(),
    )
    columns = [numbers() for _ in range(8)]
    return Asks._make([numbers(), sets(), *columns, grains])


def _countable(need: Need) -> tuple[int, int]:
    """The need fits wherever so many nodes each take so many tasks; (0, 1) if that is not all."""
    count, tasks, per_node = need.node_count, need.tasks, need.grain.tasks_per_node
    if need.grain.whole_nodes or need.grain.shares_gpus or need.required:
        return 0, 1
    if count is None:
        return (1, 1) if tasks <= 1 else (0, 1)
    if tasks <= count:  # whichever nodes take a task each take all
        return count, 1
    if count == 1 or (per_node is not None and tasks == count * per_node):
        return count, tasks // count
    return 0, 1


_Item = TypeVar("_Item", bound=np.generic)


def _doubled(column: npt.NDArray[_Item]) -> npt.NDArray[_Item]:
    return np.concatenate([column, np.zeros_like(column)])
