"""A job of the demo cluster: what was asked, and each attempt to run it.

Times are epoch seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from planner.sim.jobs import Key, NodeShare

ACTIVE = frozenset({"PENDING", "RUNNING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What sbatch was asked for; of a simulated job also how it will go."""

    name: str
    user: str
    account: str
    partitions: tuple[str, ...]
    qos: str
    limit_minutes: int
    nodes: int | None = None
    tasks: int = 1
    cpus_per_task: int = 1
    mem_mib_per_node: int | None = 0  # None: all of the node's
    mem_mib_per_cpu: int = 0
    gpus_per_node: dict[str, int] = field(default_factory=dict)  # "": any type
    gpus_per_job: dict[str, int] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    exclusive: bool = False
    begin_at: float | None = None
    dependency: str = ""  # in Slurm's words: afterok:12,afterany:14
    array_throttle: int | None = None
    held: bool = False
    requeue: bool = True
    comment: str = ""
    command: str = ""
    work_dir: str = "/"
    output: str = ""
    error: str = ""

    is_real: bool = False  # has a script that runs on this host
    run_s: float | None = None  # None: until its script ends
    outcome: str = "COMPLETED"
    exit_code: int = 0
    exit_signal: int = 0
    patience_s: float | None = None  # the user cancels it after waiting so long

    @property
    def cpus(self) -> int:
        return max(self.tasks, self.nodes or 1) * self.cpus_per_task

    @property
    def gpus(self) -> dict[str, int]:
        """In all, by type."""
        per_node = {kind: count * (self.nodes or 1) for kind, count in self.gpus_per_node.items()}
        return per_node | self.gpus_per_job

    @property
    def mem_mib(self) -> int:
        """In all; what --mem=0 comes to is known only once it runs."""
        return (self.mem_mib_per_node or 0) * (self.nodes or 1) + self.mem_mib_per_cpu * self.cpus


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One incarnation of a job or array task, from submission or requeue to its end."""

    request: Request
    job_id: int  # raw; the array's own for a task not yet split off
    submit_at: float
    array_id: int | None = None
    task_id: int | None = None
    restarts: int = 0
    db_index: int | None = None  # None until journaled
    eligible_at: float | None = None  # None while held or dependent
    start_at: float | None = None
    end_at: float | None = None
    state: str = "PENDING"
    reason: str = "None"
    held: bool = False
    partition: str = ""  # the one it runs in
    shares: tuple[NodeShare, ...] = ()
    exit_code: int = 0
    exit_signal: int = 0
    cancelled_by_uid: int | None = None
    process_id: int | None = None  # of the real script, leader of its group
    process_started: int | None = None  # clock ticks since boot: tells a reused id apart

    @property
    def key(self) -> Key:
        """What the simulator calls it; the same for all attempts of one job."""
        return self.job_id if self.array_id is None else (self.array_id, self.task_id)

    @property
    def is_pending(self) -> bool:
        return self.state == "PENDING"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def is_split(self) -> bool:
        """Whether an array task has left the array's one pending record (true for plain jobs)."""
        unsplit = self.is_pending and self.restarts == 0 and self.job_id == self.array_id
        return not unsplit

    @property
    def base_id(self) -> int:
        """What sbatch printed."""
        return self.job_id if self.array_id is None else self.array_id

    @property
    def shown_id(self) -> str:
        return str(self.job_id) if self.array_id is None else f"{self.array_id}_{self.task_id}"

    @property
    def node_names(self) -> tuple[str, ...]:
        return tuple(share.node for share in self.shares)

    def elapsed_s(self, now_at: float) -> int:
        """How long it has run, or ran."""
        if self.start_at is None:
            return 0
        return int((now_at if self.end_at is None else self.end_at) - self.start_at)

    def to_json(self) -> str:
        return json.dumps(_fields(self), default=_fields, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Attempt:
        values = json.loads(text)
        values["request"] = request_from(values["request"])
        values["shares"] = tuple(NodeShare(**share) for share in values["shares"])
        return cls(**_known(cls, values))


def _fields(record: Attempt | Request | NodeShare) -> dict[str, object]:
    """One level deep: ``asdict`` copies everything below, which costs a third of the history."""
    return {name: getattr(record, name) for name in record.__slots__}


def request_from(values: Mapping[str, Any]) -> Request:
    """From JSON, whose lists were tuples."""
    tuples = {f.name for f in fields(Request) if str(f.type).startswith("tuple")}
    known = _known(Request, values)
    return Request(**known | {name: tuple(known[name]) for name in tuples & known.keys()})


def _known(kind: type[Attempt | Request], values: Mapping[str, Any]) -> dict[str, Any]:
    """Without the fields that an earlier version wrote and this one has given up."""
    return {f.name: values[f.name] for f in fields(kind) if f.name in values}


@dataclass(frozen=True, slots=True)
class Script:
    """What a real job runs; kept only until its end, since the environment may hold secrets."""

    text: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
