"""What a job asks for, as squeue tells it, normalised to the simulator's terms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.sim import cluster as sim
from planner.snapshot import tres
from planner.snapshot.facts import Facts
from tracker.slurm import records as slurm
from tracker.slurm.hostlist import expand

_FEATURE = re.compile(r"[A-Za-z0-9_.:=-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Site:
    """What of the cluster decides how a request is read."""

    nodes: sim.Nodes
    partitions: Mapping[str, slurm.Partition]
    masks: Mapping[str, sim.BoolArray]  # of the same partitions
    default_mem_per_cpu_mib: int | None
    default_mem_per_node_mib: int | None
    shares_memory: bool  # memory is allotted; else nobody counts it
    threads_per_core: Mapping[str, int]  # by partition; 1 where single threads are allotted

    @classmethod
    def of(cls, facts: Facts, nodes: sim.Nodes, partitions: tuple[sim.Partition, ...]) -> Site:
        config = facts.config
        select = config.values.get("SelectTypeParameters", "") if config is not None else ""
        by_core = "CR_CORE" in select.upper() or "CR_SOCKET" in select.upper()
        threads = {
            name: max((n.threads_per_core for n in facts.nodes if name in n.partitions), default=1)
            for name in (p.name for p in facts.partitions)
        }
        return cls(
            nodes=nodes,
            partitions={p.name: p for p in facts.partitions},
            masks={p.name: p.nodes for p in partitions},
            default_mem_per_cpu_mib=config.def_mem_per_cpu_mib if config is not None else None,
            default_mem_per_node_mib=config.def_mem_per_node_mib if config is not None else None,
            shares_memory=config is None or "MEMORY" in select.upper(),
            threads_per_core=threads if by_core else dict.fromkeys(threads, 1),
        )


def request_fields(job: slurm.QueuedJob, partition: str, site: Site) -> dict[str, Any]:
    """The fields of ``sim.Job`` that describe the request. ValueError on what cannot be read."""
    cpus = job.cpus or 1
    node_count = job.node_count or 1
    nodes: int | None = node_count
    if -(-cpus // node_count) > _widest_node(partition, site):
        nodes = None  # squeue shows the least count where only tasks were asked for
    tasks = max(job.ntasks or node_count, node_count)
    if cpus % tasks:
        tasks = node_count
    cpus_per_task = -(-cpus // tasks)
    if tasks == node_count:
        threads = site.threads_per_core[partition]
        cpus_per_task = -(-cpus_per_task // threads) * threads  # whole cores
    return {
        "nodes": nodes,
        "tasks": tasks,
        "cpus_per_task": cpus_per_task,
        **_memory(job, site.partitions[partition], site),
        **_gpus(job, nodes, tasks, site),
        **_placement(job, site),
        "exclusive": job.exclusive,
    }


def _widest_node(partition: str, site: Site) -> int:
    cpus = site.nodes.cpus[site.masks[partition]]
    return int(cpus.max()) if cpus.size else 0


def _memory(job: slurm.QueuedJob, partition: slurm.Partition, site: Site) -> dict[str, int | None]:
    """Of each node, or of each cpu. The first default that is set counts, per cpu before per node
    within the partition and then within the cluster; --mem=0, or none at all, is the whole node.
    """
    if not site.shares_memory:
        return {"mem_mib_per_node": 0}
    if job.mem_mib:
        field = "mem_mib_per_cpu" if job.mem_per_cpu else "mem_mib_per_node"
        return {"mem_mib_per_node": 0, field: job.mem_mib}
    if job.mem_mib is None:
        for field, default_mib in (
            ("mem_mib_per_cpu", partition.def_mem_per_cpu_mib),
            ("mem_mib_per_node", partition.def_mem_per_node_mib),
            ("mem_mib_per_cpu", site.default_mem_per_cpu_mib),
            ("mem_mib_per_node", site.default_mem_per_node_mib),
        ):
            if default_mib:
                return {"mem_mib_per_node": 0, field: default_mib}
    return {"mem_mib_per_node": None}


def _gpus(
    job: slurm.QueuedJob, nodes: int | None, tasks: int, site: Site
) -> dict[str, dict[str, int]]:
    """Per node where that is what was asked, or follows from one node; else over the whole job."""
    per_node = tres.gpus(job.tres_per_node)
    per_job = tres.gpus(job.tres_per_job)
    for kind, count in tres.gpus(job.tres_per_task).items():
        per_job[kind] = per_job.get(kind, 0) + count * tasks
    if not per_node and not per_job:
        per_job = tres.gpus(job.tres_alloc)  # --gpus-per-socket and other forms show only here
    if strangers := (per_node | per_job).keys() - {"", *site.nodes.gpu_types}:
        raise ValueError(f"no node has GPUs of type {', '.join(sorted(strangers))}")
    if nodes == 1:
        return {"gpus_per_node": per_node or per_job}
    if len(per_job) > 1:
        raise ValueError(f"--gpus of several types ({', '.join(sorted(per_job))}) over many nodes")
    return {"gpus_per_node": per_node, "gpus_per_job": {} if per_node else per_job}


def _placement(job: slurm.QueuedJob, site: Site) -> dict[str, Any]:
    required = tuple(expand(job.required_nodes)) if job.required_nodes else ()
    if strangers := set(required) - set(site.nodes.names):
        raise ValueError(f"it requires nodes {', '.join(sorted(strangers))}, which are not known")
    if not job.features:
        return {"required_nodes": required}
    groups = feature_groups(job.features)
    if len(groups) == 1:
        return {"required_nodes": required, "features": groups[0]}
    # A choice of features is a choice of nodes.
    excluded = {
        name
        for name, features in zip(site.nodes.names, site.nodes.features, strict=True)
        if not any(group <= features for group in groups)
    }
    return {"required_nodes": required, "excluded_nodes": frozenset(excluded)}


def feature_groups(constraint: str) -> list[frozenset[str]]:
    """``a100&ib|h100`` as alternatives of features that all must be there.

    Brackets and counts (``[a*2&b*1]``, ``[rack1|rack2]``) tie several nodes together, which the
    model cannot: there the features count as alternatives for every node. ValueError on a negated
    or nested constraint.
    """
    bracketed = constraint.startswith("[") and constraint.endswith("]")
    text = constraint.strip("[]")
    counted = "*" in text
    text = re.sub(r"\*[0-9]+", "", text)
    if bracketed and counted:
        text = text.replace("&", "|")
    if text.startswith("(") and text.endswith(")") and text.count("(") == 1:
        text = text[1:-1]
    groups = [frozenset(group.split("&")) for group in text.replace(",", "&").split("|")]
    for feature in frozenset().union(*groups):
        if not _FEATURE.fullmatch(feature):
            raise ValueError(f"constraint {constraint!r} is not modelled")
    return groups
