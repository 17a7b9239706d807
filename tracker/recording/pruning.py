"""Old rows deleted a few at a time, so that nobody waits long for a lock or for the disk."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

BATCH = 1_000  # rows a transaction
MOST = 100_000  # rows in all: the next time goes on, and a worker is not held for an hour


def delete_in_batches(rows: QuerySet[Any], *, batch: int = BATCH, most: int = MOST) -> int:
    """Delete ``rows``, oldest primary key first and each batch in its own transaction; how many.

    At most ``most``, to the next whole batch. Call it outside of any transaction.
    """
    deleted = 0
    while deleted < most:
        pks = list(rows.order_by("pk").values_list("pk", flat=True)[:batch])
        if not pks:
            break
        rows.model._default_manager.filter(pk__in=pks).delete()
        deleted += len(pks)
    return deleted
