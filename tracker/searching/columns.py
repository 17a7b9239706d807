"""What a list shows of its runs, by key: few queries, however many runs and columns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from tracker.flat_config import flat
from tracker.metrics.points import value_of
from tracker.models import MetricSeries, Run, RunTag
from tracker.searching.keys import EVERY, Key, Kind
from tracker.searching.search import FIELDS, SERIES_FIELDS

Values = dict[str, object]  # by the text of a key
Tags = list[tuple[str, str]]
TAG = "tag"  # the attribute: all its tags by their names
# from the first of these moments to the next that is known, else till now
SPANS = {
    "waited_s": ("submitted_at", "started_at", "ended_at"),
    "duration_s": ("started_at", "ended_at"),
}


def values_of(run_ids: Sequence[str], keys: Iterable[Key], *, now: datetime) -> dict[str, Values]:
    """By the run's id. A key that a run lacks is absent; ``metrics.*`` becomes all of that kind.

    A metric's last value is a float that may be not finite.
    """
    names: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    for key in keys:
        names[key.kind].add(key.name)
    values: dict[str, Values] = {run_id: {} for run_id in run_ids}
    for kind in SERIES_FIELDS:
        if names[kind]:
            _add_metrics(values, kind, names[kind])
    has_tag = TAG in names[Kind.ATTRIBUTE]
    if has_tag or names[Kind.TAG]:
        for run_id, pairs in tags_of(run_ids).items():
            _add(values[run_id], Kind.TAG, names[Kind.TAG], pairs)
            if has_tag:
                values[run_id][TAG] = ", ".join(name for name, _ in pairs)
    if wanted := names[Kind.CONFIG]:
        configs = Run.objects.filter(pk__among={*run_ids}).order_by().values_list("pk", "config")
        for run_id, config in configs:
            _add(values[run_id], Kind.CONFIG, wanted, flat(config).items())
    if attributes := names[Kind.ATTRIBUTE] - {TAG}:
        _add_attributes(values, attributes, now)
    return values


def tags_of(run_ids: Sequence[str]) -> dict[str, Tags]:
    """Name and value of every tag, by the run's id and in the order of names."""
    tags: dict[str, Tags] = defaultdict(list)
    rows = RunTag.objects.filter(run__pk__among={*run_ids}).order_by("name")
    for run_id, name, value in rows.values_list("run_id", "name", "value"):
        tags[run_id].append((name, value))
    return tags


def offered(runs: Sequence[Run]) -> tuple[list[Key], list[Key]]:
    """Metrics and settings that some of these runs have, those of the most runs first."""
    series = MetricSeries.objects.filter(run__in=[run.pk for run in runs]).order_by()
    metrics = Counter(series.values_list("name", flat=True))
    settings = Counter(name for run in runs for name in flat(run.config))
    return _by_count(Kind.METRIC, metrics), _by_count(Kind.CONFIG, settings)


def differing(runs: Sequence[Run], settings: Sequence[Key]) -> list[Key]:
    """Those of ``settings`` that have more than one value among the runs."""
    configs = [flat(run.config) for run in runs]
    return [key for key in settings if len({repr(config.get(key.name)) for config in configs}) > 1]


def _by_count(kind: Kind, counts: Counter[str]) -> list[Key]:
    return [Key(kind, name) for name in sorted(counts, key=lambda name: (-counts[name], name))]


def _add(own: Values, kind: Kind, names: set[str], pairs: Iterable[tuple[str, object]]) -> None:
    for name, value in pairs:
        if name in names or EVERY in names:
            own[str(Key(kind, name))] = value


def _add_metrics(values: dict[str, Values], kind: Kind, names: set[str]) -> None:
    rows = MetricSeries.objects.filter(run__pk__among={*values}).order_by()
    if EVERY not in names:
        rows = rows.filter(name__in=names)
    field = SERIES_FIELDS[kind]
    texts: dict[str, str] = {}  # a thousand runs share their names
    for run_id, name, value, bits in rows.values_list("run_id", "name", field, "last_bits"):
        if value is None and kind is Kind.METRIC and bits is not None:
            value = value_of(bits)  # noqa: PLW2901 (not finite)
        if value is not None:
            text = texts.get(name) or texts.setdefault(name, str(Key(kind, name)))
            values[run_id][text] = value


def _add_attributes(values: dict[str, Values], names: set[str], now: datetime) -> None:
    plain = {name: FIELDS.get(name, name) for name in names - SPANS.keys()}
    spans = [field for name in names & SPANS.keys() for field in SPANS[name]]
    rows = Run.objects.filter(pk__among={*values}).order_by()
    for row in rows.values("pk", *{*plain.values(), *spans}):
        own = values[row["pk"]]
        for name, field in plain.items():
            if row[field] is not None:
                own[name] = row[field]
        for name in names & SPANS.keys():
            start, *ends = (row[field] for field in SPANS[name])
            if start is not None:
                end: datetime = next((end for end in ends if end is not None), now)
                own[name] = (end - start).total_seconds()
