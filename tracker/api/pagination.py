"""Cursor pages: stable while rows are added, and as fast on page 1,000 as on page 1."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination


class NewestFirst(CursorPagination):
    ordering = "-pk"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500

    def decode_cursor(self, request: HttpRequest) -> Cursor | None:
        cursor = super().decode_cursor(request)
        # DRF hands the position to the database unseen, where a foreign one is a 500.
        if cursor and cursor.position is not None and not self._is_position(cursor.position):
            raise NotFound("cursor: not one of ours; follow the next and previous links")
        return cursor

    def _is_position(self, position: str) -> bool:
        return position.isascii() and position.isdigit() and int(position) < 2**63


class ByName(NewestFirst):
    ordering = "name"

    def _is_position(self, position: str) -> bool:
        return "\x00" not in position
