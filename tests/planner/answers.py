"""Answers as ``planner.asking.questions`` stores them, with every part filled."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from planner.models import Question
from tracker.models import Cluster

HOUR = 3600.0
DAY = 24 * HOUR


def quantiles(p10_s: float | None, p50_s: float | None, p90_s: float | None) -> dict[str, Any]:
    return {"p10_s": p10_s, "p50_s": p50_s, "p90_s": p90_s}


def option(partition: str, wait_h: float, **fields: Any) -> dict[str, Any]:
    """Starts about then, and runs three hours of four."""
    start_s = wait_h * HOUR
    told = {
        "partition": partition,
        "qos": "normal",
        "gpu_type": "a100",
        "nodes": 1,
        "limit_minutes": 240,
        "begin_at": None,
        "allowed": True,
        "why_not": None,
        "start": quantiles(start_s / 2, start_s, 2 * start_s),
        "finish": quantiles(start_s / 2 + HOUR, start_s + 3 * HOUR, 2 * start_s + 4 * HOUR),
        "later_than_horizon": [],
        "p_within_10_min": 0.25,
        "how": "",
        "billing_units": 24.0,
        "billing_unit_hours": 96.0,
        "fair_share": {"now": 0.412, "after": 0.398},
        "is_default": False,
        "approximate": True,
        "sbatch_args": [
            *(f"--partition={partition}", "--qos=normal", "--nodes=1", "--ntasks=1"),
            *("--cpus-per-task=8", "--gpus=a100:2", "--time=04:00:00"),
        ],
        "reasons": ["All of its nodes with two free GPUs are held until about noon."],
    }
    return told | fields


def refused(partition: str, why_not: str) -> dict[str, Any]:
    unknown = quantiles(None, None, None)
    return option(
        partition,
        0,
        **{"allowed": False, "why_not": why_not, "reasons": [], "fair_share": None},
        **{"start": unknown, "finish": unknown, "p_within_10_min": None, "billing_units": None},
    )


def change(
    field: str, was: object, becomes: object, gain_h: float, **fields: Any
) -> dict[str, Any]:
    told = {
        "field": field,
        "from": was,
        "to": becomes,
        "partition": "gpu",
        "option": option("gpu", 1.0),
        "gain_s": gain_h * HOUR,
        "gain_of": "finish",
        "p_killed": 0.04,
        "helps": gain_h > 0,
        "sentence": f"With {field} of {becomes} it would end {gain_h:g} h sooner.",
    }
    return told | fields


def limit(minutes: int, wait_h: float, p_killed: float, cliff: str | None = None) -> dict[str, Any]:
    start = quantiles(wait_h * HOUR / 2, wait_h * HOUR, 2 * wait_h * HOUR)
    told = {"limit_minutes": minutes, "start": start, "later_than_horizon": []}
    return told | {"p_killed": p_killed, "cliff": cliff}


def hour(at: datetime, wait_h: float, basis: str) -> dict[str, Any]:
    is_known = basis != "none"
    wait_s = wait_h * HOUR if is_known else None
    return {
        "submit_at": at.isoformat(),
        "wait": quantiles(wait_s and wait_s / 2, wait_s, wait_s and 2 * wait_s),
        "finish_p50_s": wait_s and wait_s + 3 * HOUR,
        "later_than_horizon": [],
        "basis": basis,
        "n": 16,
    }


def first_part(at: datetime) -> dict[str, Any]:
    """What is there within two seconds: options."""
    options = [
        option("gpu", 2.0),
        option("gpu-long", 5.0, is_default=True, qos=None),
        refused("cpu", "it has no GPUs"),
    ]
    return {
        "replicas": 16,
        "horizon_s": DAY,
        "method": "ensemble",
        "approximate": True,
        "complete": False,
        "ignored": ["--mail-type=END"],
        "notes": [],
        "options": options,
        "best": 0,
        "default": 1,
    }


def full_answer(at: datetime) -> dict[str, Any]:
    """``at``: of the snapshot."""
    answer = first_part(at)
    shorter = change("limit_minutes", 240, 120, 1.5)
    hours = [
        hour(
            at + timedelta(hours=n),
            1 + (n % 24) / 6,
            "futures" if n < 24 else "history" if n < 150 else "none",
        )
        for n in range(168)
    ]
    answer["options"][0]["approximate"] = False
    return answer | {
        "complete": True,
        "changes": [
            shorter,
            change("gpus", 2, 1, 1.0, p_killed=None, gain_of="start"),
            change("mem_mib", 65_536, 32_768, -0.5),
        ],
        "smallest_change": deepcopy(shorter),
        "walltime": [
            limit(10, 0.1, 0.9),
            limit(60, 0.5, 0.5),
            limit(120, 0.6, 0.2),
            limit(240, 2.0, 0.04, "maintenance begins in 3 h"),
            limit(1440, 4.0, 0.0),
        ],
        "by_hour": hours,
        "when": _when(at),
        "why": _why(),
    }


def _when(at: datetime) -> dict[str, Any]:
    return {
        "sentence": "Submit now: a waiting job gains priority, and no later hour ends sooner.",
        "exceptions": [
            {
                "kind": "maintenance",
                "sentence": "Nothing of four hours fits before the maintenance on Monday.",
                "begin_at": (at + timedelta(hours=30)).isoformat(),
            }
        ],
        "deadline": {
            "at": (at + timedelta(hours=12)).isoformat(),
            "latest_submit_at": (at + timedelta(hours=3)).isoformat(),
            "p_met_now": 0.94,
            "cheapest": {
                "submit_at": (at + timedelta(hours=2)).isoformat(),
                "wait_p50_s": 1800.0,
            },
            "sentence": "It is met nine times in ten when submitted within three hours.",
        },
    }


def _why() -> dict[str, Any]:
    return {
        "reason": "Priority",
        "sentence": "Jobs of higher priority ask for the same GPUs.",
        "ahead": {"jobs": 14, "by": {"fair_share": 9, "age": 4, "qos": 1, "tier": 0}},
        "critical": {
            "tres": "gres/gpu:a100",
            "asked": 2,
            "free": 1,
            "of": 16,
            "sentence": "Two A100 are asked for on one node and one is free.",
        },
        "ends": [
            {
                "count": 3,
                "what": "jobs on gpu01 and gpu02",
                "at_p50_s": 1.5 * HOUR,
                "at_p90_s": 3 * HOUR,
                "sentence": "Three jobs that hold six GPUs end first.",
            }
        ],
        "fair_share_what_if": [
            {
                "fair_share": 0.824,
                "start": quantiles(HOUR / 4, HOUR / 2, HOUR),
                "sentence": "With twice the fair share it would start after half an hour.",
            }
        ],
    }


def store_question(
    user: Any, cluster: Cluster, at: datetime, answer: dict[str, Any] | None, **fields: Any
) -> Question:
    """Done, unless the fields say otherwise."""
    request = {"user": "alice", "gpus": 2, "gpu_type": "a100", "cpus": 8, "limit_minutes": 240}
    defaults = {"state": "done", "request": request, "request_sha256": "", "asked_at": at}
    stored = {"answer": answer, "snapshot_at": at if answer else None}
    return Question.objects.create(asked_by=user, cluster=cluster, **(defaults | stored | fields))
