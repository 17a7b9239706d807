"""Clauses, words and sorts as queries over runs.

Every key becomes an alias of the query, so that filters and sorts are the same for all kinds. A
metric or tag is joined by its name, at most one row a run; comparing what a run lacks leaves the
run out, and sorting by it puts the run last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from tracker.metrics.points import bits_of
from tracker.models import Run, RunTag
from tracker.searching.expressions import SecondsBetween, SettingNumber, SettingText
from tracker.searching.keys import Key, Kind, Sort
from tracker.searching.query import Clause
from tracker.searching.query import Value as Wanted

Runs = QuerySet[Run]

LOOKUPS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "like": "like", "ilike": "ilike"}
FIELDS = {
    "id": "pk",
    "experiment": "experiment__name",
    "user": "created_by__username",
    "cluster": "cluster__name",
    "job": "slurm_job_id",
}
SERIES_FIELDS = {Kind.METRIC: "last_value", Kind.MIN: "min_value", Kind.MAX: "max_value"}
WORDS = 10
ID_PART = 4  # characters: ids are hexadecimal, and two digits are in most of them


def matching(runs: Runs, clauses: Sequence[Clause], *, now: datetime) -> Runs:
    """Runs of which every clause is true."""
    for place, clause in enumerate(clauses):
        if clause.key == Key(Kind.ATTRIBUTE, "tag"):
            runs = runs.filter(_tagged(clause))
        elif clause.key.kind is Kind.CONFIG:
            runs = _with_setting(runs, clause, f"where{place}")
        elif any(isinstance(value, str) for value in clause.values) and clause.key.is_metric:
            runs = _with_bits(runs, clause, f"where{place}")
        else:
            label = f"where{place}"
            runs = _alias(runs, clause.key, label, now).filter(_compared(label, clause))
    return runs


def with_words(runs: Runs, text: str) -> Runs:
    """Runs that have every word in their name, id, notes, tags, experiment or user's name."""
    for word in text.split()[:WORDS]:
        tags = RunTag.objects.filter(run=OuterRef("pk"))
        found = (
            Q(name__icontains=word)
            | Q(notes__icontains=word)
            | Q(experiment__name__icontains=word)
            | Q(created_by__username__icontains=word)
            | Exists(tags.filter(Q(name__icontains=word) | Q(value__icontains=word)))
        )
        if word.isascii() and word.isalnum() and len(word) >= ID_PART:
            found |= Q(pk__icontains=word.lower())
        if word.isascii() and word.isdigit() and len(word) < 19:
            found |= Q(slurm_job_id=int(word))
        runs = runs.filter(found)
    return runs


def in_order(runs: Runs, sorts: Sequence[Sort], *, now: datetime) -> Runs:
    """Sorted, what is missing or not finite last; ties and no sort: the newest first."""
    order = []
    for place, sort in enumerate(sorts):
        label = f"sort{place}"
        columns = [label]
        if sort.key.kind is Kind.CONFIG:  # numbers first, and text by its letters
            columns = [f"{label}_number", label]
            runs = runs.alias(**{columns[0]: SettingNumber(sort.key.name)})
        runs = _alias(runs, sort.key, label, now)
        order += [
            F(name).desc(nulls_last=True) if sort.descending else F(name).asc(nulls_last=True)
            for name in columns
        ]
    return runs.order_by(*order, "-pk")


def _alias(runs: Runs, key: Key, label: str, now: datetime) -> Runs:
    """The value of a key as ``label``."""
    if key.is_metric or key.kind is Kind.TAG:
        relation, field = ("tags", "value") if key.kind is Kind.TAG else _series_field(key)
        row = FilteredRelation(relation, condition=Q(**{f"{relation}__name": key.name}))
        return runs.alias(**{f"{label}_row": row}).alias(**{label: F(f"{label}_row__{field}")})
    if key.kind is Kind.CONFIG:
        return runs.alias(**{label: SettingText(key.name)})
    match key.name:
        case "waited_s":
            until = Coalesce("started_at", "ended_at", Value(now))
            return runs.alias(**{label: SecondsBetween(F("submitted_at"), until)})
        case "duration_s":
            until = Coalesce("ended_at", Value(now))
            return runs.alias(**{label: SecondsBetween(F("started_at"), until)})
    return runs.alias(**{label: F(FIELDS.get(key.name, key.name))})


def _series_field(key: Key) -> tuple[str, str]:
    return "series", SERIES_FIELDS[key.kind]


def _compared(label: str, clause: Clause) -> Q:
    """``label`` against the clause's values; of a missing value only ``is null`` is true."""
    is_there = Q(**{f"{label}__isnull": False})
    match clause.op:
        case "is null":
            return ~is_there
        case "is not null":
            return is_there
        case "=" | "in":
            return Q(**{f"{label}__in": clause.values})
        case "!=" | "not in":
            return is_there & ~Q(**{f"{label}__in": clause.values})
    return Q(**{f"{label}__{LOOKUPS[clause.op]}": clause.values[0]})


def _with_bits(runs: Runs, clause: Clause, label: str) -> Runs:
    """Of a metric's last value, one of which is not finite: those are told apart by their bits."""
    row = FilteredRelation("series", condition=Q(series__name=clause.key.name))
    runs = runs.alias(**{f"{label}_row": row}).alias(**{label: F(f"{label}_row__last_bits")})
    bits = tuple(bits_of(float(value)) for value in clause.values)  # type: ignore[arg-type]
    return runs.filter(_compared(label, Clause(clause.key, clause.op, bits)))


def _with_setting(runs: Runs, clause: Clause, label: str) -> Runs:
    """Numbers are compared with settings that are numbers, text with any setting's text."""
    numbers, texts = _by_type(clause.values)
    runs = runs.alias(
        **{label: SettingText(clause.key.name), f"{label}_number": SettingNumber(clause.key.name)}
    )
    if not numbers:
        return runs.filter(_compared(label, clause))
    if clause.op not in ("=", "!=", "in", "not in"):
        return runs.filter(_compared(f"{label}_number", clause))
    any_of = Q(**{f"{label}_number__in": numbers}) | Q(**{f"{label}__in": texts})
    is_not = clause.op in ("!=", "not in")
    # a setting that is text is not equal to a number: NULL must not hide it
    no_number = Q(**{f"{label}_number__isnull": True}) | ~Q(**{f"{label}_number__in": numbers})
    differs = Q(**{f"{label}__isnull": False}) & no_number & ~Q(**{f"{label}__in": texts})
    return runs.filter(differs if is_not else any_of)


def _by_type(values: Sequence[Wanted]) -> tuple[list[Wanted], list[Wanted]]:
    numbers = [value for value in values if isinstance(value, int | float)]
    return numbers, [value for value in values if not isinstance(value, int | float)]


def _tagged(clause: Clause) -> Q:
    """Whether any of its tags has such a name: ``tag = baseline``, ``tag is null``."""
    tags = RunTag.objects.filter(run=OuterRef("pk"))
    match clause.op:
        case "is null":
            return ~Q(Exists(tags))
        case "is not null":
            return Q(Exists(tags))
        case "=" | "in":
            return Q(Exists(tags.filter(name__in=clause.values)))
        case "!=" | "not in":
            return ~Q(Exists(tags.filter(name__in=clause.values)))
    return Q(Exists(tags.filter(**{f"name__{clause.op}": clause.values[0]})))
