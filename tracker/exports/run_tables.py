"""Runs as a table: attributes, tags, flat configuration, and the last, least and largest values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from tracker.exports.formats import Column, Holds, Table
from tracker.flat_config import flat
from tracker.models import MetricSeries, Run, RunTag
from tracker.searching.columns import values_of
from tracker.searching.keys import ATTRIBUTES, EVERY, Key, Kind
from tracker.searching.keys import Holds as KeyHolds

RUNS_AT_ONCE = 500
MAX_COLUMNS = 5_000  # a batch of rows has to fit in memory
INT64 = range(-(2**63), 2**63)

_ID = Key(Kind.ATTRIBUTE, "id")
_TAG = Key(Kind.ATTRIBUTE, "tag")
_ALL = [
    *(Key(Kind.ATTRIBUTE, name) for name in ATTRIBUTES),
    *(Key(kind, EVERY) for kind in (Kind.TAG, Kind.CONFIG, Kind.METRIC, Kind.MIN, Kind.MAX)),
]
_HOLDS = {
    KeyHolds.WHOLE: Holds.WHOLE,
    KeyHolds.NUMBER: Holds.NUMBER,
    KeyHolds.MOMENT: Holds.MOMENT,
}


class TooWideError(ValueError):
    """The table would have more columns than one batch can hold."""


def table_of(run_ids: Sequence[str], keys: Sequence[Key], *, now: datetime) -> Table:
    """The runs in this order; of ``keys``, or of everything where there are none. The run's id,
    as ``run_id``, always comes first. A run that is deleted meanwhile is left out."""
    wanted = [key for key in keys or _ALL if key != _ID and (keys or key != _TAG)]
    columns = _columns(run_ids, wanted)
    if len(columns) > MAX_COLUMNS:
        raise TooWideError(
            f"The runs have {len(columns)} settings and metrics, and a table {MAX_COLUMNS} columns "
            "at most; choose some with columns=config.lr,metrics.loss, or fewer runs."
        )
    return Table(
        [
            Column("run_id", Holds.TEXT),
            *(Column(str(key), holds) for key, holds in columns.items()),
        ],
        _batches(run_ids, list(columns), now),
    )


def _batches(
    run_ids: Sequence[str], keys: list[Key], now: datetime
) -> Iterator[list[list[object]]]:
    for runs in _runs(run_ids):
        values = values_of([run.pk for run in runs], keys, now=now)
        yield [
            [run.pk for run in runs],
            *([values[run.pk].get(text) for run in runs] for text in map(str, keys)),
        ]


def _runs(run_ids: Sequence[str]) -> Iterator[list[Run]]:
    ids = iter(run_ids)
    while some := list(islice(ids, RUNS_AT_ONCE)):
        runs = Run.objects.select_related("experiment", "cluster", "created_by")
        by_id = runs.defer("surroundings", "notes").in_bulk(some)
        yield [by_id[run_id] for run_id in some if run_id in by_id]


# --- columns
def _columns(run_ids: Sequence[str], keys: Sequence[Key]) -> dict[Key, Holds]:
    """In the order of ``keys``, ``metrics.*`` and the like as all that there are, by name."""
    kinds = {key.kind for key in keys}
    metrics, tags, settings = set[str](), set[str](), defaultdict[str, set[Holds | None]](set)
    for first in range(0, len(run_ids), RUNS_AT_ONCE):
        some = run_ids[first : first + RUNS_AT_ONCE]
        if kinds & {Kind.METRIC, Kind.MIN, Kind.MAX}:
            series = MetricSeries.objects.filter(run__in=some).order_by()
            metrics |= set(series.values_list("name", flat=True).distinct())
        if Kind.TAG in kinds:
            of_runs = RunTag.objects.filter(run__in=some).order_by()
            tags |= set(of_runs.values_list("name", flat=True).distinct())
        if Kind.CONFIG in kinds:
            for config in Run.objects.filter(pk__in=some).values_list("config", flat=True):
                for name, value in flat(config).items():
                    settings[name].add(_kind_of(value))
    names = {Kind.TAG: tags, Kind.CONFIG: set(settings)}
    columns: dict[Key, Holds] = {}
    for key in keys:
        every = sorted(names.get(key.kind, metrics)) if key.name == EVERY else [key.name]
        for name in every:
            columns[Key(key.kind, name)] = _holds(key, settings.get(name, set()))
    return columns


def _holds(key: Key, seen: set[Holds | None]) -> Holds:
    if key.kind is Kind.CONFIG:
        return _common(seen)
    if key.is_metric:
        return Holds.NUMBER
    return _HOLDS.get(key.holds, Holds.TEXT) if key.kind is Kind.ATTRIBUTE else Holds.TEXT


def _kind_of(value: object) -> Holds | None:
    match value:
        case None:
            return None
        case bool():
            return Holds.FLAG
        case int() if value in INT64:
            return Holds.WHOLE
        case float():
            return Holds.NUMBER
    return Holds.TEXT


def _common(seen: set[Holds | None]) -> Holds:
    """What a column of all these is: text where they are not of one kind."""
    kinds = seen - {None}
    if kinds == {Holds.WHOLE, Holds.NUMBER}:
        return Holds.NUMBER
    return kinds.pop() if len(kinds) == 1 else Holds.TEXT
