"""Answers written by hand, for what is built upon them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from planner.asking.request import Request
from planner.models import Question
from tracker.models import Cluster

HORIZON_S = 604_800


def option(p50: timedelta | None, *, partition: str = "gpu", **fields: Any) -> dict[str, Any]:
    """One that starts so late; None: past the horizon. P10 and P90 are half and twice of that."""
    p50_s = None if p50 is None else p50.total_seconds()
    start = {
        "p10_s": None if p50_s is None else p50_s / 2,
        "p50_s": p50_s,
        "p90_s": None if p50_s is None else p50_s * 2,
    }
    request = Request(gpus=2, gpu_type="a100", limit_minutes=60)
    told = {
        "partition": partition,
        "qos": None,
        "gpu_type": "a100",
        "allowed": True,
        "approximate": True,
        "why_not": None,
        "start": start,
        "later_than_horizon": [] if p50 else ["p10", "p50", "p90"],
        "sbatch_args": request.sbatch_args(partition),
        "reasons": [],
    }
    return told | fields


def answer(*options: dict[str, Any]) -> dict[str, Any]:
    has_start = bool(options) and options[0]["start"]["p50_s"] is not None
    best = 0 if has_start else None
    return {
        "options": list(options),
        "best": best,
        "method": "ensemble",
        "replicas": 16,
        "horizon_s": HORIZON_S,
    }


def asked(
    user: User, cluster: Cluster, at: datetime, *options: dict[str, Any], sha256: str = "a"
) -> Question:
    """A question and its answer, from facts of the same moment."""
    return Question.objects.create(
        cluster=cluster,
        asked_by=user,
        request=Request(user="alice", gpus=2, gpu_type="a100", limit_minutes=60).as_json(),
        request_sha256=sha256,
        asked_at=at,
        snapshot_at=at,
        state=Question.State.DONE,
        answer=answer(*options),
    )
