"""A demo cluster for tests: a few hours old, with a clock that the test moves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from planner.demo import site
from planner.demo.calls import Answer, Call
from planner.demo.commands import answer
from planner.demo.controller import Controller
from planner.demo.history import Witness
from planner.demo.jobs import Attempt
from planner.demo.journal import Journal
from planner.demo.processes import Processes

NOW_AT = 1_795_437_014  # a Monday at noon
REAL_PATIENCE_S = 20  # for a script that really runs


class DemoCluster:
    """The controller behind its commands. ``folder`` is also where the user works."""

    def __init__(
        self,
        folder: Path,
        *,
        now_at: int = NOW_AT,
        history_days: int = 0,
        seed: int = 1,
        witness: Witness | None = None,
    ) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.spool.mkdir(exist_ok=True)
        self.controller = Controller(
            Journal(folder / "journal.sqlite3"),
            Processes(self.spool, str(folder / "bin"), site.KILL_WAIT_S),
            own_name="ada",
            own_uid=1000,
            now_at=now_at,
            history_days=history_days,
            seed=seed,
            witness=witness,
        )

    def ask(
        self, command: str, *arguments: str, stdin: str | None = None, **environment: str
    ) -> Answer:
        call = Call(command, arguments, str(self.folder), environment, stdin)
        return answer(self.controller, call)

    def submit(
        self, script: str, *options: str, environment: Mapping[str, str] | None = None
    ) -> int:
        """The id of a job that runs these lines of sh."""
        passed = {"PATH": "/usr/bin:/bin", **(environment or {})}
        said = self.ask("sbatch", "--parsable", *options, stdin=f"#!/bin/sh\n{script}\n", **passed)
        assert said.rc == 0, said.stderr
        return int(said.stdout)

    def attempts(self, job_id: int) -> list[Attempt]:
        return self.controller.roster.attempts_of([job_id])

    def job(self, job_id: int) -> Attempt:
        """Its newest attempt."""
        return self.attempts(job_id)[-1]

    def pass_time(self, seconds: int) -> None:
        self.controller.advance(self.controller.now_at + seconds)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Let the cluster's seconds pass, with real time for scripts to do something."""
        deadline = time.monotonic() + REAL_PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            self.pass_time(1)
            time.sleep(0.02)

    def wait_until_over(self, job_id: int) -> Attempt:
        self.wait_for(lambda: not any(attempt.is_active for attempt in self.attempts(job_id)))
        return self.job(job_id)

    def wait_until_running(self, job_id: int) -> Attempt:
        self.wait_for(lambda: self.job(job_id).state == "RUNNING")
        return self.job(job_id)
