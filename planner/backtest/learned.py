"""Second looks at what was asked: learnt from earlier cases, calibrated on earlier answers.

Everything goes on in the order of the trace. Answers to a case rest on nothing that happened after
the submission of the first case of its stretch, and stretches are counted from the beginning, so
that later cases change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from planner.accuracy.losses import pinball_log
from planner.accuracy.scored import Scored
from planner.backtest.cases import Cases, FloatArray
from planner.calibration import Calibration, Told
from planner.learning import QuantileForest
from planner.quantiles import Quantiles

REFIT_EVERY = (50, 400)  # cases, least and most; between them, with each eighth more
FEWEST = 100  # started cases to learn from
NEWEST = 8_000  # started cases that are learnt from
CALIBRATE_EVERY = 50
HALF_LIFE = 500.0  # cases of a partition, after which a loss counts half in the choice
SIMULATED = ("ensemble_", "sim_limits_")  # how names of features of the simulation begin


def grown(cases: Cases, *, with_simulation: bool, seed: int) -> FloatArray:
    """(3, cases): what a forest says that is grown anew every so often; nan while it has little
    to learn from."""
    columns = [
        place
        for place, name in enumerate(cases.names)
        if with_simulation or not name.startswith(SIMULATED)
    ]
    rows = cases.features[:, columns]
    said_s = np.full((3, len(cases)), np.nan)
    for stretch in _refits(len(cases)):
        known = cases.started(stretch.start)[-NEWEST:]
        if known.size >= FEWEST:
            forest = QuantileForest.grow(rows[known], cases.waited_s[known], seed=seed)
            said_s[:, stretch] = forest.quantiles_s(rows[stretch])
    return said_s


def calibrated(
    cases: Cases, raw_s: FloatArray, fit: Callable[[Told, float], Calibration] = Calibration.fit
) -> FloatArray:
    """Each answer corrected by what had become of the ones before."""
    said_s = raw_s.copy()
    for stretch in _stretches(len(cases)):
        now_s = float(cases.submit_s[stretch.start])
        calibration = fit(cases.told(raw_s, stretch.start), now_s)
        for case in range(stretch.start, stretch.stop):
            if not np.isnan(raw_s[:, case]).any():
                raw = Quantiles(*map(float, raw_s[:, case]))
                told = calibration.apply(raw, int(cases.group[case]))
                said_s[:, case] = told.p10_s, told.p50_s, told.p90_s
    return said_s


def chosen(cases: Cases, candidates: Sequence[FloatArray]) -> FloatArray:
    """Case by case the candidate that has lost least in the partition so far, by the pinball loss
    of log(1 + wait), newer losses counting more. The first until one has, the next where it is
    silent."""
    losses = np.stack([_losses(cases, each) for each in candidates])
    said_s = candidates[0].copy()
    for stretch in _stretches(len(cases)):
        started = cases.started(stretch.start)
        comparable = started[~np.isnan(losses[:, started]).any(axis=0)]
        for partition in np.unique(cases.partition[stretch]):
            here = stretch.start + np.flatnonzero(cases.partition[stretch] == partition)
            of_it = comparable[cases.partition[comparable] == partition]
            weights = 0.5 ** (np.arange(of_it.size)[::-1] / HALF_LIFE)
            order = np.argsort(losses[:, of_it] @ weights, kind="stable")
            said_s[:, here] = _first_said([candidates[place][:, here] for place in order])
    return said_s


def _first_said(said_s: Sequence[FloatArray]) -> FloatArray:
    first = said_s[0].copy()
    for other in said_s[1:]:
        first = np.where(np.isnan(first), other, first)
    return first


def _losses(cases: Cases, said_s: FloatArray) -> FloatArray:
    """Those of cases that have not started are never looked at."""
    waited_s = np.where(np.isinf(cases.waited_s), 0.0, cases.waited_s)
    day = np.zeros(len(cases), dtype=np.int64)
    return pinball_log(Scored(said_s[0], said_s[1], said_s[2], waited_s, cases.is_cancelled, day))


def _refits(n: int) -> Iterator[slice]:
    least, most = REFIT_EVERY
    start = 0
    while start < n:
        stop = min(n, start + min(most, max(least, start // 8)))
        yield slice(start, stop)
        start = stop


def _stretches(n: int) -> Iterator[slice]:
    for start in range(0, n, CALIBRATE_EVERY):
        yield slice(start, min(n, start + CALIBRATE_EVERY))


def layers(cases: Cases, state_s: FloatArray, hybrid_s: FloatArray) -> Mapping[str, FloatArray]:
    """(3, cases) by name: what each part of the product adds to the one before.

    ``state_s`` and ``hybrid_s``: of ``grown`` without and with simulation. While they are silent,
    recent waits of like jobs speak for the one and the ensemble for the other.
    """
    recent_s, ensemble_s = cases.said_s["recent_like"], cases.said_s["ensemble"]
    state_s, hybrid_s = _first_said([state_s, recent_s]), _first_said([hybrid_s, ensemble_s])
    ensemble_calibrated_s = calibrated(cases, ensemble_s)
    hybrid_calibrated_s = calibrated(cases, hybrid_s, Calibration.fit_learner)
    return {
        "ensemble": ensemble_s,
        "ensemble_calibrated": ensemble_calibrated_s,
        "learner": state_s,
        "learner_calibrated": calibrated(cases, state_s, Calibration.fit_learner),
        "hybrid": hybrid_s,
        "hybrid_calibrated": hybrid_calibrated_s,
        "chosen": chosen(cases, [hybrid_calibrated_s, ensemble_calibrated_s, recent_s]),
    }
