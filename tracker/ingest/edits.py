"""Rows changed in memory, and only what differs written back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.db.models import Model

from tracker.models import Cluster


class Edits:
    """Values set on saved rows; ``write`` updates exactly the columns that changed."""

    def __init__(self) -> None:
        self._rows: dict[tuple[type[Model], object], Model] = {}
        self._names: dict[tuple[type[Model], object], set[str]] = defaultdict(set)

    def set(self, row: Model, values: Mapping[str, object]) -> None:
        """Rows not saved yet take the values too, and are the caller's to create."""
        for name, value in values.items():
            if getattr(row, name) == value:
                continue
            setattr(row, name, value)
            if row.pk is not None:
                key = type(row), row.pk
                self._rows[key] = row
                self._names[key].add(name)

    def rows(self, model: type[Model]) -> list[Model]:
        return [row for row in self._rows.values() if type(row) is model]

    def write(self) -> None:
        """One statement per model and set of columns (more only past the database's limits)."""
        alike: dict[tuple[type[Model], tuple[str, ...]], list[Model]] = defaultdict(list)
        for key, row in self._rows.items():
            alike[key[0], tuple(sorted(self._names[key]))].append(row)
        for (model, names), rows in alike.items():
            model._default_manager.bulk_update(rows, names)


def replace_rows(
    model: type[Model],
    cluster: Cluster,
    wanted: Mapping[Any, Mapping[str, object]],
    *,
    key: tuple[str, ...],
) -> int:
    """Make the cluster's rows those ``wanted``, by tuples of the ``key`` columns' values.

    The number created, changed and deleted.
    """
    edits, new = Edits(), []
    known = {
        tuple(getattr(row, name) for name in key): row
        for row in model._default_manager.filter(cluster=cluster)
    }
    for values, fields in wanted.items():
        if values in known:
            edits.set(known[values], fields)
        else:
            new.append(model(cluster=cluster, **dict(zip(key, values, strict=True)), **fields))
    gone = [row.pk for values, row in known.items() if values not in wanted]
    if gone:
        model._default_manager.filter(pk__in=gone).delete()
    model._default_manager.bulk_create(new)
    edits.write()
    return len(new) + len(edits.rows(model)) + len(gone)
