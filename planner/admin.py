"""What the planner was asked for and has learnt, for the staff: the service alone writes it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from planner.models import (
    BetterSlot,
    Forecast,
    ForecastBatch,
    Learnt,
    Promise,
    Question,
    SelfCheck,
    StartFeatures,
    Watch,
)


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Forecast)
class ForecastAdmin(ReadOnlyAdmin):
    list_display = [
        *("requested_at", "cluster", "state", "snapshot_at"),
        *("jobs", "replicas", "cpu_s", "error"),
    ]
    list_filter = ["state", "cluster"]
    date_hierarchy = "requested_at"


@admin.register(ForecastBatch)
class ForecastBatchAdmin(ReadOnlyAdmin):
    list_display = ["forecast", "first_replica", "replicas", "state", "tries", "cpu_s", "error"]
    list_filter = ["state", "forecast__cluster"]
    list_select_related = ["forecast__cluster"]
    exclude = ["starts"]  # bytes


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    list_display = ["asked_at", "asked_by", "cluster", "state", "snapshot_at", "error"]
    list_filter = ["state", "cluster"]
    search_fields = ["asked_by__username"]
    list_select_related = ["asked_by", "cluster"]


@admin.register(SelfCheck)
class SelfCheckAdmin(ReadOnlyAdmin):
    list_display = ["requested_at", "cluster", "state", "snapshot_at", "error"]
    list_filter = ["state", "cluster"]


@admin.register(StartFeatures)
class StartFeaturesAdmin(ReadOnlyAdmin):
    list_display = ["estimate", "names_digest"]
    list_filter = ["names_digest"]
    list_select_related = ["estimate__job"]
    raw_id_fields = ["estimate"]
    exclude = ["values"]  # bytes


@admin.register(Learnt)
class LearntAdmin(ReadOnlyAdmin):
    list_display = ["id", "requested_at", "cluster", "state", "snapshot_at", "starts", "error"]
    list_filter = ["state", "cluster"]


@admin.register(Watch)
class WatchAdmin(ReadOnlyAdmin):
    list_display = ["made_at", "user", "cluster", "promised_p50_at", "checked_at", "best_p50_at"]
    list_filter = ["cluster"]
    search_fields = ["user__username"]
    list_select_related = ["user", "cluster"]


@admin.register(BetterSlot)
class BetterSlotAdmin(ReadOnlyAdmin):
    list_display = ["notice", "watch", "where", "p50_at"]
    list_filter = ["watch__cluster"]
    list_select_related = ["watch__user", "notice__user"]


@admin.register(Promise)
class PromiseAdmin(ReadOnlyAdmin):
    list_display = ["chosen_at", "user", "experiment", "cluster", "snapshot_at"]
    list_filter = ["cluster"]
    list_select_related = ["user", "experiment", "cluster"]
