"""Columns and cells of the runs table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from tracker.flat_config import setting_words
from tracker.searching.keys import Holds, Key, Kind, Sort
from tracker.templatetags.queuecast import NOT_KNOWN, duration, figure, moment

CELL_CHARS = 60
LABELS = {
    "name": "Run",
    "experiment": "Experiment",
    "status": "State",
    "seed": "Seed",
    "job": "Job",
    "waited_s": "Waited",
    "duration_s": "Ran",
    "created_at": "Made",
    "submitted_at": "Submitted",
    "started_at": "Started",
    "ended_at": "Ended",
    "exit_code": "Exit code",
    "id": "Id",
    "user": "User",
    "cluster": "Cluster",
    "attempt": "Attempt",
    "tag": "Tags",
}


@dataclass(frozen=True, slots=True)
class Column:
    """``order`` is as aria-sort has it, empty where the table is not sorted by this."""

    key: Key
    label: str
    url: str  # sorts by it, the other way round, or no more
    order: str = ""

    @property
    def is_number(self) -> bool:
        return self.key.holds in (Holds.NUMBER, Holds.WHOLE) or self.key.kind is Kind.CONFIG


def column(key: Key, sort: Sort | None, query: QueryDict) -> Column:
    label = LABELS[key.name] if key.kind is Kind.ATTRIBUTE else str(key)
    if key.kind in (Kind.METRIC, Kind.CONFIG):
        label = key.name
    falling_first = key.is_metric or key.holds is Holds.MOMENT
    orders = [Sort(key, descending=falling_first), Sort(key, descending=not falling_first), None]
    following = orders[orders.index(sort) + 1] if sort in orders[:2] else orders[0]
    order = (
        "" if sort is None or sort.key != key else "descending" if sort.descending else "ascending"
    )
    return Column(key, label, link(query, sort=following and str(following)), order)


def link(query: QueryDict, **changes: object) -> str:
    """The page's address with some fields changed, on its first page; None drops a field."""
    query = query.copy()
    for name in ("page", *changes):
        query.pop(name, None)
    for name, value in changes.items():
        if isinstance(value, list | tuple):
            query.setlist(name, [str(one) for one in value])
        elif value is not None:
            query[name] = str(value)
    return f"?{query.urlencode()}"


def cell(key: Key, value: object) -> str:
    """A value as the table shows it; moments as the HTML that time.js reads."""
    if value is None or value == "":
        return NOT_KNOWN
    if isinstance(value, datetime):
        return moment(value)
    if key.kind is Kind.ATTRIBUTE and key.name.endswith("_s"):
        return duration(value)  # type: ignore[arg-type]
    if isinstance(value, float):
        return figure(value)
    words = setting_words(value)
    return words if len(words) <= CELL_CHARS else f"{words[:CELL_CHARS]}…"
