"""Whether advice makes jobs start sooner on a real Slurm.

The same load is submitted to two clusters at once; among it, spaced probes: in one as their users
would send them, in the other as the adviser says at that moment from what it sees of the cluster.
Runs are kept where QUEUECAST_ADVICE names a folder; those that stand there are scored only.
QUEUECAST_ADVICE_PAIRS is how many there are to be, QUEUECAST_ADVICE_MINUTES=5 a rehearsal of one;
QUEUECAST_ADVICE_AT_ONCE pairs run beside each other.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from tests.cluster.advice_report import (
    ADVISED,
    DEFAULT,
    Twins,
    harm_rate,
    interval,
    median_gain_s,
    report,
)
from tests.cluster.advised import LEAD_S, Run, probes
from tests.cluster.campaign import TRUTH
from tests.cluster.conftest import booted
from tests.cluster.load import STEADY, workload

pytestmark = pytest.mark.prove
SEED = 60
PAIRS = 5
MINUTES = 16.0  # of load: until then the last probe has had time to start
FIRST_SHARE = 0.2  # of the load goes before the first probe
EVERY_S = 55.0  # more than a capture and the advice on it take
PER_MINUTE = 7.0  # more than the cluster gets done: nobody needs advice where nobody waits
PATIENCE = 0.6  # of the load's time, from the last probe on
AT_ONCE = 3
BOOTING = threading.Lock()  # six clusters that boot at once would each take too long


def test_probes_that_take_advice_start_sooner_and_few_later(tmp_path: Path) -> None:
    minutes = float(os.environ.get("QUEUECAST_ADVICE_MINUTES", str(MINUTES)))
    is_rehearsal = minutes < MINUTES
    pairs = int(os.environ.get("QUEUECAST_ADVICE_PAIRS", "1" if is_rehearsal else str(PAIRS)))
    home = Path(os.environ.get("QUEUECAST_ADVICE", str(tmp_path)))
    at_once = int(os.environ.get("QUEUECAST_ADVICE_AT_ONCE", str(AT_ONCE)))
    missing = [pair for pair in range(pairs) if not (home / f"{pair}" / ADVISED / TRUTH).exists()]
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(lambda pair: _record(home / f"{pair}", SEED + pair, minutes), missing))
    twins = [Twins.read(home / f"{pair}") for pair in range(pairs)]
    print(f"runs: {home}\n\n{report(twins)}")  # noqa: T201
    if is_rehearsal:
        pytest.skip("a rehearsal is too short for a verdict")
    assert len(twins) >= PAIRS
    assert all(len(one.probes) >= 10 for one in twins)
    assert interval(twins, median_gain_s).value >= 0
    assert harm_rate(twins) <= 0.1


def _record(folder: Path, seed: int, minutes: float) -> None:
    """Both runs at once: what else the machine does at that time it does to both."""
    rng = np.random.default_rng(seed)
    load = workload(rng, minutes, PER_MINUTE, STEADY)
    first_s = max(LEAD_S, FIRST_SHARE * minutes * 60)
    count = max(3, min(10, int((0.75 * minutes * 60 - first_s) / EVERY_S) + 1))
    asked = probes(rng, count, first_s, EVERY_S)
    patience_s = PATIENCE * minutes * 60
    together = threading.Barrier(2)
    with ExitStack() as stack:
        with BOOTING:
            one, other = (stack.enter_context(booted()) for _ in range(2))
        threads = stack.enter_context(ThreadPoolExecutor(2))
        runs = (
            threads.submit(
                Run(lab, load, asked, folder / form).record,
                advised=form == ADVISED,
                together=together,
                patience_s=patience_s,
            )
            for lab, form in ((one, DEFAULT), (other, ADVISED))
        )
        for run in list(runs):
            run.result()
