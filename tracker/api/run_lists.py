"""Lists of runs: found, sorted and with the columns asked for, by pages."""

from __future__ import annotations

import json
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import Cursor
from rest_framework.request import Request

from tracker.api.base import ActorView
from tracker.api.pagination import NewestRunFirst
from tracker.api.run_rows import shown_rows
from tracker.metrics.points import json_value
from tracker.models import Run
from tracker.searching.columns import values_of
from tracker.searching.lists import RunList, Which, run_list

QUERY = [
    OpenApiParameter("q", str, description="words to be found in name, id, notes, tags, user"),
    OpenApiParameter(
        "where", str, description="a filter: metrics.loss < 0.1 and config.lr > 0.001 and tag = a"
    ),
    OpenApiParameter("sort", str, description="a key; largest first with a minus: -metrics.loss"),
    OpenApiParameter(
        "columns", str, description="keys to answer under values: metrics.loss,config.*,duration_s"
    ),
    OpenApiParameter("which", str, enum=[*Which], description="all where it is not given"),
]


class RunPages(NewestRunFirst):
    """Newest first by the runs' ids. Of a sorted list by places, which move as runs change."""

    max_page_size = 1_000
    offset_cutoff = 10_000_000
    place: int | None = None  # of a sorted list, where the page begins

    def paginate_queryset(
        self, queryset: QuerySet[Run], request: Request, view: Any = None
    ) -> list[dict[str, Any]]:
        if view.wanted.sort is None:
            return super().paginate_queryset(queryset, request, view)
        self.base_url, self.request = request.build_absolute_uri(), request
        self.page_size = self.get_page_size(request)
        cursor = self.decode_cursor(request)
        self.place = cursor.offset if cursor else 0
        rows = list(queryset[self.place : self.place + self.page_size + 1])
        self.has_next = len(rows) > self.page_size
        self.page = rows[: self.page_size]
        return self.page

    def get_next_link(self) -> str | None:
        if self.place is None:
            return super().get_next_link()
        return self._link(self.place + self.page_size) if self.has_next else None

    def get_previous_link(self) -> str | None:
        if self.place is None:
            return super().get_previous_link()
        return self._link(max(0, self.place - self.page_size)) if self.place else None

    def _link(self, place: int) -> str:
        return self.encode_cursor(Cursor(offset=place, reverse=False, position=None))


class ListsRuns(ActorView):
    """A view that answers lists of runs; ``wanted`` is what the request asks for."""

    pagination_class = RunPages
    wanted: RunList

    def answer(self, request: Request, **only: object) -> HttpResponse:
        now = timezone.now()
        self.wanted = run_list(request.query_params, which=Which.ALL)
        if self.wanted.errors:
            raise ValidationError(self.wanted.errors)
        runs = self.filter_queryset(self.wanted.seen_by(self.actor).filter(**only))
        runs = self.wanted.sorted(self.wanted.chosen(runs, now=now), now=now)
        # Only ids are sorted: rows with their configurations would go through the sort as well.
        ids = [row["pk"] for row in self.paginate_queryset(runs.values("pk"))]
        rows = shown_rows(ids)
        if self.wanted.columns:
            values = values_of(ids, self.wanted.columns, now=now)
            for row in rows:
                own = values[row["run_id"]]
                row["values"] = {text: _json(value) for text, value in own.items()}
        page = self.get_paginated_response(rows).data
        body = orjson.dumps(page, option=orjson.OPT_UTC_Z)
        return HttpResponse(body, content_type="application/json")


def _json(value: object) -> object:
    """For orjson, which writes NaN as null, and no whole number beyond 64 bits."""
    if isinstance(value, float):
        return json_value(value)
    # Only settings are lists.
    return orjson.Fragment(json.dumps(value)) if isinstance(value, int | list) else value
