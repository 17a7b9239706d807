from __future__ import annotations

from datetime import datetime

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from tracker.admin.base import AuditedAdmin, FactAdmin
from tracker.admin.cluster_form import ClusterForm
from tracker.models import (
    Actor,
    Association,
    Cluster,
    ClusterAccount,
    HistoryImport,
    Node,
    Partition,
    Poll,
    PollClaim,
    Qos,
    Reservation,
)
from tracker.models.polls import queue_as_of
from tracker.recording import set_polling_paused

TEXT_SHOWN = 20_000  # characters of a poll's raw output on its page


@admin.register(Cluster)
class ClusterAdmin(AuditedAdmin):
    form = ClusterForm
    list_display = (
        "name", "transport", "submit_as", "slurm_version", "polling_paused", "queue_as_of",
        "is_demo", "polls",
    )  # fmt: skip
    list_filter = ("transport", "submit_as", "polling_paused")
    search_fields = ("name",)
    readonly_fields = ("slurm_version", "is_demo", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "slurm_version", "is_demo", "created_at")}),
        (
            "How it is asked",
            {
                "fields": (
                    "transport", "location", "ssh_host", "rest_url", "service_user",
                    "polling_paused",
                ),
            },
        ),
        (
            "How jobs are submitted",
            {"fields": ("submit_as", "work_dir", "run_folder", "job_output", "setup_lines")},
        ),
        ("What is shown", {"fields": ("log_roots", "private_data")}),
    )  # fmt: skip
    actions = ("pause", "resume")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cluster]:
        return super().get_queryset(request).annotate(queue_as_of=queue_as_of())

    @admin.display(description="queue as of", ordering="queue_as_of")
    def queue_as_of(self, cluster: Cluster) -> datetime | None:
        return cluster.queue_as_of

    @admin.display(description="")
    def polls(self, cluster: Cluster) -> str:
        return format_html('<a href="{}">Polls</a>', reverse("polls", args=[cluster.name]))

    @admin.action(description="Pause polling", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Cluster]) -> None:
        _set_paused(request, queryset, paused=True)

    @admin.action(description="Resume polling", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Cluster]) -> None:
        _set_paused(request, queryset, paused=False)


def _set_paused(request: HttpRequest, clusters: QuerySet[Cluster], *, paused: bool) -> None:
    for cluster in clusters:
        set_polling_paused(cluster, paused, actor=Actor(request.user))
    messages.success(request, "Polling is paused." if paused else "Polling goes on.")


@admin.register(ClusterAccount)
class ClusterAccountAdmin(AuditedAdmin):
    """Who is whom on a cluster: what “my jobs” and PrivateData go by."""

    list_display = ("user", "cluster", "unix_name")
    list_filter = ("cluster",)
    list_select_related = ("user", "cluster")
    search_fields = ("user__username", "unix_name")
    autocomplete_fields = ("user", "cluster")


@admin.register(Partition)
class PartitionAdmin(FactAdmin):
    list_display = (
        "name", "cluster", "state", "is_default", "max_minutes", "max_nodes", "priority_tier",
        "hidden",
    )  # fmt: skip
    list_filter = ("cluster", "state", "hidden")
    list_select_related = ("cluster",)
    search_fields = ("name",)


@admin.register(Node)
class NodeAdmin(FactAdmin):
    list_display = (
        "name", "cluster", "state", "cpus_alloc", "cpus", "gpus_alloc", "gpus", "usable", "reason",
    )  # fmt: skip
    list_filter = ("cluster", "usable")
    list_select_related = ("cluster",)
    search_fields = ("name", "state", "reason")


@admin.register(Qos)
class QosAdmin(FactAdmin):
    list_display = ("name", "cluster", "priority", "max_wall_minutes", "limits")
    list_filter = ("cluster",)
    list_select_related = ("cluster",)
    search_fields = ("name",)


@admin.register(Reservation)
class ReservationAdmin(FactAdmin):
    list_display = ("name", "cluster", "state", "start_at", "end_at", "node_list")
    list_filter = ("cluster", "state")
    list_select_related = ("cluster",)
    search_fields = ("name", "node_list")
    date_hierarchy = "start_at"


@admin.register(Association)
class AssociationAdmin(FactAdmin):
    list_display = (
        "account", "user", "partition", "cluster", "shares", "raw_usage", "fair_share",
        "default_qos",
    )  # fmt: skip
    list_filter = ("cluster",)
    list_select_related = ("cluster",)
    search_fields = ("account", "user")


@admin.register(Poll)
class PollAdmin(FactAdmin):
    list_display = ("started_at", "cluster", "command", "ok", "rc", "seconds", "raw_size", "error")
    list_filter = ("cluster", "command", "ok")
    list_select_related = ("cluster",)
    search_fields = ("command", "error")
    date_hierarchy = "started_at"
    exclude = ("raw",)
    readonly_fields = ("output",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Poll]:
        return super().get_queryset(request).defer("raw")

    @admin.display(description="output")
    def output(self, poll: Poll) -> str:
        text = poll.text
        cut = f"\n… {len(text) - TEXT_SHOWN:,} more characters" if len(text) > TEXT_SHOWN else ""
        return text[:TEXT_SHOWN] + cut


@admin.register(PollClaim)
class PollClaimAdmin(FactAdmin):
    list_display = ("cluster", "command", "until")
    list_filter = ("cluster",)
    list_select_related = ("cluster",)


@admin.register(HistoryImport)
class HistoryImportAdmin(FactAdmin):
    list_display = ("begun_at", "cluster", "source", "lines_done", "finished_at")
    list_filter = ("cluster", ("finished_at", admin.EmptyFieldListFilter))
    list_select_related = ("cluster",)
    search_fields = ("source",)
    date_hierarchy = "begun_at"
