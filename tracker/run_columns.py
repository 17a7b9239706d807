"""What a list shows of its runs, by key: few queries, however many runs and columns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import prefetch_related_objects

from tracker.flat_config import flat
from tracker.models import MetricSeries, Run, RunTag
from tracker.points import value_of
from tracker.run_keys import EVERY, Key, Kind
from tracker.run_search import SERIES_FIELDS

Values = dict[str, object]  # by the text of a key
RELATIONS = {"user": "created_by", "experiment": "experiment", "cluster": "cluster"}
Tags = list[tuple[str, str]]
TAG = Key(Kind.ATTRIBUTE, "tag")


def values_of(runs: Sequence[Run], keys: Iterable[Key], *, now: datetime) -> dict[str, Values]:
    """By the run's id. A key that a run lacks is absent; ``metrics.*`` becomes all of that kind.

    A metric's last value is a float that may be not finite.
    """
    wanted = set(keys)
    named = {key.name for key in wanted if key.kind is Kind.ATTRIBUTE}
    related = [relation for name, relation in RELATIONS.items() if name in named]
    prefetch_related_objects(runs, *related)
    values: dict[str, Values] = {run.pk: {} for run in runs}
    for kind in (Kind.METRIC, Kind.MIN, Kind.MAX):
        if names := {key.name for key in wanted if key.kind is kind}:
            _add_metrics(values, kind, names)
    tags = {key.name for key in wanted if key.kind is Kind.TAG}
    if tags or TAG in wanted:
        for run_id, pairs in tags_of(runs).items():
            _add(values[run_id], Kind.TAG, tags, pairs)
            if TAG in wanted:
                values[run_id][str(TAG)] = ", ".join(name for name, _ in pairs)
    settings = {key.name for key in wanted if key.kind is Kind.CONFIG}
    attributes = [key.name for key in wanted if key.kind is Kind.ATTRIBUTE and key != TAG]
    for run in runs:
        own = values[run.pk]
        if settings:
            _add(own, Kind.CONFIG, settings, flat(run.config).items())
        for name in attributes:
            if (value := _attribute(run, name, now)) is not None:
                own[name] = value
    return values


def tags_of(runs: Iterable[Run]) -> dict[str, Tags]:
    """Name and value of every tag, by the run's id and in the order of names."""
    tags: dict[str, Tags] = defaultdict(list)
    rows = RunTag.objects.filter(run__in=[run.pk for run in runs]).order_by("name")
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
    rows = MetricSeries.objects.filter(run__in=list(values)).order_by()
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


def _attribute(run: Run, name: str, now: datetime) -> object:
    match name:
        case "experiment" | "cluster":
            return str(one) if (one := getattr(run, name)) else None
        case "user":
            return run.created_by.get_username() if run.created_by else None
        case "job":
            return run.slurm_job_id
        case "waited_s":
            return _seconds(run.submitted_at, run.started_at or run.ended_at or now)
        case "duration_s":
            return _seconds(run.started_at, run.ended_at or now)
    return getattr(run, name)


def _seconds(start: datetime | None, end: datetime) -> float | None:
    return None if start is None else (end - start).total_seconds()
