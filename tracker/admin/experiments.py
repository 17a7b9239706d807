from __future__ import annotations

from uuid import uuid4

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from tracker import submission, tasks
from tracker.admin.base import AuditedAdmin
from tracker.models import Actor, Experiment, ResourceRequest
from tracker.recording import ConflictError, archive_experiment, restore_experiment
from tracker.submission.starting import cluster_to_start_on


class RequestInline(admin.StackedInline):
    model = ResourceRequest
    extra = 0


@admin.register(Experiment)
class ExperimentAdmin(AuditedAdmin):
    list_display = ("name", "owner", "group", "cluster", "run_count", "created_at", "is_archived")
    list_filter = (("archived_at", admin.EmptyFieldListFilter), "group", "cluster")
    list_select_related = ("owner", "group", "cluster")
    search_fields = ("name", "description", "owner__username", "group__name")
    date_hierarchy = "created_at"
    autocomplete_fields = ("owner", "group", "cluster")
    readonly_fields = ("archived_at", "created_at", "updated_at")
    inlines = (RequestInline,)
    actions = ("start", "archive", "restore")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Experiment]:
        return super().get_queryset(request).annotate(run_count=Count("runs"))

    @admin.display(description="runs", ordering="run_count")
    def run_count(self, experiment: Experiment) -> int:
        return experiment.run_count

    @admin.display(description="archived", boolean=True, ordering="archived_at")
    def is_archived(self, experiment: Experiment) -> bool:
        return experiment.archived_at is not None

    @admin.action(description="Start, one run each", permissions=["change"])
    def start(self, request: HttpRequest, queryset: QuerySet[Experiment]) -> None:
        """As the member of staff who asks, on the experiment's cluster."""
        for experiment in queryset:
            try:
                begun, _ = submission.start(
                    experiment,
                    actor=Actor(request.user),
                    cluster=cluster_to_start_on(experiment, None),
                    wish=submission.Wish(),
                    key=uuid4().hex,
                    ring=tasks.ring_for_submission,
                )
            except ConflictError as conflict:
                messages.error(request, f"“{experiment}” was not started. {conflict.sentence}")
            else:
                where = f"{begun.cluster} as {begun.unix_name}"
                messages.success(request, f"“{experiment}” was started on {where}.")

    @admin.action(description="Archive: out of the lists, everything kept", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Experiment]) -> None:
        for experiment in queryset:
            archive_experiment(experiment, actor=Actor(request.user), at=timezone.now())
        messages.success(request, f"Archived {len(queryset)}.")

    @admin.action(description="Restore from the archive", permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Experiment]) -> None:
        for experiment in queryset:
            restore_experiment(experiment, actor=Actor(request.user))
        messages.success(request, f"Restored {len(queryset)}.")


@admin.register(ResourceRequest)
class ResourceRequestAdmin(AuditedAdmin):
    list_display = (
        "experiment", "cluster", "partition", "nodes", "gres", "mem", "time_limit_minutes",
        "account", "qos",
    )  # fmt: skip
    list_filter = ("cluster",)
    list_select_related = ("experiment", "cluster")
    search_fields = ("experiment__name", "partition", "account", "gres")
    autocomplete_fields = ("experiment", "cluster")
