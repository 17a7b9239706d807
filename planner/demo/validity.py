"""What the demo cluster's controller accepts: the checks that real Slurm makes at submission."""

from __future__ import annotations

import numpy as np

from planner.demo import site
from planner.demo.jobs import Request
from planner.demo.refusal import SlurmRefusalError
from planner.sim.cluster import IntArray, Partition

_FAILED = "sbatch: error: Batch job submission failed: "


def check(request: Request, accounts_of_user: frozenset[str]) -> None:
    """Raise SlurmRefusalError if the job could never run, as with EnforcePartLimits=ALL."""
    partitions = [_partition(name) for name in request.partitions]
    if request.account not in accounts_of_user:
        raise SlurmRefusalError(
            f"{_FAILED}Invalid account or account/partition combination specified"
        )
    if request.qos not in {qos.name for qos in site.QOS}:
        raise SlurmRefusalError(f"{_FAILED}Invalid qos specification")
    for partition in partitions:
        allowed = partition.allow_accounts
        if allowed is not None and request.account not in allowed:
            raise SlurmRefusalError(
                f"{_FAILED}Invalid account or account/partition combination specified"
            )
        if request.limit_minutes * 60 > partition.max_s:
            raise SlurmRefusalError(
                f"{_FAILED}Requested time limit is invalid (missing or exceeds some limit)"
            )
        if (request.nodes or 1) > partition.max_nodes:
            raise SlurmRefusalError(f"{_FAILED}Node count specification invalid")
        if not _fits(request, partition):
            raise SlurmRefusalError(f"{_FAILED}Requested node configuration is not available")


def _partition(name: str) -> Partition:
    for partition in site.PARTITIONS:
        if partition.name == name:
            return partition
    raise SlurmRefusalError(
        f"sbatch: error: invalid partition specified: {name}\n"
        f"{_FAILED}Invalid partition name specified"
    )


def _fits(request: Request, partition: Partition) -> bool:
    """Whether enough nodes of the partition could hold it, were they empty."""
    nodes = site.NODES
    able = partition.nodes & nodes.usable_in_plan
    able &= np.array([set(request.features) <= features for features in nodes.features])
    count = request.nodes or 1
    tasks_per_node = -(-request.tasks // count) if request.nodes else 1
    cpus = tasks_per_node * request.cpus_per_task
    able &= nodes.cpus >= cpus
    able &= nodes.mem_mib >= max(request.mem_mib_per_node or 0, request.mem_mib_per_cpu * cpus)
    for kind, per_node in request.gpus_per_node.items():
        able &= _gpus(kind) >= per_node
    if able.sum() < count:
        return False
    if not request.nodes and (nodes.cpus[able] // request.cpus_per_task).sum() < request.tasks:
        return False
    return all(_gpus(kind)[able].sum() >= n for kind, n in request.gpus_per_job.items())


def _gpus(kind: str) -> IntArray:
    """GPUs per node of a type; of any type for ""."""
    nodes = site.NODES
    wanted = np.array([kind in ("", gpu_type) for gpu_type in nodes.gpu_types])
    per_node: IntArray = nodes.gpus[:, wanted].sum(axis=1)
    return per_node
