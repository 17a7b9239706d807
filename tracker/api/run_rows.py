"""Runs of a list as JSON: what ``RunSerializer`` says, without a model or a serializer for each.

Lists are of a thousand runs: made so they cost a third.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from tracker.api.run_shapes import RunEstimateSerializer, RunSerializer, Status
from tracker.models import Run, StartEstimate
from tracker.searching.columns import tags_of

RENAMED = {"run_id": "pk", "cluster": "cluster__name", "parent": "parent_id"}
MADE = ("tags", "estimate")
FIELDS = {name: RENAMED.get(name, name) for name in RunSerializer.Meta.fields if name not in MADE}
COLUMNS = [*FIELDS.values(), "job_id"]


def shown_rows(run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Runs in the order of their ids; one that was purged meanwhile is left out."""
    found = {row["pk"]: row for row in Run.objects.filter(pk__in=run_ids).values(*COLUMNS)}
    page = [found[run_id] for run_id in run_ids if run_id in found]
    tags = tags_of(run_ids)
    estimates = _estimates(row["job_id"] for row in page if _awaits_start(row))
    return [
        {name: _iso(row[field]) for name, field in FIELDS.items()}
        | {
            "tags": dict(tags.get(row["pk"], ())),
            "estimate": estimates.get(row["job_id"]) if _awaits_start(row) else None,
        }
        for row in page
    ]


def _awaits_start(row: dict[str, Any]) -> bool:
    return row["status"] == Status.PENDING and row["job_id"] is not None


def _estimates(job_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The newest of each job, as JSON."""
    if not (wanted := set(job_ids)):
        return {}
    newest = StartEstimate.objects.filter(is_newest=True, job__in=wanted)
    return {estimate.job_id: RunEstimateSerializer(estimate).data for estimate in newest}


def _iso(value: object) -> object:
    """Moments as DRF writes them; all else as it is."""
    if not isinstance(value, datetime):
        return value
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
