"""One run of a scene on a real Slurm, kept in a folder for as many comparisons as one likes.

``requests`` is a capture of all submissions held, before the run: what each asks for, in Slurm's
words. ``base`` is one of the empty cluster just before the first submission, ``loaded`` are some
made during the run, and ``truth`` is one of its end.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cluster.campaign import Load
from tests.cluster.fidelity_load import DRAINED_NODE, Scene
from tests.cluster.lab import Lab
from tests.cluster.load import Submission
from tracker.slurm.capture import write_capture
from tracker.slurm.transports import LocalTransport

REQUESTS, BASE, LOADED, TRUTH = "requests", "base", "loaded", "truth"
SUBMISSIONS = "submissions.json"
PREPARATION_S = 75.0  # from an idle cluster to the first submission, at the least
HISTORY_DAYS = 0.1


@dataclass(frozen=True, slots=True)
class Submitted:
    """One sbatch of a run; ``asked_id`` is that of its double in ``requests``."""

    made: Submission
    job_id: int
    asked_id: int


@dataclass(frozen=True)
class Recorder:
    """Runs the scene on an idle lab and keeps what it sees in the folder."""

    lab: Lab
    scene: Scene
    folder: Path

    def record(self, *, captures_s: Sequence[float], longest_s: float) -> None:
        """Until nothing waits any more, for ``longest_s`` from its begin at the most.

        It begins on a whole minute: Slurm's plan has its slots on round times, in every run the
        same.
        """
        soonest_at = datetime.now(UTC) + timedelta(seconds=PREPARATION_S)
        begin_at = soonest_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        self._set(begin_at)
        asked_ids = self._ask()
        self._capture(BASE)
        ahead_s = (begin_at - datetime.now(UTC)).total_seconds()
        if ahead_s < 0:
            raise RuntimeError(f"preparing took {-ahead_s:.0f} s too long; raise PREPARATION_S")
        began = time.monotonic() + ahead_s
        job_ids = self._load(began, captures_s)
        while self._is_waiting() and time.monotonic() < began + longest_s:
            time.sleep(5)
        time.sleep(5)  # accounting is told a little later
        self._capture(TRUTH)
        self._write(begin_at, job_ids, asked_ids)

    def _set(self, begin_at: datetime) -> None:
        """Drain the node, make the reservation."""
        run, reserved = self.lab.run, self.scene.reserved
        run("scontrol", "update", f"nodename={DRAINED_NODE}", "state=drain", "reason=as is tested")
        users = ",".join(sorted({made.user for made in self.scene.submissions}))
        # scontrol reads local time.
        from_at = (begin_at + timedelta(seconds=reserved.from_s)).astimezone()
        words = [f"reservationname={reserved.name}", f"nodes={reserved.nodes}", f"users={users}"]
        words += [f"starttime={from_at:%Y-%m-%dT%H:%M:%S}", f"duration={reserved.minutes}"]
        run("scontrol", "create", "reservation", *words)

    def _ask(self) -> list[int]:
        """Submit everything held, look at it, and take it away again."""
        made = self.scene.submissions
        load = Load(self.lab, [replace(m, at_s=0.0, words=(*m.words, "--hold")) for m in made])
        load.run(time.monotonic(), threading.Event())
        ids = [load.job_ids[place] for place in range(len(made))]
        self._capture(REQUESTS)
        self.lab.run("scancel", *map(str, ids))
        self.lab.wait(lambda: not self._is_waiting(), "an empty queue")
        return ids

    def _load(self, began: float, captures_s: Sequence[float]) -> list[int]:
        """Ids in the order of the scene, once all is submitted and captured."""

        def look() -> None:
            for number, at_s in enumerate(captures_s):
                time.sleep(max(0.0, began + at_s - time.monotonic()))
                self._capture(f"{LOADED}/{number:03}")

        looking = threading.Thread(target=look)
        looking.start()
        load = Load(self.lab, self.scene.submissions)
        load.run(began, threading.Event())
        looking.join()
        return [load.job_ids[place] for place in range(len(self.scene.submissions))]

    def _is_waiting(self) -> bool:
        return bool(self.lab.run("squeue", "-ht", "PD", "-o", "%i").strip())

    def _capture(self, name: str) -> None:
        transport = LocalTransport(slurm_conf=str(self.lab.home / "etc/slurm.conf"))
        write_capture(transport, self.folder / name, HISTORY_DAYS, datetime.now(UTC))

    def _write(self, begin_at: datetime, job_ids: list[int], asked_ids: list[int]) -> None:
        rows = [
            {"at_s": made.at_s, "user": made.user, "words": made.words, "runs_s": made.runs_s}
            | {"fails": made.fails, "after": made.after, "job_id": job_id, "asked_id": asked_id}
            for made, job_id, asked_id in zip(
                self.scene.submissions, job_ids, asked_ids, strict=True
            )
        ]
        document = {"begin_at": begin_at.isoformat(), "submissions": rows}
        (self.folder / SUBMISSIONS).write_text(json.dumps(document, indent=1) + "\n")


def read_submissions(folder: Path) -> tuple[datetime, list[Submitted]]:
    """The begin of a run, and its submissions."""
    document = json.loads((folder / SUBMISSIONS).read_text())
    found = [
        Submitted(
            Submission(
                row["at_s"],
                row["user"],
                tuple(row["words"]),
                tuple(row["runs_s"]),
                fails=row["fails"],
                after=row["after"],
            ),
            row["job_id"],
            row["asked_id"],
        )
        for row in document["submissions"]
    ]
    return datetime.fromisoformat(document["begin_at"]), found
