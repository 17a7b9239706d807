"""The record of a cluster as arrays: from rows of StartEstimate to what ``planner.accuracy`` takes.

Times become seconds after the snapshot that a forecast was made from, never below 0: a start that
was due has waited no time. A quantile past the horizon counts as the horizon itself, which is the
least that was said; a forecast that never said more than "later" is so never called right for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np
from django.db.models import F, FloatField, Func, QuerySet, TextField
from django.db.models.functions import Cast

from planner.accuracy import Scored
from planner.accuracy.scored import BoolArray, FloatArray, IntArray
from tracker.models import Cluster, StartEstimate

MOST_ROWS = 60_000  # a second of reading; chance moves a share of so many by 0.3 points
ROWS_A_CHUNK = 10_000  # Python objects that live at once
DAY_S = 86_400.0
Outcome = StartEstimate.Outcome

TIMES = (
    *("snapshot_at", "p10_at", "p50_at", "p90_at", "slurm_start_at"),
    *("history_p10_at", "history_p50_at", "history_p90_at", "outcome_at"),
)
NUMBERS = ("milestone_minutes", "is_replayed", "horizon_s")
WORDS = ("later_than_horizon", "partition", "outcome")


class EpochSeconds(Func):
    """Ten times quicker than making a datetime of each value, in Python, to subtract it there."""

    function = "EXTRACT"
    template = "EXTRACT(EPOCH FROM %(expressions)s)::float8"
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        julian = "(julianday(%(expressions)s) - 2440587.5) * 86400.0"
        return super().as_sql(compiler, connection, template=julian, **context)


@dataclass(frozen=True, slots=True, eq=False)
class RecordRows:
    """Arrays of one length. The three Scored speak of the same rows; nothing was seen to start in
    those that are censored: cancelled, gone, or open and waiting still."""

    ours: Scored
    slurm: Scored  # a point: the same three times
    history: Scored
    milestone_minutes: IntArray
    partition: IntArray  # place in ``asked``
    asked: tuple[str, ...]  # as asked for: "gpu", "cpu,gpu"
    is_open: BoolArray
    is_replayed: BoolArray
    newest_outcome_at: datetime | None
    one_job_in: int  # 1: every job of the window; more: so many stand behind each that was read

    def take(self, rows: BoolArray) -> RecordRows:
        return RecordRows(
            *(scored.take(rows) for scored in (self.ours, self.slurm, self.history)),
            self.milestone_minutes[rows],
            self.partition[rows],
            self.asked,
            self.is_open[rows],
            self.is_replayed[rows],
            self.newest_outcome_at,
            self.one_job_in,
        )

    def in_partition(self, name: str) -> BoolArray:
        """Rows of jobs that asked for it, among others perhaps."""
        return _where(list(self.asked), lambda asked: name in asked.split(","))[self.partition]

    @property
    def partitions(self) -> list[str]:
        there = {self.asked[code] for code in np.unique(self.partition)}
        return sorted({name for asked in there for name in asked.split(",") if name})


def record_rows(cluster: Cluster, days: int, now: datetime) -> RecordRows:
    """Forecasts at milestones that were issued in the ``days`` before ``now``."""
    every = StartEstimate.objects.filter(
        job__cluster=cluster,
        milestone_minutes__isnull=False,
        issued_at__gt=now - timedelta(days=days),
        issued_at__lte=now,
    ).order_by()
    one_job_in = -(-every.count() // MOST_ROWS) or 1
    rows = every
    if one_job_in > 1:
        rows = every.alias(part=F("job_id") % one_job_in).filter(part=0)
    return _rows(*_columns(rows), now, one_job_in)


def _columns(rows: QuerySet[StartEstimate]) -> tuple[FloatArray, list[IntArray], list[list[str]]]:
    """Times and numbers as a table, nan where null; each of WORDS as codes and their meanings."""
    columns = rows.values_list(
        *(EpochSeconds(name) for name in TIMES),
        *NUMBERS,
        *(Cast(name, TextField()) if name == "later_than_horizon" else name for name in WORDS),
    )
    width = len(TIMES) + len(NUMBERS)
    tables, codes = [np.zeros((0, width))], [np.zeros((0, len(WORDS)), dtype=np.int64)]
    meanings: list[dict[str, int]] = [{} for _ in WORDS]
    for chunk in _chunks(columns.iterator(ROWS_A_CHUNK)):
        tables.append(np.array([row[:width] for row in chunk], dtype=np.float64))
        codes.append(np.array([_coded(row[width:], meanings) for row in chunk]))
    return np.concatenate(tables).T, list(np.concatenate(codes).T), [list(m) for m in meanings]


def _coded(words: tuple[str, ...], meanings: list[dict[str, int]]) -> list[int]:
    """A code for each word: the next one where its column has not had it yet."""
    return [known.setdefault(word, len(known)) for known, word in zip(meanings, words, strict=True)]


def _chunks(cells: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while chunk := list(islice(cells, ROWS_A_CHUNK)):
        yield chunk


def _rows(
    table: FloatArray,
    codes: list[IntArray],
    meanings: list[list[str]],
    now: datetime,
    one_job_in: int,
) -> RecordRows:
    at = dict(zip((*TIMES, *NUMBERS), table, strict=True))
    (later, partition, outcome), (later_words, asked, outcomes) = codes, meanings
    snapshot_s = at["snapshot_at"]

    def wait_s(name: str) -> FloatArray:
        return np.maximum(at[f"{name}_at"] - snapshot_s, 0.0)  # nan stays nan

    def said_s(name: str) -> FloatArray:
        is_later = _where(later_words, lambda words: f'"{name}"' in words)[later]
        return np.where(is_later, at["horizon_s"], wait_s(name))

    is_open = _where(outcomes, lambda word: word == Outcome.OPEN)[outcome]
    is_started = _where(outcomes, lambda word: word == Outcome.STARTED)[outcome]
    is_started &= ~np.isnan(at["outcome_at"])
    until_s = np.where(is_open, now.astimezone(UTC).timestamp(), at["outcome_at"]) - snapshot_s
    # Gone, and nobody knows when it was last seen: then it waited 0 s or longer.
    actual_s = np.maximum(np.nan_to_num(until_s), 0.0)
    day = (snapshot_s // DAY_S).astype(np.int64)

    def scored(p10_s: FloatArray, p50_s: FloatArray, p90_s: FloatArray) -> Scored:
        return Scored(p10_s, p50_s, p90_s, actual_s, ~is_started, day)

    slurm_s = wait_s("slurm_start")
    return RecordRows(
        ours=scored(*map(said_s, ("p10", "p50", "p90"))),
        slurm=scored(slurm_s, slurm_s, slurm_s),
        history=scored(*map(wait_s, ("history_p10", "history_p50", "history_p90"))),
        milestone_minutes=at["milestone_minutes"].astype(np.int64),
        partition=partition,
        asked=tuple(asked),
        is_open=is_open,
        is_replayed=at["is_replayed"] > 0.0,
        newest_outcome_at=_newest(at["outcome_at"][~is_open]),
        one_job_in=one_job_in,
    )


def _where(meanings: list[str], is_meant: Callable[[str], bool]) -> BoolArray:
    return np.array([is_meant(meaning) for meaning in meanings], dtype=np.bool_)


def _newest(at_s: FloatArray) -> datetime | None:
    known = at_s[~np.isnan(at_s)]
    return datetime.fromtimestamp(float(known.max()), UTC) if known.size else None
