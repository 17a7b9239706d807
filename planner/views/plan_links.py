"""Addresses of the planning page: the same question with another request."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict

# Field of the page's form by option of sbatch, where value and meaning are the same.
FIELDS = {
    "partition": "partition",
    "account": "account",
    "qos": "qos",
    "nodes": "nodes",
    "ntasks": "ntasks",
    "cpus-per-task": "cpus",
    "mem": "mem",
    "mem-per-cpu": "mem",
    "time": "time",
    "constraint": "constraint",
    "begin": "begin",
}
FLAGS = {"mem-per-cpu": "mem_per_cpu", "exclusive": "exclusive"}
GPU_OPTIONS = ("gpus", "gpus-per-node", "gres")
# Fields that outlive a changed request: what belongs to the page, and what sbatch_args leave out.
KEPT = ("experiment", "script", "ignored", "name", "begin", "deadline")


def kept(address: QueryDict) -> QueryDict:
    """Of the query of a page, what any address that follows from it carries on."""
    query = QueryDict(mutable=True)
    for name in KEPT:
        if address.getlist(name):
            query.setlist(name, address.getlist(name))
    return query


def asking(cluster: str, sbatch_args: Sequence[str], address: QueryDict) -> str:
    """The query string that asks for exactly these options on the cluster."""
    query = kept(address)
    query["cluster"], query["ask"] = cluster, "1"
    options = dict(word.removeprefix("--").partition("=")[::2] for word in sbatch_args)
    for name, value in options.items():
        if name in FIELDS:
            query[FIELDS[name]] = value
        if name in FLAGS:
            query[FLAGS[name]] = "1"
        if name in GPU_OPTIONS:
            _ask_gpus(query, name, value, int(options.get("nodes") or 1))
    return f"?{query.urlencode()}#answer"


def _ask_gpus(query: QueryDict, option: str, value: str, nodes: int) -> None:
    """``a100:2``: the form counts the GPUs of all nodes, and has a field for the type."""
    gpu_type, _, count = value.removeprefix("gpu:").rpartition(":")
    if gpu_type:
        query["gpu_type"] = gpu_type
    if option == "gpus":
        query["gpus"] = count
    else:
        query["gpus"], query["gpus_option"] = str(int(count) * nodes), option
