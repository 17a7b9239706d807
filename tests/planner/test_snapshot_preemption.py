"""Preemption as the site has set it up, in the model's terms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planner.sim.config import PreemptionConfig, PreemptMode
from planner.sim.engine import Simulation
from planner.sim.jobs import Job
from planner.snapshot import Facts, Snapshot, build
from tests.planner.recorded import recorded_facts, row, with_rows
from tracker.slurm.records import Tres


def set_up(facts: Facts | None = None, **values: str) -> Facts:
    """The recorded cluster with these values in scontrol show config."""
    facts = facts or recorded_facts()
    assert facts.config is not None
    return replace(facts, config=replace(facts.config, values=facts.config.values | values))


def by_tier(facts: Facts | None = None, **values: str) -> Facts:
    plain = {"PreemptType": "preempt/partition_prio", "PreemptMode": "REQUEUE"}
    return set_up(facts, **plain | values)


def said(snapshot: Snapshot) -> dict[str, str]:
    return {note.about: note.what for note in snapshot.notes}


def job_of(snapshot: Snapshot, key: str) -> Job:
    return next(job for job in snapshot.world.jobs if job.key == key)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"PreemptType": "(null)", "PreemptMode": "REQUEUE"},
        {"PreemptType": "preempt/qos", "PreemptMode": "OFF"},
    ],
)
def test_a_site_without_preemption_has_none_and_no_note(values: dict[str, str]) -> None:
    snapshot = build(set_up(**values))
    assert snapshot.world.config.preemption is None
    assert not [about for about in said(snapshot) if about.startswith("Preempt")]


def test_the_parameters_of_preemption_are_read_where_slurm_prints_them() -> None:
    facts = set_up(
        PreemptType="preempt/qos",
        PreemptMode="WITHIN,REQUEUE",
        PreemptExemptTime="00:05:00",
        PreemptParameters="reorder_count=4,strict_order,youngest_first,send_user_signal",
        MessageTimeout="25 sec",
        AuthInfo="socket=/run/munge,cred_expire=60",
    )
    config = build(facts).world.config
    assert config.preemption == PreemptionConfig(
        by_qos=True,
        mode=PreemptMode.REQUEUE,
        within_qos=True,
        exempt_s=300.0,
        youngest_first=True,
        reorder_count=4,
        strict_order=True,
    )
    assert (config.message_timeout_s, config.requeue_delay_s) == (25, 60)


def test_older_releases_have_them_among_the_scheduler_parameters() -> None:
    facts = by_tier(PreemptMode="PRIORITY,CANCEL", PreemptExemptTime="NONE")
    assert facts.config is not None
    words = {"preempt_youngest_first": "", "preempt_reorder_count": "0", "requeue_delay": "5"}
    config = build(
        replace(facts, config=replace(facts.config, scheduler_parameters=words))
    ).world.config
    assert config.preemption == PreemptionConfig(
        mode=PreemptMode.CANCEL, by_priority=True, youngest_first=True, reorder_count=0
    )
    assert config.requeue_delay_s == 5


@pytest.mark.parametrize(
    ("values", "about", "what"),
    [
        (
            {"PreemptMode": "GANG,SUSPEND"},
            "PreemptMode=GANG,SUSPEND",
            "suspension is not modelled; such jobs are taken as not preempted",
        ),
        ({"PreemptType": "preempt/job_prio"}, "PreemptType=preempt/job_prio", "is not modelled"),
        (
            {"PreemptParameters": "min_exempt_priority=100"},
            "PreemptParameters=min_exempt_priority",
            "is not modelled",
        ),
        (
            {"PreemptParameters": "reorder_count=often"},
            "PreemptParameters reorder_count=often",
            "is not a number; 1 is assumed",
        ),
    ],
)
def test_what_is_not_modelled_is_noted(values: dict[str, str], about: str, what: str) -> None:
    assert said(build(by_tier(**values)))[about].endswith(what)


def test_jobs_that_would_be_suspended_stay() -> None:
    config = build(by_tier(PreemptMode="GANG,SUSPEND")).world.config
    assert config.preemption == PreemptionConfig(mode=PreemptMode.OFF)


def test_partitions_and_qos_have_their_own_modes_and_times() -> None:
    facts = by_tier()
    modes = {"cpu": ("OFF",), "gpu": ("CANCEL",), "highmem": ("GANG", "SUSPEND"), "debug": ()}
    partitions = [replace(p, preempt_mode=modes[p.name], grace_s=7) for p in facts.partitions]
    low, *others = facts.qos
    low = replace(
        low, preempt=("a", "b"), preempt_mode=("REQUEUE",), preempt_exempt_s=60.0, grace_s=30.0
    )
    world = build(replace(facts, partitions=partitions, qos=(low, *others))).world
    assert {p.name: (p.preempt_mode, p.grace_s) for p in world.partitions} == {
        "cpu": (PreemptMode.OFF, 7),
        "gpu": (PreemptMode.CANCEL, 7),
        "highmem": (PreemptMode.OFF, 7),
        "debug": (None, 7),
    }
    told = world.qos[0]
    assert (told.preempts, told.preempt_mode) == ({"a", "b"}, PreemptMode.REQUEUE)
    assert (told.exempt_s, told.grace_s) == (60.0, 30.0)


def test_a_flag_of_one_partition_alone_is_noted() -> None:
    facts = by_tier()
    first, *others = facts.partitions
    odd = replace(first, preempt_mode=("PRIORITY", "REQUEUE"))
    snapshot = build(replace(facts, partitions=[odd, *others]))
    assert said(snapshot)[f"partition {odd.name}"] == "PreemptMode=PRIORITY is not modelled"


def test_a_running_job_waits_again_for_what_it_once_asked() -> None:
    snapshot = build(by_tier())
    before, after = job_of(build(recorded_facts()), "962"), job_of(snapshot, "962")
    assert (before.nodes, after.nodes, after.cpus) == (None, 2, 16)
    simulation = Simulation(snapshot.world)
    held = {one.job.key: one.allocation for one in simulation.running()}
    assert sum(share.cpus for share in held["962"]) == 16
    simulation.fail_node("cpu04")
    again = next(one.job for one in simulation.queue() if one.job.key == "962")
    assert (again.nodes, again.cpus) == (2, 16)


def test_a_running_job_that_cannot_be_read_does_not_run_again() -> None:
    odd: dict[str, Any] = {"tres_per_node": Tres(gpus=1, gpus_by_type={"h200": 1})}
    snapshot = build(by_tier(with_rows(replace(row(962), **odd))))
    assert job_of(snapshot, "962").requeues is False
    assert "does not run again if preempted" in said(snapshot)["job 962"]


def test_a_completing_job_and_what_hidden_jobs_hold_do_not_run_again() -> None:
    facts = by_tier(with_rows(replace(row(801), state="COMPLETING")))
    assert job_of(build(facts), "801").requeues is False
    assert facts.config is not None
    hiding = replace(facts.config, private_data=frozenset({"jobs"}))
    own = [job for job in facts.queue if job.user == "alice"]
    snapshot = build(replace(facts, config=hiding, queue=own))
    assert job_of(snapshot, "hidden on gpu04").requeues is False


@pytest.mark.parametrize(("told", "requeues"), [("1", {True}), ("0", {False})])
def test_jobs_may_run_again_where_the_site_lets_them(told: str, requeues: set[bool]) -> None:
    world = build(by_tier(JobRequeue=told)).world
    assert {job.requeues for job in world.jobs} == requeues
