"""What training jobs and epilogs send, checked by hand: the hot paths of the service."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Any

from django.conf import settings

from tracker.api.parsing import INT64, BareToken, check_text
from tracker.api.problems import Problem, bad_field
from tracker.models import Cluster
from tracker.recording import NewPoint
from tracker.slurm.jobids import JobId, parse_job_id

NAME_CHARS = 250
KEY_CHARS = 120
RUN_NAME_CHARS = 200
STATUS_CHARS = 32
ATTEMPTS = range(1_000_000)
# Year 1 to year 9999: what datetime can show.
EPOCH_S = (-62_135_596_800, 253_402_300_799)
OfPlain = Callable[[list[Any]], list[Any] | None]  # a field of all points; None: look at each
Check = Callable[[str, object], object]  # the value of one field by its name, or a Problem
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True)
class NewRun:
    slurm_job_id: int | None
    seed: int | None
    config: dict[str, object]
    key: str
    name: str
    cluster: Cluster | None


def new_run(body: object) -> NewRun:
    """Fields of a create; all are optional, others are ignored."""
    fields = _object("body", body)
    config = fields.get("config")
    return NewRun(
        slurm_job_id=_raw_job_id(fields.get("slurm_job_id")),
        seed=_whole("seed", fields.get("seed"), INT64),
        config=_object("config", config) if config is not None else {},
        key=_text("key", fields.get("key"), KEY_CHARS),
        name=_text("name", fields.get("name"), RUN_NAME_CHARS),
        cluster=_cluster(fields.get("cluster")),
    )


def points_of(body: object) -> list[NewPoint]:
    """Points of one request, object or list. Checked a field at a time, over all points: a
    thousand of them are mostly alike, and only a field where they are not is looked at closely."""
    items = body if isinstance(body, list) else [body]
    if len(items) > settings.METRIC_POINTS_MAX:
        raise Problem(
            413,
            f"{len(items)} points in one request; send at most {settings.METRIC_POINTS_MAX}.",
        )
    places = range(len(items)) if isinstance(body, list) else [None]
    for place, item in zip(places, items, strict=True):
        if type(item) is not dict:
            _object("body" if place is None else str(place), item)

    def column(field: str, default: object, of_plain: OfPlain, check: Check) -> Iterable[Any]:
        values = [item.get(field, default) for item in items]
        named = (field if place is None else f"{place}.{field}" for place in places)
        return of_plain(values) or map(check, named, values)

    columns = (
        column("name", None, _plain_names, _metric_name),
        column("step", 0, _plain_steps, _step),
        column("value", None, _plain_values, _value),
        column("time", None, _plain_times, _microseconds),
        column("attempt", None, _absent, lambda field, value: _whole(field, value, ATTEMPTS)),
    )
    # As NewPoint._make does, which is a function of Python and would be called for each.
    return [*map(tuple.__new__, repeat(NewPoint), zip(*columns, strict=True))]


@dataclass(frozen=True, slots=True)
class Hint:
    job_id: JobId
    said_status: str
    cluster: Cluster | None


def hint(fields: Mapping[str, object]) -> Hint:
    """A webhook's word. ``status`` is kept to be read by people, and never believed."""
    given = fields.get("job_id")
    try:
        job_id = parse_job_id(str(given) if _is_whole(given) else _text("job_id", given, 200))
    except ValueError:
        raise bad_field("job_id", given, "give a Slurm job id such as 828 or 12_3") from None
    return Hint(
        job_id,
        said_status=_text("status", fields.get("status"), STATUS_CHARS),
        cluster=_cluster(fields.get("cluster")),
    )


def _plain_names(values: list[Any]) -> list[str] | None:
    are_plain = set(map(type, values)) == {str} and all(
        0 < len(name) <= NAME_CHARS and name.isprintable() for name in set(values)
    )
    return values if are_plain else None


def _plain_steps(values: list[Any]) -> list[int] | None:
    are_plain = set(map(type, values)) == {int}
    return values if are_plain and min(values) in INT64 and max(values) in INT64 else None


def _plain_values(values: list[Any]) -> list[float] | None:
    are_plain = set(map(type, values)) == {float} and all(map(math.isfinite, values))
    return values if are_plain else None


def _plain_times(values: list[Any]) -> list[int] | list[None] | None:
    if set(map(type, values)) != {float}:
        return _absent(values)
    is_known = EPOCH_S[0] <= min(values) and max(values) <= EPOCH_S[1]
    return [round(value * 1_000_000) for value in values] if is_known else None


def _absent(values: list[Any]) -> list[None] | None:
    return values if all(value is None for value in values) else None


def _metric_name(field: str, value: object) -> str:
    name = _text(field, value, NAME_CHARS)
    if not name:
        raise bad_field(field, value, 'give the metric\'s name, such as "loss"')
    return name


def _step(field: str, value: object) -> int:
    step = _whole(field, value, INT64)
    if step is None:
        raise bad_field(field, None, "give a whole number, or leave it out for 0")
    return step


def _value(field: str, value: object) -> float:
    if isinstance(value, str) and value in _NON_FINITE:
        return _NON_FINITE[value]
    if isinstance(value, BareToken):
        return float(value)
    if not isinstance(value, float) and not _is_whole(value):
        raise bad_field(
            field, value, 'give a number, or one of the strings "NaN", "Infinity", "-Infinity"'
        )
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise bad_field(field, value, "is beyond a 64-bit float")
    return number


def _microseconds(field: str, value: object) -> int | None:
    """Epoch seconds, or ISO 8601 with an offset, as epoch microseconds."""
    if value is None:
        return None
    cure = "give epoch seconds, or ISO 8601 with an offset such as 2026-11-23T12:30:00Z"
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise bad_field(field, value, cure) from None
        if at.tzinfo is None:
            raise bad_field(field, value, cure)
        return round(at.timestamp() * 1_000_000)
    number = value if isinstance(value, float) or _is_whole(value) else math.nan
    if not EPOCH_S[0] <= number <= EPOCH_S[1]:  # type: ignore[operator]
        raise bad_field(field, value, cure)
    return round(number * 1_000_000)  # type: ignore[operator]


def _raw_job_id(value: object) -> int | None:
    """SLURM_JOB_ID as a number or, as the environment has it, a string; empty outside of Slurm."""
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else str(value) if _is_whole(value) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) > 0):
        raise bad_field(
            "slurm_job_id",
            value,
            "give the raw id as SLURM_JOB_ID has it, such as 828; null outside of Slurm",
        )
    return int(text)


def _cluster(value: object) -> Cluster | None:
    name = _text("cluster", value, 64)
    if not name:
        return None
    cluster = Cluster.objects.filter(name=name).first()
    if cluster is None:
        known = ", ".join(Cluster.objects.values_list("name", flat=True)) or "none yet"
        raise bad_field("cluster", name, f"is not known here; known: {known}")
    return cluster


def _object(field: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise bad_field(field, value, "give a JSON object")
    return value


def _text(field: str, value: object, most_chars: int) -> str:
    """A string of at most so many characters; empty where there is none."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most_chars:
        raise bad_field(field, value, f"give a string of at most {most_chars} characters")
    check_text(field, value)
    return value


def _whole(field: str, value: object, within: range) -> int | None:
    if value is None:
        return None
    if not _is_whole(value) or value not in within:
        raise bad_field(
            field, value, f"give a whole number from {within.start} to {within.stop - 1}"
        )
    return value  # type: ignore[return-value]


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
