"""Points of metrics read back as columns; NumPy, so only where curves are shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from django.db.models import BinaryField, Q, Value
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from tracker.curves import Curve, newest_attempts, thin
from tracker.metrics.chunk_columns import unpack
from tracker.models import MetricChunk, MetricPoint, MetricSeries

SERIES_AT_ONCE = 500  # in one query: SQLite's parameters are limited
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some points of a series, by rising step unless they are rows of several attempts."""

    step: Whole
    attempt: Whole
    value_bits: Whole
    time_us: Whole


def read_curve(
    series: MetricSeries,
    *,
    attempt: int | None = None,
    from_step: int | None = None,
    to_step: int | None = None,
    max_points: int | None = None,
) -> Curve:
    """The points of a series by step; of each step those of its newest attempt, or of ``attempt``.

    Both ends of the range of steps are in it. ``max_points`` thins it for a plot.
    """
    chunks, points = Q(), Q()
    if attempt is not None:
        chunks, points = Q(attempt=attempt), Q(attempt=attempt)
    if from_step is not None:
        chunks, points = chunks & Q(last_step__gte=from_step), points & Q(step__gte=from_step)
    if to_step is not None:
        chunks, points = chunks & Q(first_step__lte=to_step), points & Q(step__lte=to_step)
    pieces = _pieces([series.pk], chunks, points)[series.pk]
    curve = _curve(pieces, from_step, to_step)
    return curve if max_points is None else thin(curve, max_points)


def read_curves(
    series: Sequence[MetricSeries], *, max_points: int | None = None
) -> dict[int, Curve]:
    """As ``read_curve``, of many series in few queries, by the key of the series."""
    curves = {}
    for first in range(0, len(series), SERIES_AT_ONCE):
        some = [one.pk for one in series[first : first + SERIES_AT_ONCE]]
        pieces = _pieces(some, Q(), Q())
        for pk in some:
            curve = _curve(pieces.pop(pk, []), None, None)
            curves[pk] = curve if max_points is None else thin(curve, max_points)
    return curves


def _pieces(series: list[int], chunks: Q, points: Q) -> dict[int, list[_Piece]]:
    """Chunks in the order they were sealed, then rows: of one step, all in the order they came.

    One statement reads both: between two, rows could become a chunk and be in neither.
    """
    packed = MetricChunk.objects.filter(chunks, series__in=series).order_by()
    loose = MetricPoint.objects.filter(points, series__in=series).order_by()
    none = Value(0)
    found = packed.values_list("series", "pk", "attempt", none, none, none, "columns").union(
        loose.values_list(
            *("series", "pk", "attempt", "step", "value_bits"),
            Coalesce("client_us", "received_us"),
            Value(None, BinaryField()),
        ),
        all=True,
    )
    pieces: dict[int, list[_Piece]] = defaultdict(list)
    rows = []
    for row in sorted(found, key=itemgetter(1)):
        if row[-1] is None:
            rows.append(row[:-1])
            continue
        pk, _, attempt, *_, columns = row
        one = unpack(columns)
        attempts = np.full(len(one.step), attempt)
        pieces[pk].append(_Piece(one.step, attempts, one.value_bits, one.time_us))
    for pk, piece in _row_pieces(rows):
        pieces[pk].append(piece)
    return pieces


def _row_pieces(rows: list[tuple[int, ...]]) -> Iterator[tuple[int, _Piece]]:
    if not rows:
        return
    table = np.array(rows, dtype=np.int64).T
    owners, _, attempt, step, bits, time_us = table[:, np.argsort(table[0], kind="stable")]
    found, first = np.unique(owners, return_index=True)
    for pk, start, end in zip(found.tolist(), first, [*first[1:], len(owners)], strict=True):
        yield pk, _Piece(step[start:end], attempt[start:end], bits[start:end], time_us[start:end])


def _curve(pieces: list[_Piece], from_step: int | None, to_step: int | None) -> Curve:
    if not pieces:
        return Curve(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    step = np.concatenate([piece.step for piece in pieces])
    attempt = np.concatenate([piece.attempt for piece in pieces])
    value = np.concatenate([piece.value_bits for piece in pieces]).view(np.float64)
    curve = Curve(step, np.concatenate([piece.time_us for piece in pieces]) / 1e6, value)
    if not (step[1:] > step[:-1]).all():
        order = np.lexsort((attempt, step))  # stable: as they came
        curve = curve.take(order)
        curve = curve.take(newest_attempts(curve.step, attempt[order]))
    return _between(curve, from_step, to_step)


def _between(curve: Curve, from_step: int | None, to_step: int | None) -> Curve:
    first = 0 if from_step is None else np.searchsorted(curve.step, from_step, "left")
    end = len(curve) if to_step is None else np.searchsorted(curve.step, to_step, "right")
    return curve.take(slice(first, end))
