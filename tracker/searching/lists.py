"""What list of runs an address asks for: the same fields on pages, in the API and in exports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from django.db.models import QuerySet
from django.http import QueryDict

from tracker.models import Actor, Run
from tracker.searching.keys import Key, QueryError, Sort, parse_columns, parse_sort
from tracker.searching.query import Clause, parse_where
from tracker.searching.search import in_order, matching, with_words

WORDS_CHARS = 200
Parsed = TypeVar("Parsed")


class Which(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"
    DELETED = "deleted"
    ALL = "all"  # but the deleted


@dataclass(frozen=True, slots=True)
class RunList:
    """``errors`` by field: what could not be read, and why; such a list has no runs."""

    which: Which = Which.ACTIVE
    words: str = ""
    where: tuple[Clause, ...] = ()
    statuses: tuple[str, ...] = ()
    submission: int | None = None
    parent: str = ""
    sort: Sort | None = None
    columns: tuple[Key, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)

    def seen_by(self, actor: Actor) -> QuerySet[Run]:
        """All runs that this list chooses from."""
        if self.which is Which.DELETED:
            return actor.deleted_runs()
        runs = actor.runs()
        if self.which is Which.ALL:
            return runs
        return runs.filter(archived_at__isnull=self.which is Which.ACTIVE)

    def chosen(self, runs: QuerySet[Run], *, now: datetime) -> QuerySet[Run]:
        """Those of ``runs`` that it asks for, in no order."""
        if self.errors:
            return runs.none()
        if self.statuses:
            runs = runs.filter(status__in=self.statuses)
        if self.submission is not None:
            runs = runs.filter(submission=self.submission)
        if self.parent:
            runs = runs.filter(parent=self.parent)
        return with_words(matching(runs, self.where, now=now), self.words)

    def sorted(self, runs: QuerySet[Run], *, now: datetime) -> QuerySet[Run]:
        if self.sort is None and self.submission is not None:
            return runs.order_by("array_task_id", "pk")
        return in_order(runs, [self.sort] if self.sort else [], now=now)

    def of_any_status(self) -> RunList:
        return replace(self, statuses=())

    @property
    def is_filtered(self) -> bool:
        return bool(self.words or self.where or self.statuses)


def run_list(query: QueryDict, *, which: Which = Which.ACTIVE) -> RunList:
    """The fields ``which q where status submission parent sort columns``, all optional.

    ``status`` and ``columns`` may come several times. ``which`` counts where the query names none.
    """
    errors: dict[str, str] = {}

    def read(name: str, parse: Callable[[str], Parsed], otherwise: Parsed) -> Parsed:
        try:
            return parse(_text(query, name))
        except QueryError as error:
            errors[name] = str(error)
            return otherwise

    return RunList(
        which=read("which", lambda text: _which(text) if text else which, which),
        words=read("q", _words, ""),
        where=tuple(read("where", parse_where, [])),
        statuses=tuple(status for status in query.getlist("status") if status in Run.Status.values),
        submission=_number(query.get("submission", "")),
        parent=query.get("parent", "").replace("\x00", "")[:32],
        sort=read("sort", parse_sort, None),
        columns=tuple(read("columns", parse_columns, [])),
        errors=errors,
    )


def _text(query: QueryDict, name: str) -> str:
    text = ",".join(query.getlist(name)) if name == "columns" else query.get(name, "")
    if "\x00" in text:  # PostgreSQL stores none, and asks for none
        raise QueryError("There is a NUL in it; leave it out.")
    return text


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _which(text: str) -> Which:
    try:
        return Which(text)
    except ValueError:
        raise QueryError(f"“{text[:40]}” is none of {', '.join(Which)}.") from None


def _words(text: str) -> str:
    if len(text) > WORDS_CHARS:
        raise QueryError(f"There are {len(text)} characters; give at most {WORDS_CHARS}.")
    return text.strip()
