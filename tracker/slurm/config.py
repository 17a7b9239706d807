"""scontrol show config: the cluster's own rules."""

from __future__ import annotations

import math
import re

from tracker.slurm.durations import parse_duration_s
from tracker.slurm.records import ClusterConfig
from tracker.slurm.rows import Row
from tracker.slurm.tres import parse_points

_LINE = re.compile(r"(\S+) *= ?(.*)", re.ASCII)
_WEIGHTS = {
    "age": "PriorityWeightAge",
    "assoc": "PriorityWeightAssoc",
    "fair_share": "PriorityWeightFairShare",
    "job_size": "PriorityWeightJobSize",
    "partition": "PriorityWeightPartition",
    "qos": "PriorityWeightQOS",
}


def parse_config(text: str) -> ClusterConfig:
    """Every ``Key = value`` line; ParseError if it names no cluster."""
    values: dict[str, str] = {}
    for line in text.split("\n"):
        if match := _LINE.fullmatch(line.rstrip()):
            values.setdefault(match[1], match[2])  # plugins repeat keys in sections below
    row = Row("scontrol show config", text[:200], values)
    cluster_name = row.text("ClusterName")
    if cluster_name is None:
        raise row.error("no ClusterName; this is not the output of scontrol show config")
    weights = {key: row.integer(name) or 0 for key, name in _WEIGHTS.items()}
    return ClusterConfig(
        cluster_name=cluster_name,
        slurm_version=row.text("SLURM_VERSION") or "",
        values=values,
        scheduler_parameters=_parameters(row),
        priority_weights=weights,
        priority_tres_weights=row.read("PriorityWeightTRES", parse_points),
        priority_flags=frozenset(row.words("PriorityFlags")),
        priority_max_age_s=_seconds(row, "PriorityMaxAge", 7 * 86400),
        priority_calc_period_s=_seconds(row, "PriorityCalcPeriod", 300),
        priority_decay_half_life_s=_seconds(row, "PriorityDecayHalfLife", 7 * 86400),
        private_data=frozenset(row.words("PrivateData")),
        enforce=frozenset(row.words("AccountingStorageEnforce")),
        def_mem_per_cpu_mib=_mib(row, "DefMemPerCPU"),
        def_mem_per_node_mib=_mib(row, "DefMemPerNode"),
        kill_wait_s=_seconds(row, "KillWait", 30),
        over_time_limit_minutes=row.minutes("OverTimeLimit") or 0,
        min_job_age_s=_seconds(row, "MinJobAge", 300),
    )


def _parameters(row: Row) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for word in row.words("SchedulerParameters"):
        name, _, value = word.partition("=")
        parameters[name] = value
    return parameters


def _seconds(row: Row, key: str, default_s: int) -> int:
    seconds = row.read(key, parse_duration_s)
    if seconds is None:
        return default_s
    if math.isinf(seconds):
        raise row.error(f"{key} cannot be unlimited")
    return int(seconds)


def _mib(row: Row, key: str) -> int | None:
    return None if row.text(key) == "UNLIMITED" else row.integer(key)
