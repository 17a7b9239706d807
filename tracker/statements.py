"""Statements by hand, for the path of each logged metric: Django's own way to one costs more there
than all that the database does.

On PostgreSQL a connection prepares each once. Django's cursors write the values into the text,
so that PostgreSQL parses and plans anew every time: five times the work of doing what is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper


def read_row(statement: str, values: Mapping[str, object]) -> tuple[Any, ...] | None:
    """The first row of a SELECT. A connection that was lost while it lay idle is replaced, which
    only a statement may be that changes nothing; so Django's check of it, a SELECT 1 before the
    first statement of a request, is left out."""
    try:
        row = changed_row(statement, values)
    except OperationalError:
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        row = changed_row(statement, values)
    connection.health_check_done = True
    return row


def changed_row(statement: str, values: Mapping[str, object]) -> tuple[Any, ...] | None:
    """The first row of what a statement RETURNs; committed, unless a transaction is open."""
    with _cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def _cursor() -> CursorWrapper:
    if connection.vendor != "postgresql":
        return connection.cursor()
    import psycopg

    connection.ensure_connection()
    return connection._prepare_cursor(psycopg.Cursor(connection.connection))
