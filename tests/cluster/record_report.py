"""Forecasts of recorded campaigns against what happened, as a report in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from planner.accuracy import (
    DayBlocks,
    Interval,
    Scored,
    absolute_error_s,
    answered_by_all,
    pinball_s,
    score,
    skill,
    skill_interval,
)
from tests.cluster.campaign import SNAPSHOTS
from tests.cluster.outcomes import Row, read_rows, read_truth

COMPARED = ("Slurm", "constant", "recent_like")
METHODS = ("ours", "ensemble", "plan", *COMPARED, "true runs")
BLOCK_S = 120  # snapshots of so long are drawn together when intervals are made
WAITED_MINUTES = ((0, 1), (1, 3), (3, 6), (6, 10), (10, 60))
WORST = 10
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Campaign:
    """``rows`` are those that wait for time alone, ``apart`` all others."""

    name: str
    snapshots: int
    run_of_limit: float
    rows: list[Row]
    apart: list[Row]
    scored: dict[str, Scored]
    blocks: DayBlocks

    @classmethod
    def read(cls, folder: Path) -> Campaign:
        truth = read_truth(folder)
        every = read_rows(folder, truth)
        rows = [row for row in every if row.waits_for_time]
        began_at = every[0].at
        block = [int((row.at - began_at).total_seconds()) // BLOCK_S for row in rows]
        actual_s = [row.actual_s for row in rows]
        censored = [row.is_censored for row in rows]
        scored = {
            name: Scored.of([row.said[name] for row in rows], actual_s, censored, block)
            for name in METHODS
        }
        return cls(
            folder.name,
            len(list((folder / SNAPSHOTS).iterdir())),
            truth.run_of_limit,
            rows,
            [row for row in every if not row.waits_for_time],
            scored,
            DayBlocks.draw(np.array(block), np.random.default_rng(0)),
        )

    def mask(self, of: Callable[[Row], bool]) -> Mask:
        return np.array([of(row) for row in self.rows], dtype=np.bool_)

    def answer_rate(self, method: str) -> float:
        return float(self.scored[method].is_answered.mean())


# --- sections of the report
def report(campaigns: Sequence[Campaign]) -> str:
    return "\n\n".join(section for campaign in campaigns for section in _sections(campaign)) + "\n"


def _sections(campaign: Campaign) -> Iterator[str]:
    everything = np.ones(len(campaign.rows), dtype=np.bool_)
    both = answered_by_all([campaign.scored["ours"], campaign.scored["Slurm"]])
    seen: set[str] = set()
    first = campaign.mask(lambda row: row.key not in seen and not seen.add(row.key))
    yield f"## Campaign {campaign.name}\n\n{_summary(campaign)}"
    yield "All rows that wait for time alone:\n\n" + _methods(campaign, everything)
    yield "Rows of which Slurm tells a start, and we do:\n\n" + _methods(campaign, both)
    yield "The first row of each job:\n\n" + _methods(campaign, first)
    yield _skills(campaign)
    yield "By partition asked for:\n\n" + _strata(campaign, _partitions(campaign))
    yield "By reason class:\n\n" + _strata(campaign, _classes(campaign))
    yield "By the time already waited:\n\n" + _strata(campaign, _waited(campaign))
    yield "Rows that wait for something else, and are not scored:\n\n" + _apart(campaign)
    yield f"Our {WORST} largest errors, one row a job:\n\n" + _worst(campaign)


def _summary(campaign: Campaign) -> str:
    rows, waiting = campaign.rows, Counter(row.snapshot for row in campaign.rows)
    started_s = [row.actual_s for row in rows if not row.is_censored]
    censored = sum(row.is_censored for row in rows)
    jobs = {row.key for row in rows}
    without = jobs - {row.key for row in rows if row.said["Slurm"] is not None}
    counts = sorted(waiting.values())
    slurm = campaign.scored["Slurm"]
    return (
        f"{campaign.snapshots} snapshots from {rows[0].at:%Y-%m-%d %H:%M} UTC on; {len(rows)} rows"
        f" of {len(jobs)} jobs and array tasks that wait for time alone, {counts[0]} to"
        f" {counts[-1]} in a snapshot (median {counts[len(counts) // 2]});"
        f" {censored} rows censored (cancelled, or still waiting at the end). Wait left: median"
        f" {np.median(started_s):.0f} s, ninth decile {np.quantile(started_s, 0.9):.0f} s. Slurm"
        f" tells no start in {1 - slurm.is_answered.mean():.0%} of rows, and never one for"
        f" {len(without)} of the jobs ({len(without) / len(jobs):.0%}). Jobs ran"
        f" {campaign.run_of_limit:.2f} of their limits in the mean."
    )


def _methods(campaign: Campaign, rows: Mask) -> str:
    head = ("", "rows", "answered", "median error s", "mean error s", "bias s", "within factor 2")
    head += ("within 1 min", "pinball s", "started by the middle", "by the 90 % bound")
    head += ("the same, ties drawn", "90 % bound s")
    return _table(head, (_line(campaign, name, rows) for name in METHODS))


def _line(campaign: Campaign, name: str, rows: Mask) -> list[str]:
    part, blocks = campaign.scored[name].take(rows), campaign.blocks.take(rows)
    found = score(part, np.random.default_rng(0))
    return [
        name,
        str(found.n),
        _share(found.answer_rate),
        _number(found.median_ae_s),
        _number(found.mae_s, blocks.mean(absolute_error_s(part))),
        _number(found.bias_s),
        _share(found.within_factor_2),
        _share(found.within_1_min),
        _number(found.pinball, blocks.mean(pinball_s(part))),
        _share(found.coverage_p50),
        _share(found.coverage_p90),
        _share(found.coverage_p90_randomised),
        _number(found.width_p90_s),
    ]


def _skills(campaign: Campaign) -> str:
    """Of the mean absolute error and of the pinball loss."""
    ours = campaign.scored["ours"]
    lines = []
    for name in COMPARED:
        theirs = campaign.scored[name]
        cells = [name, str(int(answered_by_all([ours, theirs]).sum()))]
        for loss in (absolute_error_s, pinball_s):
            interval = skill_interval(ours, theirs, loss, campaign.blocks)
            cells.append(_number(skill(ours, theirs, loss), interval, digits=2))
        lines.append(cells)
    head = ("against", "rows of both", "skill in mean error", "skill in pinball")
    explained = "Our skill, 1 - our loss / theirs (above 0: we are better):\n\n"
    return explained + _table(head, lines)


def _strata(campaign: Campaign, strata: Iterable[tuple[str, Mask]]) -> str:
    head = ("", "rows", "Slurm answers", "mean error s: ours", "constant", "recent_like")
    head += ("where Slurm answers: ours", "Slurm", "our bias s")
    lines = []
    for label, rows in strata:
        part = {name: scored.take(rows) for name, scored in campaign.scored.items()}
        both = answered_by_all([part["ours"], part["Slurm"]])
        bias_s = score(part["ours"], np.random.default_rng(0)).bias_s
        lines.append(
            [
                label,
                str(int(rows.sum())),
                _share(float(part["Slurm"].is_answered.mean())),
                *(_mae(part[name]) for name in ("ours", "constant", "recent_like")),
                *(_mae(part[name].take(both)) for name in ("ours", "Slurm")),
                _number(bias_s),
            ]
        )
    return _table(head, lines)


def _partitions(campaign: Campaign) -> Iterator[tuple[str, Mask]]:
    for name in sorted({",".join(row.record.partitions) for row in campaign.rows}):
        yield name, campaign.mask(lambda row, name=name: ",".join(row.record.partitions) == name)


def _classes(campaign: Campaign) -> Iterator[tuple[str, Mask]]:
    for letter, what in (("A", "the queue ahead"), ("B", "a date"), ("C", "own jobs' limits")):
        rows = campaign.mask(lambda row, letter=letter: row.reason_class == letter)
        if rows.any():
            yield f"{letter}, {what}", rows


def _waited(campaign: Campaign) -> Iterator[tuple[str, Mask]]:
    for low, high in WAITED_MINUTES:
        rows = campaign.mask(lambda row, low=low, high=high: low * 60 <= row.waited_s < high * 60)
        if rows.any():
            yield f"{low} to {high} min", rows


def _apart(campaign: Campaign) -> str:
    lines = []
    for reason in sorted({row.record.reason or "None" for row in campaign.apart}):
        rows = [row for row in campaign.apart if (row.record.reason or "None") == reason]
        answered = [row for row in rows if row.said["ours"] is not None]
        started = [row for row in rows if not row.is_censored]
        cells = [reason, *(str(len(found)) for found in (rows, answered, started))]
        lines.append([*cells, str(len({row.key for row in started}))])
    return _table(("reason", "rows", "answered by us", "started later", "jobs of these"), lines)


def _worst(campaign: Campaign) -> str:
    off_s = np.nan_to_num(absolute_error_s(campaign.scored["ours"]), nan=-1.0)
    lines, shown = [], set()
    for place in np.argsort(-off_s, kind="stable"):
        row = campaign.rows[place]
        if row.key in shown or len(shown) == WORST:
            continue
        shown.add(row.key)
        record = row.record
        asked = record.tres_alloc
        gpus = f" {asked.gpus} GPUs" if asked.gpus else ""
        lines.append(
            [
                row.key,
                f"{row.snapshot}",
                record.user,
                ",".join(record.partitions),
                f"{record.node_count or 1} nodes {record.cpus} CPUs{gpus}",
                f"{record.limit_minutes:g}",
                record.reason or "None",
                *(_middle(row, name) for name in ("ours", "Slurm", "true runs")),
                f"{row.actual_s:.0f}",
            ]
        )
    head = ("job", "snapshot", "user", "partition", "asks for", "limit min", "reason", "ours s")
    return _table((*head, "Slurm s", "true runs s", "actual s"), lines)


# --- cells
def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _mae(scored: Scored) -> str:
    off_s = absolute_error_s(scored)
    return _number(None if np.isnan(off_s).all() else float(np.nanmean(off_s)))


def _middle(row: Row, method: str) -> str:
    said = row.said[method]
    return _number(None if said is None else said.p50_s)


def _number(value: float | None, interval: Interval | None = None, digits: int = 0) -> str:
    if value is None:
        return "-"
    within = (
        "" if interval is None else f" ({interval.low:.{digits}f} to {interval.high:.{digits}f})"
    )
    return f"{value:.{digits}f}{within}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
