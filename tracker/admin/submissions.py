from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from tracker.admin.base import FactAdmin
from tracker.models import Submission


@admin.register(Submission)
class SubmissionAdmin(FactAdmin):
    """What was sent to Slurm; a person decides on the page of the run what became of it."""

    list_display = (
        "id", "experiment", "cluster", "unix_name", "state", "tries", "slurm_job_id", "run_count",
        "created_by", "created_at", "sent_at",
    )  # fmt: skip
    list_filter = ("state", "cluster")
    list_select_related = ("experiment", "cluster", "created_by")
    search_fields = ("experiment__name", "unix_name", "=slurm_job_id", "=mark")
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        return super().get_queryset(request).annotate(run_count=Count("runs"))

    @admin.display(description="runs", ordering="run_count")
    def run_count(self, submission: Submission) -> str:
        link = f"{reverse('admin:tracker_run_changelist')}?submission__id__exact={submission.pk}"
        return format_html('<a href="{}">{}</a>', link, submission.run_count)
