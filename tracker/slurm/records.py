"""What the adapter tells the rest of Queuecast: one frozen record per thing Slurm prints.

Times are aware datetimes in UTC, durations seconds or minutes as their names say. ``None`` means
that Slurm did not say or that it does not apply; a limit that Slurm calls UNLIMITED is
``math.inf``, so that unknown and unlimited cannot be confused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

Minutes = float  # whole minutes, or math.inf for UNLIMITED


@dataclass(frozen=True, slots=True)
class Tres:
    """Trackable resources. Typed and untyped GPUs overlap: ``gpus`` is the total."""

    cpus: int | None = None
    mem_mib: int | None = None
    nodes: int | None = None
    billing: int | None = None
    gpus: int | None = None
    gpus_by_type: dict[str, int] = field(default_factory=dict)
    other: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """One row of squeue: a job, an array task, or the tasks of an array not yet split off."""

    job_id: int  # raw id; for the unsplit rest of an array, the array's own id
    state: str  # long form: PENDING, RUNNING, COMPLETING, ...
    user: str
    name: str
    account: str | None = None
    partitions: tuple[str, ...] = ()  # as asked while pending, the one used once started
    qos: str | None = None
    reason: str | None = None
    priority: int | None = None
    submit_at: datetime | None = None
    eligible_at: datetime | None = None
    start_at: datetime | None = None  # planned while pending, real afterwards
    end_at: datetime | None = None
    limit_minutes: Minutes | None = None
    array_job_id: int | None = None
    array_task_id: int | None = None
    array_tasks: tuple[int, ...] = ()  # pending task ids of an unsplit array
    array_throttle: int | None = None
    het_job_id: int | None = None
    het_offset: int | None = None
    node_count: int | None = None
    ntasks: int | None = None
    cpus: int | None = None
    min_cpus_per_node: int | None = None
    mem_mib: int | None = None  # MinMemory: per node, or per cpu if mem_per_cpu; 0: all of the node
    mem_per_cpu: bool = False
    tres_per_node: Tres = field(default_factory=Tres)
    tres_per_job: Tres = field(default_factory=Tres)
    tres_per_task: Tres = field(default_factory=Tres)
    tres_alloc: Tres = field(default_factory=Tres)
    node_list: str | None = None
    scheduled_nodes: str | None = None
    required_nodes: str | None = None
    features: str | None = None
    exclusive: bool = False
    dependency: str | None = None
    reservation: str | None = None
    restarts: int | None = None
    exit_code: int | None = None  # raw wait status
    comment: str | None = None
    command: str | None = None
    work_dir: str | None = None


@dataclass(frozen=True, slots=True)
class AccountedJob:
    """One row of ``sacct -X -D``: one incarnation (attempt) of a job."""

    job_id: int  # JobIDRaw
    state: str  # first word of State, long form
    user: str | None
    name: str | None
    account: str | None = None
    partition: str | None = None  # several with commas between while pending in several
    qos: str | None = None
    reason: str | None = None
    cancelled_by_uid: int | None = None
    exit_code: int | None = None
    exit_signal: int | None = None
    submit_at: datetime | None = None
    eligible_at: datetime | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    elapsed_s: int | None = None
    limit_minutes: Minutes | None = None
    array_job_id: int | None = None
    array_task_id: int | None = None
    array_tasks: tuple[int, ...] = ()
    het_job_id: int | None = None
    het_offset: int | None = None
    priority: int | None = None
    req_cpus: int | None = None
    req_nodes: int | None = None
    alloc_nodes: int | None = None
    req_tres: Tres = field(default_factory=Tres)
    alloc_tres: Tres = field(default_factory=Tres)
    node_list: str | None = None
    cluster: str | None = None
    constraints: str | None = None
    reservation: str | None = None
    flags: tuple[str, ...] = ()
    comment: str | None = None
    work_dir: str | None = None
    db_index: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One node of ``scontrol show node``."""

    name: str
    base_state: str  # IDLE, MIXED, ALLOCATED, DOWN, FUTURE, UNKNOWN, ERROR
    flags: frozenset[str] = frozenset()  # DRAIN, MAINT, RESERVED, COMPLETING, NOT_RESPONDING, ...
    cpus: int = 0  # usable by jobs (CPUEfctv where printed)
    cpus_alloc: int = 0
    mem_mib: int = 0
    mem_alloc_mib: int = 0
    gpus_by_type: dict[str, int] = field(default_factory=dict)  # "" for untyped
    gpus_alloc_by_type: dict[str, int] = field(default_factory=dict)
    features: frozenset[str] = frozenset()
    weight: int = 1
    partitions: tuple[str, ...] = ()
    threads_per_core: int = 1
    reason: str | None = None

    @property
    def state(self) -> str:
        """As scontrol prints it: MIXED+DRAIN."""
        return "+".join([self.base_state, *sorted(self.flags)])


@dataclass(frozen=True, slots=True)
class Partition:
    name: str
    state: str = "UP"
    is_default: bool = False
    node_list: str = ""
    max_minutes: Minutes = float("inf")
    default_minutes: Minutes | None = None
    min_nodes: int = 0
    max_nodes: float = float("inf")
    priority_tier: int = 1
    priority_job_factor: int = 1
    oversubscribe: str = "NO"
    def_mem_per_cpu_mib: int | None = None
    def_mem_per_node_mib: int | None = None
    max_cpus_per_node: float = float("inf")
    qos: str | None = None
    allow_accounts: frozenset[str] | None = None  # None: all
    deny_accounts: frozenset[str] = frozenset()
    allow_qos: frozenset[str] | None = None
    deny_qos: frozenset[str] = frozenset()
    allow_groups: frozenset[str] | None = None
    # lower-case TRES name -> weight per unit (mem: per GiB)
    billing_weights: dict[str, float] = field(default_factory=dict)
    total_cpus: int | None = None
    total_nodes: int | None = None
    hidden: bool = False
    preempt_mode: tuple[str, ...] = ()  # in capitals; the cluster's where it sets none, or ()
    grace_s: int = 0


@dataclass(frozen=True, slots=True)
class Reservation:
    name: str
    start_at: datetime | None
    end_at: datetime | None
    node_list: str = ""
    partition: str | None = None
    flags: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    state: str = "INACTIVE"


@dataclass(frozen=True, slots=True)
class Qos:
    """Limits are in Slurm's own terms; None: not set."""

    name: str
    priority: int = 0
    flags: frozenset[str] = frozenset()
    usage_factor: float = 1.0
    grp_tres: Tres = field(default_factory=Tres)
    grp_jobs: int | None = None
    grp_wall_minutes: Minutes | None = None
    max_tres_per_job: Tres = field(default_factory=Tres)
    max_tres_per_node: Tres = field(default_factory=Tres)
    max_tres_per_user: Tres = field(default_factory=Tres)
    max_tres_per_account: Tres = field(default_factory=Tres)
    min_tres_per_job: Tres = field(default_factory=Tres)
    max_wall_minutes: Minutes | None = None
    max_jobs_per_user: int | None = None
    max_jobs_per_account: int | None = None
    max_submit_per_user: int | None = None
    preempt: tuple[str, ...] = ()
    preempt_mode: tuple[str, ...] = ()  # in capitals; (): the cluster's
    preempt_exempt_s: float | None = None
    grace_s: float = 0


@dataclass(frozen=True, slots=True)
class Association:
    """One row of ``sacctmgr show assoc``; ``user`` None: the account itself."""

    cluster: str
    account: str
    user: str | None
    parent_account: str | None = None
    partition: str | None = None
    shares: int | None = 1  # None: fairshare=parent
    priority: int | None = None
    grp_tres: Tres = field(default_factory=Tres)
    grp_jobs: int | None = None
    max_jobs: int | None = None
    max_submit_jobs: int | None = None
    max_tres_per_job: Tres = field(default_factory=Tres)
    max_wall_minutes: Minutes | None = None
    qos: tuple[str, ...] = ()
    default_qos: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """One row of ``sshare -l -a -P``; depth is the indentation of the account tree."""

    account: str
    user: str | None
    depth: int
    raw_shares: int | None  # None: parent
    raw_usage: float | None  # decayed billing seconds
    effective_usage: float | None = None
    fair_share: float | None = None
    level_fs: float | None = None
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class PriorityFactors:
    """One row of ``sprio -l``: the weighted parts of one pending (job, partition) pair."""

    job_id: int
    partition: str
    user: str
    priority: int
    age: float | None = None
    assoc: float | None = None
    fair_share: float | None = None
    job_size: float | None = None
    partition_factor: float | None = None
    qos: float | None = None
    site: float | None = None
    nice: int | None = None
    tres: dict[str, float] = field(default_factory=dict)
    age_norm: float | None = None
    fair_share_norm: float | None = None


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """``scontrol show config``: what the model reads, and every line as printed."""

    cluster_name: str
    slurm_version: str
    values: dict[str, str] = field(default_factory=dict)
    scheduler_parameters: dict[str, str] = field(default_factory=dict)  # flag without value: ""
    # keys: age, assoc, fair_share, job_size, partition, qos
    priority_weights: dict[str, int] = field(default_factory=dict)
    priority_tres_weights: dict[str, float] = field(default_factory=dict)
    priority_flags: frozenset[str] = frozenset()
    priority_max_age_s: int = 7 * 86400
    priority_calc_period_s: int = 300
    priority_decay_half_life_s: int = 7 * 86400
    private_data: frozenset[str] = frozenset()
    enforce: frozenset[str] = frozenset()  # AccountingStorageEnforce
    def_mem_per_cpu_mib: int | None = None
    def_mem_per_node_mib: int | None = None
    kill_wait_s: int = 30
    over_time_limit_minutes: Minutes = 0
    min_job_age_s: int = 300


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """``sdiag``: the controller's own load, and when backfill last ran."""

    server_threads: int | None = None
    agent_queue_size: int | None = None
    last_backfill_at: datetime | None = None
    jobs_pending: int | None = None
    jobs_running: int | None = None
