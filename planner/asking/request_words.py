"""A request said in a line, and as a link that asks it again. Pure."""

from __future__ import annotations

from urllib.parse import urlencode

from planner.asking.request import Request
from tracker.slurm.durations import format_duration


def words_of(request: Request) -> str:
    """``2 nodes, 4 a100 GPUs, 8 tasks of 4 CPUs, 64 GiB a node, 04:00:00 in gpu``."""
    tasks = f"{request.ntasks} × " if request.ntasks > 1 else ""
    parts = [
        f"{request.nodes} nodes" if request.nodes > 1 else "",
        _gpus(request),
        f"{tasks}{request.cpus} CPU{'s' if request.cpus > 1 else ''}",
        _memory(request),
        "whole nodes" if request.exclusive else "",
        format_duration(request.limit_minutes * 60.0) if request.limit_minutes else "",
    ]
    places = ", ".join(filter(None, [*request.partitions, request.qos and f"QOS {request.qos}"]))
    return ", ".join(filter(None, parts)) + (f" in {places}" if places else "")


def _gpus(request: Request) -> str:
    if not request.gpus:
        return ""
    gpu_type = f"{request.gpu_type} " if request.gpu_type else ""
    return f"{request.gpus} {gpu_type}GPU{'s' if request.gpus > 1 else ''}"


def _memory(request: Request) -> str:
    if not request.mem_mib:
        return ""
    each = "a CPU" if request.mem_per_cpu else "a node"
    return f"{request.mem_mib / 1024:.4g} GiB {each}"


def query_of(cluster: str, request: Request) -> str:
    """The query string of the planning page that asks this."""
    limit = request.limit_minutes
    fields = {
        "cluster": cluster,
        "partition": request.partitions,
        "nodes": request.nodes,
        "ntasks": request.ntasks,
        "cpus": request.cpus,
        "mem": None if request.mem_mib is None else f"{request.mem_mib}M",
        "mem_per_cpu": "on" if request.mem_per_cpu else "",
        "gpus": request.gpus,
        "gpu_type": request.gpu_type,
        "gpus_option": request.gpus_option if request.gpus else "",
        "constraint": "&".join(request.constraint),
        "exclusive": "on" if request.exclusive else "",
        "account": request.account,
        "qos": request.qos,
        "time": format_duration(limit * 60.0) if limit else "",
        "begin": request.begin_at and f"{request.begin_at:%Y-%m-%dT%H:%M:%S}",
        "deadline": request.deadline_at and f"{request.deadline_at:%Y-%m-%dT%H:%M:%S}",
        "ask": "1",
    }
    return urlencode({name: value for name, value in fields.items() if value}, doseq=True)
