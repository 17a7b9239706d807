"""Filters of lists, shared by the API and the pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django_filters.fields import IsoDateTimeField

from tracker.models import AuditEntry, Experiment, Job, Node, Partition, Run


class WholeNumberFilter(filters.Filter):
    """Only what fits a database's 64-bit column; anything else is told, not a server error."""

    field_class = forms.IntegerField

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, min_value=-(2**63), max_value=2**63 - 1, **kwargs)


class MomentField(IsoDateTimeField):
    def clean(self, value: object) -> datetime | None:
        moment = super().clean(value)
        try:
            # PostgreSQL knows fewer offsets than ISO 8601.
            return moment and moment.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError("Give a moment from year 1 to 9999.") from None


class MomentFilter(filters.IsoDateTimeFilter):
    field_class = MomentField


class ExperimentFilter(filters.FilterSet):
    q = filters.CharFilter(method="search", label="in name or description")
    tag = filters.CharFilter(method="has_tag", label="one of its tags")
    owner = filters.CharFilter("owner__username", label="user name of the owner")
    group = WholeNumberFilter("group", label="id of the group")
    cluster = filters.CharFilter("cluster__name", label="name of the cluster")
    archived = filters.BooleanFilter("archived_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Experiment
        fields: list[str] = []

    def search(self, rows: QuerySet[Experiment], _name: str, value: str) -> QuerySet[Experiment]:
        return rows.filter(Q(name__icontains=value) | Q(description__icontains=value))

    def has_tag(self, rows: QuerySet[Experiment], _name: str, value: str) -> QuerySet[Experiment]:
        # SQLite cannot look into JSON lists; the quotes make it the whole tag. SQLite keeps
        # letters beyond ASCII escaped, PostgreSQL as they are.
        plain, escaped = json.dumps(value, ensure_ascii=False), json.dumps(value)
        return rows.filter(Q(tags__icontains=plain) | Q(tags__icontains=escaped))


class RunFilter(filters.FilterSet):
    experiment = WholeNumberFilter("experiment", label="id of the experiment")
    # A column of the run itself: nothing comes twice, and DISTINCT would compare whole rows.
    status = filters.MultipleChoiceFilter(choices=Run.Status.choices, distinct=False)
    open = filters.BooleanFilter(method="is_open", label="not ended yet")
    cluster = filters.CharFilter("cluster__name", label="name of the cluster")
    slurm_job_id = WholeNumberFilter("slurm_job_id")
    seed = WholeNumberFilter("seed")
    key = filters.CharFilter("key", label="as its create gave it")
    parent = filters.CharFilter("parent_id", label="id of the run that it is nested in")
    submission = WholeNumberFilter("submission", label="the start that it belongs to")
    created_after = MomentFilter("created_at", lookup_expr="gte")
    created_before = MomentFilter("created_at", lookup_expr="lt")

    class Meta:
        model = Run
        fields: list[str] = []

    def is_open(self, rows: QuerySet[Run], _name: str, value: bool) -> QuerySet[Run]:
        is_open = Q(status__in=Run.OPEN)
        return rows.filter(is_open if value else ~is_open)


class OfClusterFilter(filters.FilterSet):
    cluster = filters.CharFilter("cluster__name", label="name of the cluster")
    name = filters.CharFilter("name", lookup_expr="icontains")


class PartitionFilter(OfClusterFilter):
    class Meta:
        model = Partition
        fields: list[str] = []


class NodeFilter(OfClusterFilter):
    usable = filters.BooleanFilter("usable")

    class Meta:
        model = Node
        fields: list[str] = []


class JobFilter(filters.FilterSet):
    cluster = filters.CharFilter("cluster__name", label="name of the cluster")
    job_id = WholeNumberFilter("job_id", label="Slurm's raw id")
    array_job_id = WholeNumberFilter("array_job_id")
    state = filters.CharFilter("state", label="Slurm's word, such as PENDING")
    user = filters.CharFilter("user", label="unix user")
    account = filters.CharFilter("account")
    partition = filters.CharFilter("partition", label="as asked, such as gpu or gpu,long")
    in_queue = filters.BooleanFilter("in_queue")

    class Meta:
        model = Job
        fields: list[str] = []


class AuditFilter(filters.FilterSet):
    user = filters.CharFilter("user__username")
    verb = filters.CharFilter("verb")
    kind = filters.CharFilter("kind")
    object_id = filters.CharFilter("object_id")
    after = MomentFilter("at", lookup_expr="gte")

    class Meta:
        model = AuditEntry
        fields: list[str] = []
