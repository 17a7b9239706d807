"""From what an experiment asks for to the question "when would this start?"."""

from __future__ import annotations

from urllib.parse import urlencode

from tracker.models import ResourceRequest
from tracker.slurm.durations import format_duration
from tracker.slurm.tres import parse_gres


def plan_query(request: ResourceRequest) -> str | None:
    """The query string of the planning page; None where it cannot be asked there: GPUs of two
    types, or GRES that cannot be read."""
    try:
        gpus = parse_gres(request.gres)  # on each node
    except ValueError:
        return None
    if len(gpus) > 1:
        return None
    gpu_type, gpus_per_node = next(iter(gpus.items()), ("", 0))
    limit_minutes = request.time_limit_minutes
    fields = {
        "cluster": request.cluster.name,
        "partition": [name for name in request.partition.split(",") if name],
        "nodes": request.nodes,
        "ntasks": request.ntasks,
        "cpus": request.cpus_per_task,
        "mem": request.mem,
        "gpus": gpus_per_node * (request.nodes or 1),
        "gpu_type": gpu_type,
        "time": format_duration(limit_minutes * 60) if limit_minutes else "",
        "account": request.account,
        "qos": request.qos,
        "constraint": request.constraint,
        "ask": "1",
    }
    return urlencode({name: value for name, value in fields.items() if value}, doseq=True)
