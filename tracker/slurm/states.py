"""Job states as Slurm prints them, and the run statuses they mean to Queuecast."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class RunStatus(StrEnum):
    """The statuses of a run. CREATED and SUBMITTING come before Slurm knows of it."""

    CREATED = "CREATED"
    SUBMITTING = "SUBMITTING"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    NODE_FAIL = "NODE_FAIL"
    PREEMPTED = "PREEMPTED"
    BOOT_FAIL = "BOOT_FAIL"
    DEADLINE = "DEADLINE"
    UNKNOWN = "UNKNOWN"


LONG_BY_COMPACT = {
    "PD": "PENDING", "R": "RUNNING", "S": "SUSPENDED", "CD": "COMPLETED", "CA": "CANCELLED",
    "F": "FAILED", "TO": "TIMEOUT", "NF": "NODE_FAIL", "PR": "PREEMPTED", "BF": "BOOT_FAIL",
    "DL": "DEADLINE", "OOM": "OUT_OF_MEMORY",
    "CG": "COMPLETING", "CF": "CONFIGURING", "RQ": "REQUEUED", "RH": "REQUEUE_HOLD",
    "RF": "REQUEUE_FED", "SE": "SPECIAL_EXIT", "RS": "RESIZING", "SI": "SIGNALING",
    "SO": "STAGE_OUT", "ST": "STOPPED", "RV": "REVOKED", "RD": "RESV_DEL_HOLD",
}  # fmt: skip

# What a run is while Slurm shows only this word. A flag hides the base state; what is left is the
# safest reading: REQUEUED and its kin will pend again, COMPLETING still holds the nodes.
_STATUS_BY_FLAG = {
    "COMPLETING": RunStatus.RUNNING,
    "CONFIGURING": RunStatus.RUNNING,
    "POWER_UP_NODE": RunStatus.RUNNING,
    "RESIZING": RunStatus.RUNNING,
    "SIGNALING": RunStatus.RUNNING,
    "STAGE_OUT": RunStatus.RUNNING,
    "STOPPED": RunStatus.SUSPENDED,
    "EXPEDITING": RunStatus.PENDING,
    "REQUEUED": RunStatus.PENDING,
    "REQUEUE": RunStatus.PENDING,
    "REQUEUE_HOLD": RunStatus.PENDING,
    "REQUEUE_FED": RunStatus.PENDING,
    "SPECIAL_EXIT": RunStatus.PENDING,
    "RESV_DEL_HOLD": RunStatus.PENDING,
    "REVOKED": RunStatus.CANCELLED,
    "LAUNCH_FAILED": RunStatus.UNKNOWN,
    "RECONFIG_FAIL": RunStatus.UNKNOWN,
    "UPDATE_DB": RunStatus.UNKNOWN,
}
_OPEN = frozenset({RunStatus.PENDING, RunStatus.RUNNING, RunStatus.SUSPENDED})
_NOT_SLURMS = frozenset({RunStatus.CREATED, RunStatus.SUBMITTING, RunStatus.UNKNOWN})
BASE_STATES = frozenset(status.value for status in RunStatus if status not in _NOT_SLURMS)
FINAL_STATES = frozenset(
    status.value for status in RunStatus if status not in _NOT_SLURMS | _OPEN
) | {"REVOKED"}
# These flags bring the job back to the queue, whatever base state stands beside them.
REQUEUE_STATES = frozenset(
    {"REQUEUED", "REQUEUE", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
)
# A job of the queue in one of these has not started; what else is in the queue has.
WAITING_STATES = frozenset({RunStatus.PENDING.value}) | REQUEUE_STATES
# Accounting ends one attempt so, while the queue may already hold the next.
MAYBE_REQUEUED_STATES = frozenset({"NODE_FAIL", "PREEMPTED", "FAILED"}) | REQUEUE_STATES

_CANCELLED_BY = re.compile(r"CANCELLED by ([0-9]{1,10})", re.ASCII)
_WORD = re.compile(r"[A-Z][A-Z_]{0,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class JobState:
    """``name`` is the base state where one is printed, else the flag that replaces it."""

    name: str
    flags: frozenset[str] = frozenset()
    cancelled_by_uid: int | None = None


def parse_state(text: str) -> JobState:
    """Long and compact names, ``CANCELLED by 1001``, ``RUNNING+COMPLETING``, ``FAILED,REQUEUED``.

    Words of later releases pass as they are; what is no state at all raises ValueError.
    """
    word = text.strip()
    cancelled = _CANCELLED_BY.fullmatch(word)
    if cancelled:
        return JobState("CANCELLED", cancelled_by_uid=int(cancelled[1]))
    names = [LONG_BY_COMPACT.get(part, part) for part in re.split(r"[+,]", word.removesuffix("+"))]
    for name in names:
        if not _WORD.fullmatch(name):
            raise ValueError(f"{text[:80]!r} is not a job state such as RUNNING or PD")
    base = next((name for name in names if name in BASE_STATES), names[0])
    return JobState(base, frozenset(names) - {base})


def is_final(state: str) -> bool:
    """Whether this attempt is over. NODE_FAIL, PREEMPTED and FAILED may still be requeued."""
    return state in FINAL_STATES


def run_status(state: str, flags: frozenset[str] = frozenset()) -> RunStatus:
    """The run's status for a long state name; UNKNOWN for a word this release does not know."""
    if requeued := REQUEUE_STATES & ({state} | flags):
        return _STATUS_BY_FLAG[min(requeued)]
    if state in BASE_STATES:
        return RunStatus(state)
    return _STATUS_BY_FLAG.get(state, RunStatus.UNKNOWN)
