"""A backtest's report for people: one table per stratum, within 100 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from planner.accuracy import STRATA, Score
from planner.backtest.methods import SHIPPED
from planner.backtest.report import OF_OUTCOME, Report, Row

WHAT = {
    "all": "all",
    "expected_queue": "expected queue: an earlier job waited in the same partition",
    "expected_start": "expected start: no earlier job waited in the same partition",
    "queued": "queued: waited over a minute (known afterwards)",
    "immediate": "immediate: started within a minute (known afterwards)",
}
_HEAD = (
    ("", "median", "mean", "pinball", "90 % interval", "within", "within", "before", "mean"),
    ("", "error s", "error s", "loss s", "of it", "x2 %", "10 m %", "P90 %", "P90 s"),
)
_LAYER = "{:<20} {:>9} {:>9} {:>6} {:>6} {:>9}"
_LAYER_HEAD = (
    ("", "pinball", "of log", "within", "before", "mean"),
    ("", "loss s", "wait", "x2 %", "P90 %", "P90 s"),
)
_LINE = "{:<13} {:>9} {:>9} {:>9} {:>19} {:>6} {:>6} {:>6} {:>9} {:>5}"


def tables(report: Report) -> Iterator[str]:
    """Line by line, without line ends."""
    yield (
        f"{report.asked:,} forecasts, of which every method answered {report.answered:,}:"
        " the figures are over these"
    )
    for stratum in STRATA:
        of_method = {name: rows[stratum] for name, rows in report.methods.items()}
        yield ""
        yield from _table(stratum, of_method)
    if report.layers:
        yield ""
        yield from _layers({name: rows["all"].score for name, rows in report.layers.items()})


def _table(stratum: str, rows: Mapping[str, Row]) -> Iterator[str]:
    first = next(iter(rows.values())).score
    yield f"{WHAT[stratum]}: {first.n:,} jobs, {first.n_censored:,} of them cancelled unstarted"
    if not first.n:
        return
    yield _LINE.format(*_HEAD[0], "ans-")
    yield _LINE.format(*_HEAD[1], "wer %")
    for name, row in rows.items():
        figures, spread = row.score, row.intervals["pinball"]
        covers = None if stratum in OF_OUTCOME else figures.coverage_p90
        shown = f"{name} *" if name == SHIPPED else name
        yield _LINE.format(
            shown,
            _seconds(figures.median_ae_s),
            _seconds(figures.mae_s),
            _seconds(figures.pinball),
            "-" if spread is None else f"{spread.low:,.0f}-{spread.high:,.0f}",
            _percent(figures.within_factor_2),
            _percent(figures.within_10_min),
            _percent(covers),
            _seconds(figures.width_p90_s),
            _percent(figures.answer_rate),
        ).rstrip()


def _layers(scores: Mapping[str, Score]) -> Iterator[str]:
    yield "layers: what each part of the product adds, over all"
    for line in _LAYER_HEAD:
        yield _LAYER.format(*line)
    for name, figures in scores.items():
        yield _LAYER.format(
            name,
            _seconds(figures.pinball),
            _log(figures.pinball_log),
            _percent(figures.within_factor_2),
            _percent(figures.coverage_p90_randomised),
            _seconds(figures.width_p90_s),
        )


def _shown(format_number: Callable[[float], str]) -> Callable[[float | None], str]:
    return lambda number: "-" if number is None else format_number(number)


_seconds = _shown(lambda number: f"{number:,.0f}")
_log = _shown(lambda loss: f"{loss:.3f}")
_percent = _shown(lambda share: f"{100.0 * share:.0f}")
