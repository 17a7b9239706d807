"""Limits of a QOS or an association as people know them: Slurm's names, only those that are set."""

from __future__ import annotations

import math

from tracker.slurm.records import Association, Qos, Tres

# Our field to the name that sacctmgr shows.
_NAMES = {
    "grp_tres": "GrpTRES",
    "grp_jobs": "GrpJobs",
    "grp_wall_minutes": "GrpWall",
    "max_tres_per_job": "MaxTRES",
    "max_tres_per_node": "MaxTRESPerNode",
    "max_tres_per_user": "MaxTRESPU",
    "max_tres_per_account": "MaxTRESPA",
    "min_tres_per_job": "MinTRES",
    "max_wall_minutes": "MaxWall",
    "max_jobs": "MaxJobs",
    "max_jobs_per_user": "MaxJobsPU",
    "max_jobs_per_account": "MaxJobsPA",
    "max_submit_jobs": "MaxSubmitJobs",
    "max_submit_per_user": "MaxSubmitJobsPU",
}


def limits_of(record: Qos | Association) -> dict[str, object]:
    """Counts as numbers, walls in minutes, TRES as Slurm writes them: ``cpu=64,gres/gpu=8``."""
    limits: dict[str, object] = {}
    for field, name in _NAMES.items():
        value = getattr(record, field, None)
        if isinstance(value, Tres):
            value = _tres_text(value) or None
        if value is not None and value != math.inf:
            limits[name] = value
    return limits


def _tres_text(tres: Tres) -> str:
    parts: dict[str, float | None] = {
        "billing": tres.billing,
        "cpu": tres.cpus,
        "gres/gpu": tres.gpus,
        **{f"gres/gpu:{kind}": count for kind, count in tres.gpus_by_type.items()},
        "node": tres.nodes,
        **tres.other,
    }
    texts = [f"{name}={value:.15g}" for name, value in parts.items() if value is not None]
    if tres.mem_mib is not None:
        texts.append(f"mem={tres.mem_mib}M")
    return ",".join(sorted(texts))
