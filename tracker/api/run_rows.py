"""Runs of a list as JSON: what ``RunSerializer`` says, without a model or a serializer for each.

Lists are of a thousand runs. Their configurations and moments go from the database into the answer
as the text that they are there: read and written again by Python they would take most of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import DateTimeField, JSONField, TextField
from django.db.models.functions import Cast
from orjson import Fragment

from tracker.api.run_shapes import RunEstimateSerializer, RunSerializer, Status
from tracker.models import Run, StartEstimate
from tracker.searching.columns import tags_of
from tracker.searching.expressions import MomentText

RENAMED = {"run_id": "pk", "cluster": "cluster__name", "parent": "parent_id"}
MADE = ("tags", "estimate")
NAMES = [name for name in RunSerializer.Meta.fields if name not in MADE]


def _column(name: str) -> str | MomentText | Cast:
    if name in RENAMED:
        return RENAMED[name]
    match Run._meta.get_field(name):
        case DateTimeField():
            return MomentText(name)
        case JSONField():
            return Cast(name, TextField())
    return name


COLUMNS = ["job_id", *map(_column, NAMES)]


def shown_rows(run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Runs in the order of their ids, for orjson; one that was purged meanwhile is left out."""
    rows = Run.objects.filter(pk__among={*run_ids}).order_by().values_list(*COLUMNS)
    found = {row["run_id"]: (row, job_id) for row, job_id in map(_named, rows)}
    page = [found[run_id] for run_id in run_ids if run_id in found]
    tags = tags_of(run_ids)
    awaited = [(row, job_id) for row, job_id in page if row["status"] == Status.PENDING and job_id]
    estimates = _estimates(job_id for _, job_id in awaited)
    for row, _ in page:
        row["tags"], row["estimate"] = dict(tags.get(row["run_id"], ())), None
    for row, job_id in awaited:
        row["estimate"] = estimates.get(job_id)
    return [row for row, _ in page]


def _named(row: tuple[Any, ...]) -> tuple[dict[str, Any], int | None]:
    job_id, *told = row
    named = dict(zip(NAMES, told, strict=True))
    named["config"] = Fragment(named["config"])
    return named, job_id


def _estimates(job_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The newest of each job, as JSON."""
    if not (wanted := set(job_ids)):
        return {}
    newest = StartEstimate.objects.filter(is_newest=True, job__in=wanted)
    return {estimate.job_id: RunEstimateSerializer(estimate).data for estimate in newest}
