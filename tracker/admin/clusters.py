from __future__ import annotations

from datetime import datetime

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from tracker.admin.base import AuditedAdmin, FactAdmin
from tracker.models import (
    Actor,
    Association,
    Cluster,
    ClusterAccount,
    Node,
    Partition,
    Poll,
    PollClaim,
    Qos,
    Reservation,
)
from tracker.models.polls import queue_as_of
from tracker.recording import audit

TEXT_SHOWN = 20_000  # characters of a poll's raw output on its page


class ClusterForm(forms.ModelForm):
    class Meta:
        help_texts = {
            "location": "Folder of Slurm's commands (empty: those on PATH), or of the capture.",
            "private_data": "The cluster's own PrivateData words are added by themselves; "
            '["jobs"] hides the jobs of others even where Slurm shows them.',
        }

    def clean_private_data(self) -> list[str]:
        words = self.cleaned_data["private_data"] or []
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise forms.ValidationError('Give a list of words, for example ["jobs"].')
        return words


@admin.register(Cluster)
class ClusterAdmin(AuditedAdmin):
    form = ClusterForm
    list_display = (
        "name", "transport", "location", "slurm_version", "polling_paused", "queue_as_of",
        "is_demo",
    )  # fmt: skip
    list_filter = ("transport", "polling_paused")
    search_fields = ("name",)
    readonly_fields = ("slurm_version", "is_demo", "created_at")
    actions = ("pause", "resume")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cluster]:
        return super().get_queryset(request).annotate(queue_as_of=queue_as_of())

    @admin.display(description="queue as of", ordering="queue_as_of")
    def queue_as_of(self, cluster: Cluster) -> datetime | None:
        return cluster.queue_as_of

    @admin.action(description="Pause polling", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Cluster]) -> None:
        _set_paused(request, queryset, paused=True)

    @admin.action(description="Resume polling", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Cluster]) -> None:
        _set_paused(request, queryset, paused=False)


def _set_paused(request: HttpRequest, clusters: QuerySet[Cluster], *, paused: bool) -> None:
    verb = "pause" if paused else "resume"
    for cluster in clusters.exclude(polling_paused=paused):
        cluster.polling_paused = paused
        cluster.save(update_fields=["polling_paused"])
        audit(Actor(request.user), verb, cluster, name=cluster.name)
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
