from __future__ import annotations

from django.contrib import admin

from tracker.admin.base import FactAdmin, ReadOnly
from tracker.models import Attempt, AttemptUsage, Job, JobHint, StartEstimate


class AttemptInline(ReadOnly, admin.StackedInline):
    model = Attempt
    extra = 0
    can_delete = False


@admin.register(Job)
class JobAdmin(FactAdmin):
    list_display = (
        "job_id", "cluster", "name", "user", "account", "partition", "state", "reason",
        "submit_at", "start_at", "end_at", "in_queue", "is_final",
    )  # fmt: skip
    list_filter = ("cluster", "in_queue", "is_final", "state")
    list_select_related = ("cluster",)
    search_fields = ("=job_id", "=array_job_id", "user", "account", "name")
    date_hierarchy = "submit_at"
    inlines = (AttemptInline,)


@admin.register(Attempt)
class AttemptAdmin(FactAdmin):
    list_display = (
        "job", "number", "state", "submit_at", "start_at", "end_at", "exit_code", "accounted",
    )  # fmt: skip
    list_filter = ("state", "accounted")
    list_select_related = ("job",)
    search_fields = ("=job__job_id", "job__user", "node_list")
    date_hierarchy = "submit_at"
    raw_id_fields = ("job",)


@admin.register(AttemptUsage)
class AttemptUsageAdmin(FactAdmin):
    list_display = (
        "attempt", "elapsed_s", "cpu_s", "max_rss_mib", "mem_mib", "gpu_util_percent",
        "gpu_mem_mib", "read_at",
    )  # fmt: skip
    list_select_related = ("attempt__job",)
    search_fields = ("=attempt__job__job_id", "attempt__job__user")
    raw_id_fields = ("attempt",)


@admin.register(JobHint)
class JobHintAdmin(FactAdmin):
    list_display = ("job_id", "cluster", "said_status", "times", "received_at", "checked_at")
    list_filter = ("cluster", ("checked_at", admin.EmptyFieldListFilter))
    list_select_related = ("cluster",)
    search_fields = ("=job_id",)
    date_hierarchy = "received_at"


@admin.register(StartEstimate)
class StartEstimateAdmin(FactAdmin):
    list_display = (
        "job", "issued_at", "p10_at", "p50_at", "p90_at", "slurm_start_at", "reason_class",
        "method", "is_newest", "milestone_minutes", "outcome", "outcome_at",
    )  # fmt: skip
    list_filter = (
        "is_newest", "milestone_minutes", "outcome", "is_replayed", "method", "reason_class",
        "job__cluster",
    )  # fmt: skip
    list_select_related = ("job",)
    search_fields = ("=job__job_id", "job__user")
    date_hierarchy = "issued_at"
