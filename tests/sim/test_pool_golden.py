"""A real log against published reference schedules, start for start.

The schedules lie in a folder ``golden`` beside that of the traces (QUEUECAST_TRACES).
"""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from planner.sim.pool import Policy, Workload, starts_s


@pytest.mark.parametrize(
    ("policy", "schedule"),
    [("fcfs", "KTH-SP2.fcfs.pyss.csv.gz"), ("easy", "KTH-SP2.easy.ownref-batch.csv.gz")],
)
def test_no_wait_differs_from_the_reference(policy: Policy, schedule: str) -> None:
    traces = os.environ.get("QUEUECAST_TRACES")
    if not traces:
        pytest.skip("QUEUECAST_TRACES names no folder of traces")
    path = Path(traces).resolve().parent / "golden" / schedule
    if not path.exists():
        pytest.skip(f"no reference schedule {schedule} beside the traces")
    with gzip.open(path, "rt", newline="") as lines:
        rows = list(csv.DictReader(lines))
    submit_s, start_s, procs, est_s, run_s = (
        np.array([float(row[name]) for row in rows])
        for name in ("submit", "start", "procs", "est", "run")
    )
    found_s = starts_s(Workload(submit_s, procs.astype(np.int64), est_s, run_s), 100, policy)
    assert int((found_s != start_s).sum()) == 0
