from __future__ import annotations

from django.contrib import admin

from tracker.admin.base import FactAdmin
from tracker.models import EventFile, EventReading


@admin.register(EventFile)
class EventFileAdmin(FactAdmin):
    list_display = ("path", "run", "attempt", "offset", "points", "problem")
    list_filter = (("problem", admin.EmptyFieldListFilter),)
    search_fields = ("path", "=run__id")
    raw_id_fields = ("run",)


@admin.register(EventReading)
class EventReadingAdmin(FactAdmin):
    list_display = ("run", "read_at", "ended_attempt", "problem")
    list_filter = (("problem", admin.EmptyFieldListFilter),)
    search_fields = ("=run__id",)
    date_hierarchy = "read_at"
    raw_id_fields = ("run",)
