"""Cursor pages: stable while rows are added, and as fast on page 1,000 as on page 1."""

from __future__ import annotations

import re

from django.http import HttpRequest
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination


class NewestFirst(CursorPagination):
    ordering = "-pk"
    position = re.compile(r"[0-9]{1,18}", re.ASCII)
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500

    def decode_cursor(self, request: HttpRequest) -> Cursor | None:
        cursor = super().decode_cursor(request)
        # DRF hands the position to the database unseen, where a foreign one is a 500.
        if cursor and cursor.position and not self.position.fullmatch(cursor.position):
            raise NotFound("cursor: not one of ours; follow the next and previous links")
        return cursor


class NewestRunFirst(NewestFirst):
    position = re.compile(r"[0-9a-f]{32}")


class ByName(NewestFirst):
    ordering = "name"
    position = re.compile(r"[^\x00]*")
