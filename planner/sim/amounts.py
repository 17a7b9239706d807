"""Trackable resources of a request and of an allocation, by Slurm's names, and what they bill."""

from __future__ import annotations

from planner.sim.cluster import BoolArray, Nodes, Partition, Tres
from planner.sim.jobs import Job
from planner.sim.occupancy import Allocation


def asked(job: Job, partition: Partition) -> dict[str, float]:
    """What the job asks for in all. Memory of --mem=0 is known only once nodes are chosen."""
    amounts: dict[str, float] = {
        "cpu": job.cpus,
        "mem": (job.mem_mib_per_node or 0) * job.min_nodes + job.mem_mib_per_cpu * job.cpus,
        "node": job.min_nodes,
    }
    for gpu_type, count in job.gpus_per_node.items():
        _add_gpus(amounts, gpu_type, count * job.min_nodes)
    if not job.gpus_per_node:
        for gpu_type, count in job.gpus_per_job.items():
            _add_gpus(amounts, gpu_type, count)
    return _with_billing(amounts, partition)


def allocated(allocation: Allocation, partition: Partition, nodes: Nodes) -> dict[str, float]:
    """What an allocation holds in all."""
    # Most jobs are on few nodes: sums of lists then take a fraction of numpy's.
    amounts: dict[str, float] = {
        "cpu": sum(allocation.cpus.tolist()),
        "mem": sum(allocation.mem_mib.tolist()),
        "node": len(allocation.nodes),
    }
    for gpu_type, counts in zip(nodes.gpu_types, allocation.gpus.T.tolist(), strict=True):
        _add_gpus(amounts, gpu_type, sum(counts))
    return _with_billing(amounts, partition)


def total(nodes: Nodes, mask: BoolArray) -> dict[str, float]:
    """All that the nodes of the mask have."""
    amounts: dict[str, float] = {
        "cpu": int(nodes.cpus[mask].sum()),
        "mem": int(nodes.mem_mib[mask].sum()),
        "node": int(mask.sum()),
    }
    for gpu_type, count in zip(nodes.gpu_types, nodes.gpus[mask].sum(axis=0), strict=True):
        _add_gpus(amounts, gpu_type, int(count))
    return amounts


def billing(amounts: Tres, partition: Partition) -> float:
    """Billing units per second: CPUs unless the partition weighs its resources."""
    if not partition.billing_weights:
        return amounts["cpu"]
    terms = [weight * amounts.get(name, 0) for name, weight in partition.billing_weights.items()]
    return max(terms) if partition.billing_max else sum(terms)


def _add_gpus(amounts: dict[str, float], gpu_type: str, count: int) -> None:
    if count:
        amounts["gres/gpu"] = amounts.get("gres/gpu", 0) + count
        if gpu_type:
            amounts[f"gres/gpu:{gpu_type}"] = count


def _with_billing(amounts: dict[str, float], partition: Partition) -> dict[str, float]:
    amounts["billing"] = billing(amounts, partition)
    return amounts
