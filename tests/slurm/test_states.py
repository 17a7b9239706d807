from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.slurm.states import (
    LONG_BY_COMPACT,
    MAYBE_REQUEUED_STATES,
    RunStatus,
    is_final,
    parse_state,
    run_status,
)


@pytest.mark.parametrize(
    ("text", "status", "final"),
    [
        ("PENDING", RunStatus.PENDING, False),
        ("RUNNING", RunStatus.RUNNING, False),
        ("SUSPENDED", RunStatus.SUSPENDED, False),
        ("COMPLETED", RunStatus.COMPLETED, True),
        ("CANCELLED by 1001", RunStatus.CANCELLED, True),
        ("FAILED", RunStatus.FAILED, True),
        ("TIMEOUT", RunStatus.TIMEOUT, True),
        ("NODE_FAIL", RunStatus.NODE_FAIL, True),
        ("PREEMPTED", RunStatus.PREEMPTED, True),
        ("BOOT_FAIL", RunStatus.BOOT_FAIL, True),
        ("DEADLINE", RunStatus.DEADLINE, True),
        ("OUT_OF_MEMORY", RunStatus.OUT_OF_MEMORY, True),
        ("COMPLETING", RunStatus.RUNNING, False),
        ("CONFIGURING", RunStatus.RUNNING, False),
        ("POWER_UP_NODE", RunStatus.RUNNING, False),
        ("RESIZING", RunStatus.RUNNING, False),
        ("SIGNALING", RunStatus.RUNNING, False),
        ("STAGE_OUT", RunStatus.RUNNING, False),
        ("STOPPED", RunStatus.SUSPENDED, False),
        ("EXPEDITING", RunStatus.PENDING, False),
        ("REQUEUED", RunStatus.PENDING, False),
        ("REQUEUE_HOLD", RunStatus.PENDING, False),
        ("REQUEUE_FED", RunStatus.PENDING, False),
        ("SPECIAL_EXIT", RunStatus.PENDING, False),
        ("RESV_DEL_HOLD", RunStatus.PENDING, False),
        ("REVOKED", RunStatus.CANCELLED, True),
        ("LAUNCH_FAILED", RunStatus.UNKNOWN, False),
        ("RECONFIG_FAIL", RunStatus.UNKNOWN, False),
        ("UPDATE_DB", RunStatus.UNKNOWN, False),
        ("A_STATE_OF_TOMORROW", RunStatus.UNKNOWN, False),
    ],
)
def test_every_state_has_a_status_and_is_final_or_not(
    text: str, status: RunStatus, final: bool
) -> None:
    state = parse_state(text)
    assert run_status(state.name, state.flags) is status
    assert is_final(state.name) is final


def test_compact_names_mean_the_same_as_long_ones() -> None:
    for compact, long in LONG_BY_COMPACT.items():
        assert parse_state(compact) == parse_state(long)


def test_the_user_who_cancelled_is_kept() -> None:
    assert parse_state("CANCELLED by 1001").cancelled_by_uid == 1001
    assert parse_state("CANCELLED").cancelled_by_uid is None


@pytest.mark.parametrize("text", ["RUNNING+COMPLETING", "COMPLETING,RUNNING", "CG+R"])
def test_the_base_state_leads_wherever_its_flags_stand(text: str) -> None:
    state = parse_state(text)
    assert (state.name, state.flags) == ("RUNNING", frozenset({"COMPLETING"}))


def test_an_end_with_a_requeue_flag_will_pend_again() -> None:
    state = parse_state("FAILED,REQUEUED")
    assert run_status(state.name, state.flags) is RunStatus.PENDING


def test_ends_that_the_queue_may_contradict_are_named() -> None:
    assert {"NODE_FAIL", "PREEMPTED", "FAILED", "REQUEUED"} <= MAYBE_REQUEUED_STATES
    assert "COMPLETED" not in MAYBE_REQUEUED_STATES


@pytest.mark.parametrize("text", ["", "running", "high|", "CANCELLED by eve"])
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a job state"):
        parse_state(text)


@given(st.text(max_size=30))
def test_any_text_is_a_state_or_a_value_error(text: str) -> None:
    try:
        state = parse_state(text)
    except ValueError:
        return
    assert run_status(state.name, state.flags) in RunStatus
