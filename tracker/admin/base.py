"""What several admin pages share: facts are read only, and changes leave a trail."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from tracker.models import Actor
from tracker.recording import audit


class ReadOnly:
    """For pages and inlines of rows that polls and runs write: looked at, never typed in."""

    def has_add_permission(self, *_: object) -> bool:
        return False

    def has_change_permission(self, *_: object) -> bool:
        return False


class FactAdmin(ReadOnly, admin.ModelAdmin):
    """Deleting stays open to those with the permission, since whatever a row belongs to (a
    cluster, an experiment) could not be deleted otherwise; it is no bulk action.
    """

    actions = None
    deletable = True
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self.deletable and super().has_delete_permission(request, obj)


class AuditedAdmin(admin.ModelAdmin):
    """Every save and deletion here is in the audit trail, as if it came from a page."""

    def save_model(
        self, request: HttpRequest, obj: models.Model, form: forms.ModelForm, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        verb = "update" if change else "create"
        audit(Actor(request.user), verb, obj, name=str(obj), fields=form.changed_data)

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        with transaction.atomic():
            audit(Actor(request.user), "delete", obj, name=str(obj))
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        with transaction.atomic():
            for obj in queryset:
                audit(Actor(request.user), "delete", obj, name=str(obj))
            super().delete_queryset(request, queryset)
