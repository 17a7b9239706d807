"""What a hypothetical job would ask for: pure, and light enough for the web process."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from tracker.slurm.durations import format_duration, parse_minutes
from tracker.slurm.tres import parse_mem_mib

MAX_COUNT = 1_000_000  # of nodes, tasks, CPUs, GPUs: more is a slip of the keyboard
MAX_LIMIT_MINUTES = 366 * 24 * 60
# Options of sbatch that ask for GPUs, each with what stands before type and count. The first is
# for the whole job, wherever they are; the others for each of its nodes.
GPU_OPTIONS = {"gpus": "", "gpus-per-node": "", "gres": "gpu:"}


@dataclass(frozen=True, slots=True)
class Request:
    """One job in the units of sbatch; None or empty is left to Slurm."""

    user: str = ""  # unix name; "" where nobody is mapped: planned without fair share
    name: str = ""  # of the job: jobs of one name run alike
    account: str | None = None
    qos: str | None = None
    partitions: tuple[str, ...] = ()  # empty: every one that is not hidden
    nodes: int = 1
    ntasks: int = 1
    cpus: int = 1  # per task
    mem_mib: int | None = None  # per node, or per CPU; 0: all of the node
    mem_per_cpu: bool = False
    gpus: int = 0  # in all
    gpu_type: str | None = None
    gpus_option: str = "gpus"  # how they are asked for: see GPU_OPTIONS
    constraint: tuple[str, ...] = ()  # features that every node has; one with | is a choice
    exclusive: bool = False
    limit_minutes: int | None = None
    begin_at: datetime | None = None  # not before
    deadline_at: datetime | None = None  # not needed later: Slurm removes what cannot end by then

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Request:
        """The inverse of :meth:`as_json`."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in stored.items()
        }
        for name in ("begin_at", "deadline_at"):
            if fields.get(name):
                fields[name] = datetime.fromisoformat(fields[name])
        return cls(**fields)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "partitions": list(self.partitions),
            "constraint": list(self.constraint),
            "begin_at": self.begin_at and self.begin_at.isoformat(),
            "deadline_at": self.deadline_at and self.deadline_at.isoformat(),
        }

    @property
    def gpus_per_node(self) -> int | None:
        """Where as many are asked for on each node; None: anywhere, or none at all."""
        if not self.gpus or self.gpus_option == "gpus":
            return None
        return self.gpus // self.nodes

    def sbatch_args(self, partition: str) -> list[str]:
        """Options of sbatch that ask for exactly this in the partition."""
        count = str(self.gpus_per_node or self.gpus)
        gpus = f"{self.gpu_type}:{count}" if self.gpu_type else count
        limit_s = None if self.limit_minutes is None else self.limit_minutes * 60.0
        options = {
            "partition": partition,
            "account": self.account,
            "qos": self.qos,
            "nodes": self.nodes,
            "ntasks": self.ntasks,
            "cpus-per-task": self.cpus,
            "mem-per-cpu" if self.mem_per_cpu else "mem": (
                None if self.mem_mib is None else f"{self.mem_mib}M"
            ),
            self.gpus_option: (None if not self.gpus else f"{GPU_OPTIONS[self.gpus_option]}{gpus}"),
            "constraint": "&".join(self.constraint) or None,
            "time": None if limit_s is None else format_duration(limit_s),
        }
        words = [f"--{name}={value}" for name, value in options.items() if value is not None]
        return [*words, "--exclusive"] if self.exclusive else words


def request_of(fields: Mapping[str, Any], user: str) -> Request:
    """From the validated fields of the form or of the API; what is missing takes its default.

    Raises ValueError, naming field and cure, on numbers that contradict each other.
    """
    nodes = fields.get("nodes") or 1
    ntasks = fields.get("ntasks") or nodes
    if ntasks < nodes:
        raise ValueError(f"{ntasks} tasks cannot fill {nodes} nodes; give at least as many tasks.")
    gpu_type = fields.get("gpu_type") or None
    gpus = fields.get("gpus") or (nodes if gpu_type else 0)
    gpus_option = fields.get("gpus_option") or "gpus"
    if gpus_option != "gpus" and gpus % nodes:
        raise ValueError(f"{nodes} nodes cannot have equal shares of {gpus} GPUs; give a multiple.")
    return Request(
        user=user,
        name=fields.get("name") or "",
        account=fields.get("account") or None,
        qos=fields.get("qos") or None,
        partitions=tuple(dict.fromkeys(fields.get("partition") or ())),
        nodes=nodes,
        ntasks=ntasks,
        cpus=fields.get("cpus") or 1,
        mem_mib=fields.get("mem"),
        gpus=gpus,
        gpu_type=gpu_type,
        gpus_option=gpus_option,
        mem_per_cpu=bool(fields.get("mem_per_cpu")),
        constraint=fields.get("constraint") or (),
        exclusive=bool(fields.get("exclusive")),
        limit_minutes=fields.get("time"),
        begin_at=fields.get("begin"),
        deadline_at=fields.get("deadline"),
    )


def mem_mib_of(text: str) -> int | None:
    """MiB of ``64G`` or ``512000M``. ValueError with the cure on anything else."""
    try:
        mem_mib = parse_mem_mib(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not an amount of memory; give one such as 64G.") from error
    if mem_mib is not None and not 0 <= mem_mib <= 1024**3:
        raise ValueError(f"{text!r} is not between 0, all of a node, and 1024T; give one in that.")
    return mem_mib


def limit_minutes_of(text: str) -> int | None:
    """Minutes of a limit as sbatch reads it: ``120``, ``2:00:00``, ``1-12``. ValueError else."""
    try:
        minutes = parse_minutes(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is not a time limit; give minutes or one such as 2:00:00 or 1-12:00:00."
        ) from error
    if minutes is None:
        return None
    if math.isinf(minutes) or not 0 < minutes <= MAX_LIMIT_MINUTES:
        raise ValueError(f"{text!r} is not between 1 minute and 366 days; give a limit in that.")
    return int(minutes)


def features_of(text: str) -> tuple[str, ...]:
    """Features of ``a100&ib``; a choice, ``a100|h100&ib``, stays one word. ValueError on the forms
    of --constraint that are not simulated."""
    names = tuple(name.strip() for name in re.split("[&|]", text) if name.strip())
    for name in names:
        if not name.replace("_", "").replace("-", "").replace(".", "").isalnum():
            raise ValueError(f"{text!r} is not understood; join plain features by &: a100&ib.")
    return (text.replace(" ", ""),) if "|" in text else names
