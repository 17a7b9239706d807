"""One campaign on the test cluster: load it, capture it again and again, wait for what happens.

The captures and one last reading of accounting, the truth, stay in a folder, so that other models
can be scored on the same rows later (tests.cluster.scoring).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.cluster.lab import Lab
from tests.cluster.load import Submission
from tracker.slurm.capture import write_capture
from tracker.slurm.client import Slurm
from tracker.slurm.reasons import ReasonClass, classify
from tracker.slurm.transports import LocalTransport

SNAPSHOTS, TRUTH = "snapshots", "truth"
HISTORY_DAYS = 0.25  # of accounting in each capture: all of the campaign before it
_WAITS_FOR_TIME = {ReasonClass.TIME, ReasonClass.DATE, ReasonClass.OWN_JOBS}


class Load:
    """Makes the submissions of a workload at their times, as the users who make them."""

    def __init__(self, lab: Lab, workload: Sequence[Submission]) -> None:
        self._lab = lab
        self.job_ids: dict[int, int] = {}
        # (at_s, place in the workload, what is done then): submissions, and what users do later
        steps = [(made.at_s, place, "submit") for place, made in enumerate(workload)]
        for place, made in enumerate(workload):
            if made.patience_s is not None:
                steps.append((made.at_s + made.patience_s, place, "cancel"))
            if made.release_s is not None:
                steps.append((made.at_s + made.release_s, place, "release"))
        self._steps = sorted(steps)
        self._workload = workload

    def run(self, began: float, stop: threading.Event) -> None:
        """``began`` by time.monotonic; what is not yet due at ``stop`` is left undone."""
        for at_s, place, what in self._steps:
            if stop.wait(max(0.0, began + at_s - time.monotonic())):
                return
            self._do(what, place)

    def _do(self, what: str, place: int) -> None:
        made = self._workload[place]
        if what == "submit":
            self.job_ids[place] = self._submit(made)
        elif what == "cancel":
            # Refused where the job has ended and is forgotten: then there is nothing to cancel.
            words = ("scancel", "--state=PENDING", str(self.job_ids[place]))
            self._lab.answers("runuser", "-u", made.user, "--", *words)
        else:
            self._lab.run("scontrol", "release", str(self.job_ids[place]), user=made.user)

    def _submit(self, made: Submission) -> int:
        words = made.words
        if made.after is not None:
            words = (*words, f"--dependency=afterany:{self.job_ids[made.after]}")
        quiet = ("sbatch", "--parsable", "-o/dev/null")
        answer = self._lab.run(*quiet, *words, "--wrap", made.body, user=made.user)
        return int(answer.split(";")[0])


def record(
    lab: Lab,
    workload: Sequence[Submission],
    folder: Path,
    *,
    load_s: float,
    first_s: float,
    every_s: float = 30.0,
    drain_s: float,
) -> None:
    """Loads for ``load_s``, captures every ``every_s`` from ``first_s`` on, then waits at most
    ``drain_s`` for the starts of what waits for time alone, and reads the truth."""
    transport = LocalTransport(slurm_conf=str(lab.home / "etc/slurm.conf"))
    stop = threading.Event()
    failures: list[BaseException] = []
    began = time.monotonic()

    def submit() -> None:
        try:
            Load(lab, workload).run(began, stop)
        except BaseException as error:  # raised again where the test sees it
            failures.append(error)

    submitter = threading.Thread(target=submit)
    submitter.start()
    try:
        number = 0
        while (at_s := first_s + number * every_s) <= load_s and not failures:
            time.sleep(max(0.0, began + at_s - time.monotonic()))
            capture(transport, folder / SNAPSHOTS / f"{number:03}")
            number += 1
        deadline = began + load_s + drain_s
        while time.monotonic() < deadline and not failures and _anything_waits(transport):
            time.sleep(5)
    finally:
        stop.set()
        submitter.join()
    if failures:
        raise failures[0]
    capture(transport, folder / TRUTH)


def capture(transport: LocalTransport, folder: Path) -> None:
    write_capture(transport, folder, HISTORY_DAYS, datetime.now(UTC))


def _anything_waits(transport: LocalTransport) -> bool:
    """Whether a job waits that time alone will start."""
    waiting = (row for row in Slurm(transport).queue() if row.state == "PENDING")
    return any(classify(row.reason or "None") in _WAITS_FOR_TIME for row in waiting)
