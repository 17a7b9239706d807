"""From answers, job by job, to what every method and layer said of the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.backtest.asking import Answers
from planner.backtest.cases import Cases, FloatArray, as_quantiles, learnt_from
from planner.backtest.learned import layers
from planner.backtest.methods import LEARNED, is_learnt
from planner.backtest.processes import grow
from planner.backtest.report import Said
from planner.traces.jobs import Trace


def to_ask(trace: Trace, names: Sequence[str], targets: Sequence[int]) -> Sequence[int]:
    """Whom to ask about so that all of ``names`` can answer to the targets: rising indices."""
    return learnt_from(trace, targets) if is_learnt(names) else targets


def said(
    trace: Trace,
    names: Sequence[str],
    targets: Sequence[int],
    answers: Sequence[Answers],
    *,
    seed: int,
    processes: int,
) -> Said:
    """``answers``: to each of ``to_ask``. Without methods that learn there are no layers."""
    asked = to_ask(trace, names, targets)
    found: Mapping[str, FloatArray] = {}
    if is_learnt(names):
        cases = Cases.of(trace, asked, answers)
        found = layers(cases, *grow(cases, seed, processes))
    place = {target: row for row, target in enumerate(asked)}
    rows = [place[target] for target in targets]
    of_layers = {name: as_quantiles(each[:, rows]) for name, each in found.items()}
    of_methods = {
        name: of_layers[LEARNED[name]]
        if name in LEARNED
        else [answers[row].said[name] for row in rows]
        for name in names
    }
    return Said(of_methods, of_layers, [answers[row].expects_queue for row in rows])
