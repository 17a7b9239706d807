"""Multifactor priority: factors in [0, 1], their weighted sum.

Source: priority_multifactor.c of Slurm 20.11 to 25.11. The part, size, QOS, association and TRES
terms of a (job, partition) pair do not change while it waits; age and fair share do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from planner.sim.cluster import IntArray, Tres
from planner.sim.config import PriorityConfig
from planner.sim.fairshare import FloatArray

MAX_PRIORITY = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Factors:
    """Normalised factors of one (job, partition) pair."""

    age: float = 0.0
    fair_share: float = 0.0
    assoc: float = 0.0
    job_size: float = 0.0
    partition: float = 0.0
    qos: float = 0.0
    tres: Mapping[str, float] = field(default_factory=dict)

    def weighted(self, config: PriorityConfig) -> dict[str, float]:
        """Each part of the sum by the names that sprio heads its columns with."""
        parts = {
            "AGE": config.weight_age * self.age,
            "ASSOC": config.weight_assoc * self.assoc,
            "FAIRSHARE": config.weight_fair_share * self.fair_share,
            "JOBSIZE": config.weight_job_size * self.job_size,
            "PARTITION": config.weight_partition * self.partition,
            "QOS": config.weight_qos * self.qos,
        }
        for name, weight in config.weight_tres.items():
            parts[name] = weight * self.tres.get(name, 0.0)
        return parts


def clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def age_factor(now_s: float, age_from_s: float | None, max_age_s: float) -> float:
    """0 while age does not accrue (``age_from_s`` None), 1 from the maximum age on."""
    if age_from_s is None or max_age_s <= 0:
        return 0.0
    return clip((now_s - age_from_s) / max_age_s)


def size_factor(
    min_nodes: int, cpus: int, cluster_nodes: int, cluster_cpus: int, *, favor_small: bool
) -> float:
    """Mean of the job's share of the cluster's nodes and of its CPUs."""
    nodes_part, cpus_part = min_nodes / cluster_nodes, cpus / cluster_cpus
    if favor_small:
        nodes_part, cpus_part = 1 - nodes_part, 1 - cpus_part
    return clip((nodes_part + cpus_part) / 2)


def tres_factors(asked: Tres, partition_total: Tres) -> dict[str, float]:
    """Share of the partition asked for, by TRES name."""
    return {
        name: clip(asked.get(name, 0) / total) for name, total in partition_total.items() if total
    }


def priority(weighted_sum: float, *, nice: int, site_factor: int) -> int:
    """Truncated as Slurm does; at least 1, as 0 means held."""
    return int(min(MAX_PRIORITY, max(1.0, weighted_sum + site_factor - nice)))


def priorities(weighted_sums: FloatArray, *, nice: IntArray, site_factor: IntArray) -> IntArray:
    """``priority`` of many."""
    summed = weighted_sums + site_factor - nice
    return np.minimum(MAX_PRIORITY, np.maximum(1.0, summed)).astype(np.int64)
