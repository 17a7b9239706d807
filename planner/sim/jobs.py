"""What a job asks for, when, and, once it runs, what it holds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

Key = Hashable  # a job id, or (array id, task index)


@dataclass(frozen=True, slots=True)
class NodeShare:
    """What a running job holds on one node."""

    node: str
    cpus: int
    mem_mib: int = 0
    gpus: Mapping[str, int] = field(default_factory=dict)  # by type; "" for untyped devices


@dataclass(frozen=True, slots=True)
class Dependency:
    """Wait for the jobs named: after (they started), afterany (ended), afterok, afternotok.

    A job that the world does not know counts as one that started and ended well, as a job that
    Slurm has forgotten does.
    """

    kind: str
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """One job or one array task, its request already normalised (defaults of the partition for
    memory and GPUs applied). Times are seconds relative to the world's origin.

    Pending: ``start_s`` None. Running: ``start_s`` and ``allocation`` given, ``partitions`` holds
    the one used. A job with several partitions may start in any of them. Raises ValueError on
    GPUs of more than one type in ``gpus_per_job``. What a running job asks for counts if it is
    preempted or its node fails: it then waits again, its work lost.
    """

    key: Key
    user: str
    account: str
    partitions: tuple[str, ...]
    qos: str | None = None
    submit_s: float = 0.0
    eligible_s: float | None = None  # --begin; None: from submission on
    age_from_s: float | None = None  # where its age counts from; None: from when it was eligible
    limit_s: float | None = None  # what the scheduler plans with; None: the partition's default
    run_s: float | None = None  # true run time, from its start to its end; None: the limit
    succeeds: bool = True  # what its end tells afterok and afternotok

    nodes: int | None = None  # exact count; None: as few as the tasks need
    tasks: int = 1
    cpus_per_task: int = 1
    tasks_per_node: int | None = None  # at most so many on a node; None: as many as fit
    mem_mib_per_node: int | None = 0  # None: all of the node's memory (--mem=0)
    mem_mib_per_cpu: int = 0  # added to mem_mib_per_node; usually one of both is 0
    gpus_per_node: Mapping[str, int] = field(default_factory=dict)  # by type; "" for any type
    # --gpus: over any split. Not looked at where gpus_per_node is given: the node count decides.
    gpus_per_job: Mapping[str, int] = field(default_factory=dict)
    features: frozenset[str] = frozenset()  # every node has all of them
    exclusive: bool = False
    required_nodes: tuple[str, ...] = ()
    excluded_nodes: frozenset[str] = frozenset()

    array_id: Key | None = None
    array_throttle: int | None = None  # at most so many tasks of the array run at once
    dependencies: tuple[Dependency, ...] = ()  # all must hold
    reservation: str | None = None
    requeues: bool = (
        True  # --requeue: preempted or on a node that fails it waits again, else it ends
    )
    held: str | None = None  # why it cannot start until released, in Slurm's words: JobHeldUser
    fixed_priority: int | None = None  # set by an administrator: no factor counts
    nice: int = 0
    site_factor: int = 0

    start_s: float | None = None
    allocation: tuple[NodeShare, ...] = ()

    def __post_init__(self) -> None:
        if len(self.gpus_per_job) > 1:
            raise ValueError(
                f"job {self.key!r}: gpus_per_job names {sorted(self.gpus_per_job)}; give one type,"
                " or use gpus_per_node"
            )

    def requeued(self, now_s: float, delay_s: float) -> Job:
        """A job that ran, back in the queue as Slurm puts it there: submitted anew, not eligible
        for a while, its age and its work lost. Source: batch_requeue_fini, job_mgr.c.
        """
        return replace(
            self,
            submit_s=now_s,
            eligible_s=now_s + delay_s + 1,
            age_from_s=None,
            dependencies=(),
            held=None,
            start_s=None,
            allocation=(),
        )

    @property
    def cpus(self) -> int:
        """CPUs asked for in all."""
        return max(self.tasks, self.nodes or 1) * self.cpus_per_task

    @property
    def min_nodes(self) -> int:
        """Least number of nodes asked for: what the job size factor counts."""
        return max(self.nodes or 1, len(self.required_nodes))
