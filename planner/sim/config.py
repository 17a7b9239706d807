"""Scheduler and priority parameters, with the defaults that Slurm documents.

Only what the model reads is here; seconds throughout (Slurm's ``bf_window`` is in minutes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class PriorityConfig:
    """priority/multifactor: the weights are integers in Slurm and multiply factors in [0, 1]."""

    weight_age: float = 0.0
    weight_assoc: float = 0.0
    weight_fair_share: float = 0.0
    weight_job_size: float = 0.0
    weight_partition: float = 0.0
    weight_qos: float = 0.0
    weight_tres: Mapping[str, float] = field(default_factory=dict)  # by TRES name, see cluster.Tres
    max_age_s: float = 7 * DAY_S
    calc_period_s: float = 300.0
    last_calc_s: float = 0.0  # end of the last calc period, from the origin: -calc_period_s to 0
    decay_half_life_s: float = 7 * DAY_S  # 0: usage never decays
    favor_small: bool = False
    # The documented tie rule merges the children of equal accounts. No release does so (source
    # 20.11 to 26.05), hence the default: as coded.
    fair_tree_merges_ties: bool = False


class PreemptMode(Enum):
    """What becomes of a preempted job. To suspend it is not modelled."""

    OFF = "OFF"  # it is never preempted
    CANCEL = "CANCEL"
    REQUEUE = "REQUEUE"  # a job that may not run again is cancelled


@dataclass(frozen=True, slots=True)
class PreemptionConfig:
    """PreemptType, PreemptMode and PreemptParameters: jobs that give way to others."""

    by_qos: bool = False  # preempt/qos: by the lists of the QOS; else by PriorityTier
    mode: PreemptMode = PreemptMode.REQUEUE  # of jobs whose QOS or partition sets none
    by_priority: bool = False  # flag PRIORITY: only a job of higher priority preempts
    within_qos: bool = False  # flag WITHIN: also in one QOS, by priority
    exempt_s: float = 0.0  # PreemptExemptTime: a job runs at least so long
    youngest_first: bool = False
    reorder_count: int = 1
    strict_order: bool = False


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """SchedulerParameters and the few settings of slurm.conf that decide when a job starts."""

    priority: PriorityConfig = field(default_factory=PriorityConfig)
    enforce_limits: bool = True  # AccountingStorageEnforce holds limits
    main_interval_s: float = 60.0  # sched_interval: full-depth pass; <= 0: no main scheduler
    main_min_delay_s: float = 3.0  # batch_sched_delay: events wake the main pass no sooner
    main_queue_depth: int = 100  # default_queue_depth, of passes woken by events
    main_defers: bool = False  # defer: the end of a job calls no pass at once
    partition_job_depth: int = 0  # 0: no cap
    assoc_limit_stop: bool = False
    backfill: bool = True  # SchedulerType is sched/backfill
    bf_interval_s: float = 30.0
    bf_window_s: float = DAY_S
    bf_resolution_s: float = 60.0
    bf_max_job_test: int = 500
    bf_max_job_start: int = 0  # 0: no cap, as in the next four
    bf_max_job_part: int = 0
    bf_max_job_user: int = 0
    bf_max_job_assoc: int = 0
    bf_min_age_reserve_s: float = 0.0
    bf_min_prio_reserve: int = 0
    bf_max_job_array_resv: int = 20
    bf_one_resv_per_job: bool = False
    bf_window_linear_s: float = 0.0  # 0: look-ahead windows double from 30 s
    # A cycle takes no simulated time unless a test costs some. Then it stops at bf_max_time, and
    # at a lock yield where something changed unless bf_continue.
    bf_test_cost_s: float = 0.0
    bf_max_time_s: float | None = None  # None: bf_interval
    bf_continue: bool = False
    bf_yield_interval_s: float = 2.0
    bf_yield_sleep_s: float = 0.5
    # Up to 24.11 a planned start is the end of the look-ahead window's last job, from 25.05 that
    # of the last job on the chosen nodes.
    plan_to_window_end: bool = True
    hold_to_slot_end: bool = False  # from 24.11 a hold ends with the slot in which its job ends
    kill_wait_s: float = 30.0
    message_timeout_s: float = 10.0
    preemption: PreemptionConfig | None = None  # None: PreemptType=preempt/none or PreemptMode=OFF
    requeue_delay_s: float = 120.0  # requeue_delay, or the life of a credential: AuthInfo
    over_time_limit_s: float = 0.0
    # No parameters of Slurm: the longer simulated time has run, the longer between two cycles, and
    # from one pass to the next that an event calls; as shares of that time.
    bf_interval_growth: float = 0.0
    main_delay_growth: float = 0.0
