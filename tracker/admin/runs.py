from __future__ import annotations

import csv
import json
from collections.abc import Iterator

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from tracker import submission, tasks
from tracker.admin.base import AuditedAdmin, FactAdmin
from tracker.metrics.points import value_of
from tracker.models import (
    Actor,
    Artifact,
    MetricChunk,
    MetricPoint,
    MetricSeries,
    Run,
    RunTag,
    SavedView,
)
from tracker.models.submissions import SCRIPT_OF_RUN
from tracker.recording import ConflictError, finish_run

CSV_FIELDS = (
    "id", "experiment_id", "experiment__name", "cluster__name", "slurm_job_id", "seed", "status",
    "reason", "attempt", "exit_code", "submitted_at", "started_at", "ended_at", "config",
)  # fmt: skip


@admin.register(Run)
class RunAdmin(AuditedAdmin, FactAdmin):
    """Runs change by their jobs and by their own word; staff may close one that nobody closes."""

    list_display = (
        "short_id", "experiment", "status", "cluster", "slurm_job_id", "seed", "attempt",
        "started_by", "created_by", "created_at",
    )  # fmt: skip
    list_filter = (
        "status", "cluster", "closed_by_client", "submission__state",
        ("archived_at", admin.EmptyFieldListFilter), ("deleted_at", admin.EmptyFieldListFilter),
        ("submission", admin.EmptyFieldListFilter),
    )  # fmt: skip
    list_select_related = ("experiment", "cluster", "created_by")
    search_fields = ("id", "experiment__name", "=slurm_job_id", "created_by__username")
    date_hierarchy = "created_at"
    actions = (
        "cancel",
        "close_as_completed",
        "close_as_failed",
        "close_as_cancelled",
        "export_csv",
    )

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tracker.change_run")

    @admin.display(description="run", ordering="id")
    def short_id(self, run: Run) -> str:
        return f"…{run.pk[-8:]}"

    @admin.display(description="start", ordering="submission")
    def started_by(self, run: Run) -> str:
        if run.submission_id is None:
            return "–"
        others = reverse("admin:tracker_run_changelist")
        link = f"{others}?submission__id__exact={run.submission_id}"
        return format_html('<a href="{}">{}</a>', link, run.submission_id)

    @admin.action(description="Cancel its job", permissions=["close"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        """As the unix user who the member of staff is: nobody cancels another's job."""
        asked = 0
        for run in queryset.select_related("cluster", "job", "submission").defer(SCRIPT_OF_RUN):
            try:
                submission.ask_cancel(
                    run,
                    actor=Actor(request.user),
                    now=timezone.now(),
                    ring=tasks.ring_for_cancels,
                )
                asked += 1
            except ConflictError as conflict:
                messages.error(request, f"Run {run} was not cancelled. {conflict.sentence}")
        if asked:
            messages.success(request, f"Cancelling of {asked} was asked.")

    @admin.action(description="Close as completed", permissions=["close"])
    def close_as_completed(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        _close(request, queryset, Run.Status.COMPLETED)

    @admin.action(description="Close as failed", permissions=["close"])
    def close_as_failed(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        _close(request, queryset, Run.Status.FAILED)

    @admin.action(description="Close as cancelled", permissions=["close"])
    def close_as_cancelled(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        _close(request, queryset, Run.Status.CANCELLED)

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_csv(self, _request: HttpRequest, queryset: QuerySet[Run]) -> StreamingHttpResponse:
        rows = csv_rows(queryset)
        response = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="runs.csv"'
        return response


def _close(request: HttpRequest, runs: QuerySet[Run], status: Run.Status) -> None:
    closed = 0
    for run in runs:
        if not run.is_open:
            messages.warning(request, f"Run {run} has ended as {run.status} and stays so.")
            continue
        try:
            finish_run(run, actor=Actor(request.user), status=status, at=timezone.now())
            closed += 1
        except ConflictError as error:
            messages.error(request, f"Run {run}: {error.message}.")
    if closed:
        messages.success(request, f"Closed {closed} as {status.lower()}.")


class _Line:
    """A file for csv.writer that hands each line back."""

    def write(self, line: str) -> str:
        return line


def csv_rows(runs: QuerySet[Run]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(CSV_FIELDS)
    for row in runs.values_list(*CSV_FIELDS).iterator(chunk_size=500):
        yield writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> object:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@")):
        return f"'{value}"  # spreadsheets run text that begins like a formula
    return value


@admin.register(RunTag)
class RunTagAdmin(FactAdmin):
    list_display = ("name", "value", "run")
    search_fields = ("=name", "value", "run__id")
    list_select_related = ("run",)


@admin.register(SavedView)
class SavedViewAdmin(FactAdmin):
    list_display = ("name", "owner", "experiment", "query", "created_at")
    list_select_related = ("owner", "experiment")
    search_fields = ("name", "owner__username", "experiment__name")


@admin.register(MetricSeries)
class MetricSeriesAdmin(FactAdmin):
    list_display = ("name", "run", "last_step", "last", "count", "non_finite_count", "updated_at")
    search_fields = ("name", "run__id", "run__experiment__name")
    list_select_related = ("run",)

    @admin.display(description="last value")
    def last(self, series: MetricSeries) -> float | None:
        return None if series.last_bits is None else value_of(series.last_bits)


@admin.register(MetricPoint)
class MetricPointAdmin(FactAdmin):
    """Found by the run's id or the name of the metric; the table is long."""

    list_display = ("series", "run", "attempt", "step", "value")
    list_select_related = ("series__run",)
    search_fields = ("=series__name", "=series__run__id")
    ordering = ("-id",)

    @admin.display(description="run")
    def run(self, point: MetricPoint) -> str:
        return point.series.run_id

    @admin.display(description="value")
    def value(self, point: MetricPoint) -> float:
        return value_of(point.value_bits)


@admin.register(MetricChunk)
class MetricChunkAdmin(FactAdmin):
    """What compaction made of points; the columns themselves are bytes for programs."""

    list_display = ("series", "run", "attempt", "first_step", "last_step", "count")
    list_select_related = ("series__run",)
    search_fields = ("=series__name", "=series__run__id")
    ordering = ("-id",)
    exclude = ("columns",)

    @admin.display(description="run")
    def run(self, chunk: MetricChunk) -> str:
        return chunk.series.run_id


@admin.register(Artifact)
class ArtifactAdmin(FactAdmin):
    list_display = ("path", "kind", "run", "created_at")
    list_filter = ("kind",)
    list_select_related = ("run",)
    search_fields = ("path", "run__id", "run__experiment__name")
    date_hierarchy = "created_at"
