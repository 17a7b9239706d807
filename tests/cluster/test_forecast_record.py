"""Our forecasts and Slurm's own StartTime against what happened, on a loaded real Slurm.

Two campaigns of the same workload, with and without the QOS limits of users. Captures and truth
are kept where QUEUECAST_RECORD names a folder, else in pytest's own. Campaigns that stand there are
not made again, only scored, as ``python -m tests.cluster.scoring FOLDER`` does.
QUEUECAST_RECORD_MINUTES=5 is a rehearsal of fewer minutes, without verdict.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.cluster.campaign import TRUTH, record
from tests.cluster.conftest import booted
from tests.cluster.load import workload
from tests.cluster.record_report import Campaign, report

pytestmark = pytest.mark.prove
SEED = 35  # asks for more CPUs and GPUs than there are, and for less than can drain in the end
MINUTES = 18.0
PER_MINUTE = 6.5
FIRST_MINUTE = 2.0
DRAIN_MINUTES = 12.0
SCENARIOS = {"limits": "", "no-limits": "MaxTRESPerUser=cpu=-1,gres/gpu=-1"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_forecasts_on_a_loaded_cluster_are_scored_beside_slurms(
    scenario: str, tmp_path: Path
) -> None:
    minutes = float(os.environ.get("QUEUECAST_RECORD_MINUTES", str(MINUTES)))
    folder = Path(os.environ.get("QUEUECAST_RECORD", str(tmp_path))) / scenario
    if not (folder / TRUTH).exists():
        _record(folder, SCENARIOS[scenario], minutes)
    campaign = Campaign.read(folder)
    print(f"captures: {folder}\n\n{report([campaign])}")  # noqa: T201
    if minutes < MINUTES:
        pytest.skip("a rehearsal is too short for a verdict")
    rows, unknown = len(campaign.rows), sum(row.is_censored for row in campaign.rows)
    ours, slurms = campaign.answer_rate("ours"), campaign.answer_rate("Slurm")
    assert campaign.snapshots >= 30
    assert rows >= 1000
    assert unknown < 0.2 * rows
    assert ours == 1.0 > slurms


def _record(folder: Path, limits: str, minutes: float) -> None:
    with booted() as lab:  # of its own: nobody's usage in another campaign weighs on its shares
        if limits:
            lab.run("sacctmgr", "-i", "modify", "qos", "normal", "set", limits)
        record(
            lab,
            workload(np.random.default_rng(SEED), minutes, PER_MINUTE),
            folder,
            load_s=minutes * 60,
            first_s=FIRST_MINUTE * 60,
            drain_s=DRAIN_MINUTES * 60,
        )
