"""Whether forecasts keep their promise on a real Slurm that people go on submitting to.

As in test_forecast_record, but the load does not end with the last capture: what arrives later is
part of what a forecast has to foresee. Captures and truth are kept where QUEUECAST_SPREAD names a
folder; campaigns that stand there are scored only. QUEUECAST_SPREAD_MINUTES=5 is a rehearsal.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from planner.accuracy import Score, answered_by_all, score
from tests.cluster.campaign import TRUTH, record
from tests.cluster.conftest import booted
from tests.cluster.load import STEADY, workload
from tests.cluster.record_report import Campaign, report

pytestmark = pytest.mark.prove
SEED = 54
CAPTURED_MINUTES = 19.0
FIRST_MINUTE = 3.0
GOES_ON_MINUTES = 5.0  # after the last capture
PER_MINUTE = 5.0
DRAIN_MINUTES = 19.0
SCENARIOS = {"limits": "", "no-limits": "MaxTRESPerUser=cpu=-1,gres/gpu=-1"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_starts_come_as_often_by_the_bounds_as_was_promised(scenario: str, tmp_path: Path) -> None:
    minutes = float(os.environ.get("QUEUECAST_SPREAD_MINUTES", str(CAPTURED_MINUTES)))
    folder = Path(os.environ.get("QUEUECAST_SPREAD", str(tmp_path))) / scenario
    if not (folder / TRUTH).exists():
        _record(folder, SCENARIOS[scenario], minutes)
    campaign = Campaign.read(folder)
    print(f"captures: {folder}\n\n{report([campaign])}")  # noqa: T201
    if minutes < CAPTURED_MINUTES:
        pytest.skip("a rehearsal is too short for a verdict")
    ours = score(campaign.scored["ours"], np.random.default_rng(0))
    assert _of(ours, "answer_rate") >= 0.95
    assert 0.85 <= _of(ours, "coverage_p90_randomised") <= 0.95
    for error in ("median_ae_s", "mae_s"):
        told, slurm = (_of(one, error) for one in _both(campaign, "Slurm"))
        assert told <= 0.5 * slurm
        told, constant = (_of(one, error) for one in _both(campaign, "constant"))
        assert told < constant


def _both(campaign: Campaign, other: str) -> tuple[Score, Score]:
    """Ours and the other's, on the rows that both answer."""
    ours, theirs = campaign.scored["ours"], campaign.scored[other]
    rows = answered_by_all([ours, theirs])
    one, two = (score(each.take(rows), np.random.default_rng(0)) for each in (ours, theirs))
    return one, two


def _of(found: Score, figure: str) -> float:
    value = getattr(found, figure)
    assert value is not None, f"no row tells {figure}"
    return float(value)


def _record(folder: Path, limits: str, minutes: float) -> None:
    with booted() as lab:  # of its own: nobody's usage in another campaign weighs on its shares
        if limits:
            lab.run("sacctmgr", "-i", "modify", "qos", "normal", "set", limits)
        rng = np.random.default_rng(SEED)
        record(
            lab,
            workload(rng, minutes + GOES_ON_MINUTES, PER_MINUTE, STEADY),
            folder,
            load_s=minutes * 60,
            first_s=FIRST_MINUTE * 60,
            drain_s=DRAIN_MINUTES * 60,
        )
