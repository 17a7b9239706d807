"""scontrol show config as the scheduler's and the priority plugin's parameters."""

from __future__ import annotations

import re
from datetime import datetime

from planner.sim.config import PriorityConfig, SchedulerConfig
from planner.snapshot.facts import SnapshotNote
from planner.snapshot.parameters import Numbers
from planner.snapshot.preempting import build_preemption, requeue_delay_s
from tracker.slurm.durations import parse_duration_s
from tracker.slurm.records import ClusterConfig

US_PER_S = 1_000_000
_NOT_MODELLED_FLAGS = {
    "NO_FAIR_TREE": "classic fair share is not modelled; Fair Tree is used",
    "DEPTH_OBLIVIOUS": "classic fair share is not modelled; Fair Tree is used",
    "SMALL_RELATIVE_TO_TIME": "the job size factor is taken without the time limit",
    "INCR_ONLY": "priorities may also fall in the model",
    "CALCULATE_RUNNING": "running jobs keep their priority in the model",
}


def build_config(
    config: ClusterConfig | None, notes: list[SnapshotNote], at: datetime
) -> SchedulerConfig:
    """As of the origin ``at``; Slurm's documented defaults where the site says nothing, or nothing
    that can be read.
    """
    if config is None:
        return SchedulerConfig()
    number = Numbers("SchedulerParameters", config.scheduler_parameters, notes)
    version = release(config.slurm_version)
    _note_unmodelled(config, notes)
    interval_s = number("bf_interval", 30)
    return SchedulerConfig(
        priority=_priority(config, at),
        enforce_limits=bool(config.enforce & {"limits", "safe", "all"}),
        main_interval_s=number("sched_interval", 60),
        main_min_delay_s=number("batch_sched_delay", 3),
        main_queue_depth=int(number("default_queue_depth", 100)),
        main_defers=any(name.startswith("defer") for name in config.scheduler_parameters),
        partition_job_depth=int(number("partition_job_depth", 0)),
        assoc_limit_stop="assoc_limit_stop" in config.scheduler_parameters,
        backfill=config.values.get("SchedulerType", "sched/backfill") == "sched/backfill",
        bf_interval_s=interval_s,
        bf_window_s=number("bf_window", 1440) * 60,
        bf_resolution_s=number("bf_resolution", 60),
        bf_max_job_test=int(number("bf_max_job_test", 500 if version >= (21, 8) else 100)),
        bf_max_job_start=int(number("bf_max_job_start", 0)),
        bf_max_job_part=int(number("bf_max_job_part", 0)),
        bf_max_job_user=int(number("bf_max_job_user", 0)),
        bf_max_job_assoc=int(number("bf_max_job_assoc", 0)),
        bf_min_age_reserve_s=number("bf_min_age_reserve", 0),
        bf_min_prio_reserve=int(number("bf_min_prio_reserve", 0)),
        bf_max_job_array_resv=int(number("bf_max_job_array_resv", 20)),
        bf_one_resv_per_job="bf_one_resv_per_job" in config.scheduler_parameters,
        bf_window_linear_s=number("bf_window_linear", 0),
        bf_max_time_s=number("bf_max_time", interval_s),
        bf_continue="bf_continue" in config.scheduler_parameters,
        bf_yield_interval_s=number("bf_yield_interval", 2 * US_PER_S) / US_PER_S,
        bf_yield_sleep_s=number("bf_yield_sleep", US_PER_S // 2) / US_PER_S,
        plan_to_window_end=version < (25, 5),
        hold_to_slot_end=version >= (24, 11),
        kill_wait_s=config.kill_wait_s,
        over_time_limit_s=config.over_time_limit_minutes * 60,
        message_timeout_s=parse_duration_s(config.values.get("MessageTimeout", "")) or 10,
        preemption=build_preemption(config, notes),
        requeue_delay_s=requeue_delay_s(config, number),
    )


def release(version: str) -> tuple[int, int]:
    """(22, 5) of ``22.05.8``; that of the newest release known here where it cannot be read."""
    match = re.match(r"(\d{1,3})\.(\d{1,2})", version)
    return (int(match[1]), int(match[2])) if match else (25, 11)


def _priority(config: ClusterConfig, at: datetime) -> PriorityConfig:
    if config.values.get("PriorityType", "priority/multifactor") == "priority/basic":
        return PriorityConfig()  # first come, first served: no weights
    weights = config.priority_weights
    return PriorityConfig(
        weight_age=weights.get("age", 0),
        weight_assoc=weights.get("assoc", 0),
        weight_fair_share=weights.get("fair_share", 0),
        weight_job_size=weights.get("job_size", 0),
        weight_partition=weights.get("partition", 0),
        weight_qos=weights.get("qos", 0),
        weight_tres=config.priority_tres_weights,
        max_age_s=config.priority_max_age_s,
        calc_period_s=config.priority_calc_period_s,
        last_calc_s=last_calc_s(config, at),
        decay_half_life_s=config.priority_decay_half_life_s,
        favor_small=config.values.get("PriorityFavorSmall", "No").lower() == "yes",
    )


def last_calc_s(config: ClusterConfig, at: datetime) -> float:
    """When priorities were last computed, in seconds from the origin ``at``, so never above 0; 0 if
    that cannot be told.

    Calc periods are counted from the start of the controller, as seen on 22.05 from a second after
    it. Source: _decay_thread, priority_multifactor.c.
    """
    booted, period_s = config.values.get("BOOT_TIME", ""), config.priority_calc_period_s
    if period_s <= 0 or not booted.isdecimal():
        return 0.0
    return -((at.timestamp() - int(booted) - 1) % period_s)


def _note_unmodelled(config: ClusterConfig, notes: list[SnapshotNote]) -> None:
    for flag in sorted(config.priority_flags & _NOT_MODELLED_FLAGS.keys()):
        notes.append(SnapshotNote(f"PriorityFlags={flag}", _NOT_MODELLED_FLAGS[flag]))
    if "CR_LLN" in config.values.get("SelectTypeParameters", ""):
        notes.append(SnapshotNote("CR_LLN", "least loaded nodes first is not modelled"))
