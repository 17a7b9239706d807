"""What a request asks of the nodes, in numbers. Equal needs are one object: results are shared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from planner.sim.cluster import BoolArray, Nodes, Partition, Reservation
from planner.sim.jobs import Job
from planner.sim.nodeset import NodeSet, set_of_mask


@dataclass(frozen=True, eq=False)
class Grain:
    """What decides how many tasks of a need one node can take."""

    mask: BoolArray  # the nodes that may be used at all
    cpus_per_task: int
    tasks_per_node: int | None
    mem_mib_per_node: int | None  # None: all of it
    mem_mib_per_cpu: int
    node_gpus: tuple[int, ...]  # per node, by type; the last is of any type
    shares_gpus: bool  # over all nodes, of the type below
    job_gpu_type: int | None  # column; None: any
    whole_nodes: bool

    @cached_property
    def nodes(self) -> NodeSet:
        return set_of_mask(self.mask)


@dataclass(frozen=True, slots=True, eq=False)
class Need:
    """So much of one grain."""

    grain: Grain
    required: NodeSet  # nodes that must be used
    node_count: int | None
    tasks: int
    job_gpus: int  # over all nodes


class Needs:
    """The needs of jobs on one cluster."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._masks: dict[tuple[object, ...], BoolArray] = {}
        self._grains: dict[tuple[object, ...], Grain] = {}
        self._needs: dict[tuple[object, ...], Need] = {}

    def of(self, job: Job, partition: Partition, reservation: Reservation | None = None) -> Need:
        """The need of a job in a partition; ``reservation``: the one that it is in."""
        where = (
            partition.name,
            None if reservation is None else reservation.name,
            job.features,
            job.excluded_nodes,
        )
        job_gpus, job_gpu_type = _job_gpus(job, self._nodes)
        how = (
            job.cpus_per_task,
            job.tasks_per_node,
            job.mem_mib_per_node,
            job.mem_mib_per_cpu,
            (
                *(job.gpus_per_node.get(name, 0) if name else 0 for name in self._nodes.gpu_types),
                job.gpus_per_node.get("", 0),
            ),
            bool(job_gpus),
            job_gpu_type,
            job.exclusive or partition.exclusive,
        )
        if (where, how) not in self._grains:
            if where not in self._masks:
                self._masks[where] = self._candidates(job, partition, reservation)
            self._grains[where, how] = Grain(self._masks[where], *how)
        node_count = job.nodes
        if node_count is not None:
            node_count = max(node_count, len(job.required_nodes))
        tasks = max(job.tasks, job.min_nodes)
        key = where, how, job.required_nodes, node_count, tasks, job_gpus
        if key not in self._needs:
            required = set_of_mask(self._nodes.mask(job.required_nodes))
            grain = self._grains[where, how]
            self._needs[key] = Need(grain, required, node_count, tasks, job_gpus)
        return self._needs[key]

    def _candidates(
        self, job: Job, partition: Partition, reservation: Reservation | None
    ) -> BoolArray:
        mask = partition.nodes.copy()
        if reservation is not None:
            mask &= reservation.nodes
        if job.features:
            mask &= np.array([job.features <= features for features in self._nodes.features])
        if job.excluded_nodes:
            mask &= ~self._nodes.mask(job.excluded_nodes)
        return mask


def _job_gpus(job: Job, nodes: Nodes) -> tuple[int, int | None]:
    if not job.gpus_per_job or job.gpus_per_node:
        return 0, None
    ((gpu_type, count),) = job.gpus_per_job.items()
    return count, nodes.gpu_types.index(gpu_type) if gpu_type else None
