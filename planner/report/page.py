"""The report: one HTML file without scripts, that opens anywhere, light or dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from planner.report.by_request import Cell, waits
from planner.report.drawing import Frame, picture, steps
from planner.report.figures import SHORT_S, Figures
from planner.report.gantt import Window, gantt, window
from planner.report.over_time import OverTime, over_time
from planner.report.schedule import Schedule
from planner.report.words import duration

STYLE = Path(__file__).with_name("page.css")
KEYS = {
    "wait-none": "waited a minute or less",
    "wait-some": "an hour or less",
    "wait-long": "longer",
}


def page(schedule: Schedule, found: Figures, title: str, notes: Iterable[str]) -> str:
    name = escape(title)
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{name}</title>\n<style>\n{STYLE.read_text()}</style>\n</head>\n<body>",
        f"<main>\n<h1>{name}</h1>",
        _figures(found, notes),
        _over_time(over_time(schedule)),
        _by_request(schedule),
        _gantt(window(schedule), len(schedule.submit_s), schedule.processors),
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _figures(found: Figures, notes: Iterable[str]) -> str:
    rows = (
        ("jobs", f"{found.jobs:,}"),
        ("mean wait", duration(found.mean_wait_s)),
        ("median wait", duration(found.median_wait_s)),
        ("95 % waited at most", duration(found.p95_wait_s)),
        (
            f"mean bounded slowdown (of {SHORT_S:.0f} s or more)",
            f"{found.mean_bounded_slowdown:,.2f}",
        ),
        ("from the first submission to the last end", duration(found.makespan_s)),
        ("busy share of the machine", f"{found.utilisation:.1%}"),
    )
    told = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return _section("In short", f'<div class="short">{_table((), rows)}</div>{told}')


def _over_time(found: OverTime) -> str:
    until_s, most = float(found.edges_s[-1]), max(float(found.most_waiting.max()), 1.0)
    edges_s = found.edges_s.tolist()
    busy = Frame(0.0, until_s, 0.0, 1.0, 200)
    queue = Frame(0.0, until_s, 0.0, most, 240)
    busy_line = steps(busy, edges_s, found.busy.tolist(), "busy")
    lines = (
        steps(queue, edges_s, found.most_waiting.tolist(), "most"),
        steps(queue, edges_s, found.waiting.tolist(), "mean"),
    )
    stretch = duration(edges_s[1])
    rows = zip(
        (duration(at_s) for at_s in edges_s),
        (f"{share:.1%}" for share in found.busy),
        (f"{count:,.1f}" for count in found.waiting),
        (f"{count:,.0f}" for count in found.most_waiting),
        strict=False,  # the last edge begins nothing
    )
    heads = ("from", "busy", "waiting, mean", "waiting, most")
    return _section(
        "Over time",
        f"<p>Time since the first submission, in stretches of {stretch}. Above: the share of the"
        " processors that were busy. Below: jobs that waited.</p>",
        _wide(picture(busy, "Busy share of the machine over time", [busy_line], percent=True)),
        f"<p>{_line_key('mean', 'on average')}{_line_key('most', 'at most')}</p>",
        _wide(picture(queue, "Waiting jobs over time", lines)),
        _folded("The same as a table", _table(heads, rows)),
    )


def _by_request(schedule: Schedule) -> str:
    found = waits(schedule)
    head = "".join(f'<th scope="col">{limit}</th>' for limit in found.limits)
    body = "".join(
        f'<tr><th scope="row">{size}</th>{"".join(map(_cell, cells))}</tr>'
        for size, cells in found.rows
    )
    return _section(
        "Wait by size and limit",
        "<p>Rows: processors asked for; columns: time limit. Each field: the median wait, then the"
        " number of jobs and what 95 % of them waited at most. The longer the median, the darker"
        " the field.</p>",
        _wide(f'<table><tr><th scope="col">processors</th>{head}</tr>{body}</table>'),
    )


def _cell(cell: Cell) -> str:
    if cell.median_s is None or cell.p95_s is None:
        return "<td>–</td>"
    jobs = f"{cell.jobs:,} job{'' if cell.jobs == 1 else 's'}"
    return (
        f'<td class="shade-{cell.shade}">{duration(cell.median_s)}'
        f"<small>{jobs}, {duration(cell.p95_s)}</small></td>"
    )


def _gantt(shown: Window, jobs: int, processors: int) -> str:
    which = "All jobs" if len(shown.bars) == jobs else f"{len(shown.bars):,} jobs of {jobs:,}"
    where = "" if len(shown.bars) == jobs else ", where the queue was longest"
    keys = "".join(_area_key(style, said) for style, said in KEYS.items())
    heads = ("job", "processors", "submitted", "started", "ended", "waited")
    rows = (
        (
            bar.job_id,
            f"{bar.procs:,}",
            *(f"{at_s:,.0f} s" for at_s in (bar.submit_s, bar.start_s, bar.end_s)),
            duration(bar.wait_s),
        )
        for bar in shown.bars
    )
    return _section(
        "Which job ran where",
        f"<p>{which}{where}. Across: time since the first submission; upwards: processors. A pool"
        " does not number its processors: here each job takes the lowest that are free.</p>",
        f"<p>{keys}</p>",
        _wide(gantt(shown, processors)),
        _folded("The same as a table", _table(heads, rows)),
    )


def _section(title: str, *parts: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n" + "\n".join(parts) + "\n</section>"


def _wide(drawn: str) -> str:
    """Scrolls by itself where the page is narrow; the keyboard can do that too."""
    return f'<div class="wide" tabindex="0">{drawn}</div>'


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>{_wide(content)}</details>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first field of each row names it."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(field)}</td>" for field in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if heads else ''}\n{body}</table>"


def _line_key(style: str, said: str) -> str:
    line = f'<path class="{style}" d="M0 5H24"/>'
    return (
        f'<span class="key"><svg viewBox="0 0 24 10" aria-hidden="true">{line}</svg> {said}</span>'
    )


def _area_key(style: str, said: str) -> str:
    area = f'<path class="{style}" d="M4 0H20V10H4Z"/>'
    return (
        f'<span class="key"><svg viewBox="0 0 24 10" aria-hidden="true">{area}</svg> {said}</span>'
    )
