"""An answer as lines for a terminal: for ``manage.py plan`` and the client on login nodes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planner.advice.words import share, span
from tracker.slurm.durations import format_duration

Json = Mapping[str, Any]

COLUMNS = (
    "#", "PARTITION", "QOS", "GPU", "LIMIT", "START P10", "P50", "P90", "END P50", "P90",
    "IN 10 MIN", "COST", "",
)  # fmt: skip
WALLTIME = ("LIMIT", "START P50", "P90", "KILLED", "")
CHANGES_SHOWN = 5
AS_ASKED = "<- as asked"


def lines(answer: Json) -> Iterator[str]:
    """Of ``Advice.as_json``. Times are from the snapshot on."""
    options, best = answer["options"], answer["best"]
    yield _sentence(answer)
    if smallest := answer["smallest_change"]:
        yield smallest["sentence"]
    yield ""
    allowed = [at for at, option in enumerate(options) if option["allowed"]]
    yield from _table(COLUMNS, [_row(at, answer) for at in allowed])
    yield from _refusals(answer)
    if best is not None:
        yield ""
        yield shlex.join(["sbatch", *options[best]["sbatch_args"], "SCRIPT.sh"])
    if answer["approximate"]:
        yield ""
        yield "~ fitted into futures without this job, not simulated with it"
    yield from _changes(answer)
    yield from _walltime(answer)
    for part in ("when", "why"):
        if answer[part]:
            yield ""
            yield answer[part]["sentence"]
    yield from _deadline(answer)


def _sentence(answer: Json) -> str:
    if answer["best"] is None:
        if any(option["allowed"] for option in answer["options"]):
            return f"No start is expected within {span(answer['horizon_s'])}."
        return "Nothing here can run this as it is asked for."
    best = answer["options"][answer["best"]]
    start, finish = best["start"], best["finish"]
    late = f" (nine times in ten in {span(start['p90_s'])})" if start["p90_s"] is not None else ""
    end = f", and ends in {span(finish['p50_s'])}" if finish["p50_s"] is not None else ""
    about = "about " if best["approximate"] else ""
    return f"Best: {best['partition']} starts in {about}{span(start['p50_s'])}{late}{end}."


def _row(at: int, answer: Json) -> tuple[str, ...]:
    option = answer["options"][at]
    minutes, units = option["limit_minutes"], option["billing_unit_hours"]
    about = "~" if option["approximate"] else ""
    soon = option["p_within_10_min"]
    return (
        str(at + 1),
        option["partition"],
        option["qos"] or "",
        option["gpu_type"] or "",
        "" if minutes is None else format_duration(60 * minutes),
        *(_time(option, "start", level, about) for level in ("p10", "p50", "p90")),
        *(_time(option, "finish", level, about) for level in ("p50", "p90")),
        "" if soon is None else share(soon),
        "" if units is None else f"{units:,.4g}",
        AS_ASKED if at == answer["default"] else "",
    )


def _refusals(answer: Json) -> Iterator[str]:
    for at, option in enumerate(answer["options"]):
        if not option["allowed"]:
            words = (option["partition"], option["qos"], option["gpu_type"])
            asked = f" {AS_ASKED}" if at == answer["default"] else ""
            yield f"not {' '.join(filter(None, words))}: {option['why_not']}{asked}"


def _time(option: Json, what: str, level: str, about: str) -> str:
    at_s = option[what][f"{level}_s"]
    if at_s is not None:
        return about + span(at_s)
    return "later" if level in option["later_than_horizon"] else "-"


def _changes(answer: Json) -> Iterator[str]:
    helpful = [change for change in answer["changes"] if change["helps"]]
    if helpful:
        yield ""
        yield "What would bring it sooner:"
        yield from (f"  {change['sentence']}" for change in helpful[:CHANGES_SHOWN])


def _walltime(answer: Json) -> Iterator[str]:
    rows = []
    for point in answer["walltime"]:
        killed = point["p_killed"]
        rows.append(
            (
                format_duration(60 * point["limit_minutes"]),
                _time(point, "start", "p50", "~"),
                _time(point, "start", "p90", "~"),
                "" if killed is None else share(killed),
                point["cliff"] or (AS_ASKED if point["is_asked"] else ""),
            )
        )
    if not rows:
        return
    yield ""
    # P(killed) alone is no reason to ask for less: longer is safer and costs no wait.
    starts = {(p50, p90) for _, p50, p90, _, _ in rows}
    are_known = all(point["start"]["p90_s"] is not None for point in answer["walltime"])
    has_cliff = any(point["cliff"] for point in answer["walltime"])
    if len(rows) > 1 and len(starts) == 1 and are_known and not has_cliff:
        yield f"Any limit from {rows[0][0]} to {rows[-1][0]} starts alike."
    else:
        yield from _table(WALLTIME, rows)


def _deadline(answer: Json) -> Iterator[str]:
    if answer["when"] and answer["when"]["deadline"]:
        yield answer["when"]["deadline"]["sentence"]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns that nothing stands in are left out."""
    kept = [at for at in range(len(head)) if any(row[at] for row in rows)]
    widths = [max(len(line[at]) for line in (head, *rows)) for at in kept]
    for line in (head, *rows) if rows else ():
        cells = (line[at].ljust(width) for at, width in zip(kept, widths, strict=True))
        yield "  ".join(cells).rstrip()
