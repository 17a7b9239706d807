"""The model against a loaded real Slurm: the same workload several times there and once in here.

Runs are kept where QUEUECAST_FIDELITY names a folder, else in pytest's own; those that stand there
are not made again, only compared, as ``python -m tests.cluster.fidelity FOLDER`` does.
QUEUECAST_FIDELITY_MINUTES=2 is a rehearsal of fewer minutes of load, without verdict.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.cluster.conftest import booted
from tests.cluster.fidelity_load import scene
from tests.cluster.fidelity_run import SUBMISSIONS, Recorder

pytestmark = pytest.mark.prove
SEED = 16  # asks for more than there is, and drains within a quarter of an hour
RUNS = 6
AT_ONCE = 2  # their jobs sleep
MINUTES = 7.0
LONGEST_S = 15 * 60.0
CAPTURES = 5


def test_the_model_starts_jobs_when_slurm_does(tmp_path: Path) -> None:
    minutes = float(os.environ.get("QUEUECAST_FIDELITY_MINUTES", str(MINUTES)))
    kept = Path(os.environ.get("QUEUECAST_FIDELITY", str(tmp_path)))
    folders = [kept / f"run-{number}" for number in range(1, RUNS + 1)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(partial(record, minutes=minutes), folders))
    # Not before: the model may be changed while Slurm runs.
    from tests.cluster.fidelity_comparison import Comparison
    from tests.cluster.fidelity_replay import Run
    from tests.cluster.fidelity_report import report

    comparison = Comparison.of([Run.read(folder) for folder in folders])
    print(report(comparison))  # noqa: T201
    if minutes < MINUTES:
        pytest.skip("a rehearsal is too short for a verdict")
    assert len(comparison.jobs) >= 300
    assert not comparison.missing
    assert comparison.primary(comparison.measured_s).ratio <= 1.5
    assert comparison.primary(comparison.measured_s, comparison.waited).ratio <= 1.5


def record(folder: Path, *, minutes: float) -> None:
    if (folder / SUBMISSIONS).exists():
        return
    every_s = minutes * 60 / (CAPTURES + 1)
    with booted() as lab:  # of its own: nobody has used anything yet
        Recorder(lab, scene(np.random.default_rng(SEED), minutes), folder).record(
            captures_s=[every_s * (1 + place) for place in range(CAPTURES)], longest_s=LONGEST_S
        )
