from __future__ import annotations

from django.contrib import admin

from tracker.admin.base import FactAdmin
from tracker.models import Notice, NoticedRun, NoticeWishes


@admin.register(Notice)
class NoticeAdmin(FactAdmin):
    """``state`` is that of its e-mail."""

    list_display = ("made_at", "user", "kind", "title", "mail_to", "state", "tries", "error")
    list_filter = ("kind", "state")
    list_select_related = ("user",)
    search_fields = ("user__username", "title")
    date_hierarchy = "made_at"


@admin.register(NoticedRun)
class NoticedRunAdmin(FactAdmin):
    list_display = ("run", "attempt", "kind", "notice")
    list_filter = ("kind",)
    list_select_related = ("run", "notice__user")
    search_fields = ("=run__id",)
    raw_id_fields = ("run", "notice")


@admin.register(NoticeWishes)
class NoticeWishesAdmin(FactAdmin):
    list_display = ("user", "started", "failed", "ended", "better_slot")
    list_select_related = ("user",)
    search_fields = ("user__username",)
