"""A cluster behind slurmrestd, as one of its users."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import quote, urlencode

from tracker.slurm.batch import BatchOptions
from tracker.slurm.errors import SlurmRefused, SlurmUnavailable
from tracker.slurm.processes import MAX_OUTPUT_BYTES
from tracker.slurm.rest.exchange import Answer
from tracker.slurm.rest.parsers import PARSERS
from tracker.slurm.rest.refusals import GONE, complaints
from tracker.slurm.rest.server import RestServer
from tracker.slurm.rest.shown import show_jobs
from tracker.slurm.rest.submit import job_properties
from tracker.slurm.transports import Output

SUBMIT_TIMEOUT_S = 40  # slurmrestd itself tries for 9 s to reach a controller
ASK_TIMEOUT_S = 20
_JOB_ID = re.compile(r"[0-9]{1,10}(?:_[0-9]{1,10})?", re.ASCII)
_PATHS = {
    "squeue": "/slurm/{}/jobs",
    "sacct": "/slurmdb/{}/jobs",
    "usage": "/slurmdb/{}/jobs",
    "sinfo": "/slurm/{}/nodes",
    "nodes": "/slurm/{}/nodes",
    "partitions": "/slurm/{}/partitions",
    "reservations": "/slurm/{}/reservations",
    "qos": "/slurmdb/{}/qos",
    "assoc": "/slurmdb/{}/associations",
    "sdiag": "/slurm/{}/diag",
}


class RestTransport:
    """Answers the poller's commands by GET, and submits, cancels and shows as its user.

    Every deed raises SlurmUnavailable (nobody knows whether it was done) or SlurmRefused.
    """

    def __init__(
        self,
        url: str,
        user: str,
        token: Callable[[], str],
        *,
        max_output_bytes: int = MAX_OUTPUT_BYTES,
    ) -> None:
        """``token`` is called for each question; "" sends none, for a socket that needs none.
        ValueError for a ``url`` that is no address of slurmrestd."""
        self.server = RestServer(url, user, token, max_output_bytes)

    @staticmethod
    def offers(command_name: str) -> bool:
        """Whether slurmrestd can tell what this command tells: not sprio, sshare nor the
        configuration."""
        return command_name in PARSERS

    def run(self, command_name: str, argv: Sequence[str], *, timeout_s: float) -> Output:
        """The answer as received, ``argv`` being GET and the path. Of the argv asked for, sacct's
        ``-S`` and ``-j`` count."""
        if not self.offers(command_name):
            raise SlurmRefused(f"slurmrestd cannot tell what {command_name} tells; ask by command")
        started_at, clock = datetime.now(UTC), time.monotonic()
        query = accounting_query(argv) if command_name in ("sacct", "usage") else ""
        path = self.server.path(_PATHS[command_name], clock + timeout_s) + query
        answer = self.server.get(path, clock + timeout_s)
        seconds = round(time.monotonic() - clock, 3)
        return Output(command_name, ("GET", path), answer.text, "", 0, started_at, seconds)

    def submit(
        self,
        script: str,
        options: BatchOptions,
        variables: Mapping[str, str],
        folders: Sequence[str] = (),  # noqa: ARG002 (part of the protocol)
        *,
        timeout_s: float = SUBMIT_TIMEOUT_S,
    ) -> int:
        """The raw id of the new job. ``folders`` are not made: slurmrestd makes none, and a job
        whose output has no folder fails at its start."""
        deadline = time.monotonic() + timeout_s
        path = self.server.path("/slurm/{}/job/submit", deadline)
        try:
            job = job_properties(options, variables, version=self.server.version(deadline))
            body = json.dumps({"script": script, "job": job}, ensure_ascii=False).encode()
        except ValueError as error:
            raise SlurmRefused(str(error)) from error
        answer = self.server.exchange("POST", path, deadline, body)
        if (job_id := _job_id_of(answer)) is not None:
            return job_id
        self.server.check("POST", path, answer, complaints(answer), deadline)
        # Slurm may have taken it: whoever asks must look for the marker.
        raise SlurmUnavailable(f"POST {path}: {answer.text[:200]!r} has no job id")

    def cancel(self, job_ids: Sequence[str], *, timeout_s: float = SUBMIT_TIMEOUT_S) -> None:
        """Ids as people write them: 12, 12_3. One that has ended already is no error; one that is
        refused does not keep the others."""
        deadline = time.monotonic() + timeout_s
        refused: SlurmRefused | None = None
        for job_id in job_ids:
            if not _JOB_ID.fullmatch(job_id):
                raise ValueError(f"{job_id[:80]!r} is no job id such as 12 or 12_3")
            try:
                self._cancel_one(job_id, deadline)
            except SlurmRefused as no:
                refused = refused or no
        if refused:
            raise refused

    def show_job(self, job_id: int, *, timeout_s: float = ASK_TIMEOUT_S) -> str:
        """What Slurm's controller holds of the job, as text for people."""
        deadline = time.monotonic() + timeout_s
        path = self.server.path(f"/slurm/{{}}/job/{int(job_id)}", deadline)
        return show_jobs(self.server.get(path, deadline).text)

    def _cancel_one(self, job_id: str, deadline: float) -> None:
        path = self.server.path(f"/slurm/{{}}/job/{job_id}", deadline)
        answer = self.server.exchange("DELETE", path, deadline)
        found = complaints(answer)
        if not found or any(complaint.number not in GONE for complaint in found):
            self.server.check("DELETE", path, answer, found, deadline)


def accounting_query(argv: Sequence[str]) -> str:
    """The window and ids of commands.accounting_argv and usage_argv as a query. slurmrestd reads
    other times than ``uts`` and the epoch in its own zone."""
    given = dict(pairwise(argv))
    query = {"skip_steps": "true" if "-X" in argv else "false"}
    if "-S" in given:
        since = datetime.fromisoformat(given["-S"]).replace(tzinfo=UTC)
        query["start_time"] = f"uts{int(since.timestamp())}"
    if "-j" in given:
        query["step"] = given["-j"]
    return f"?{urlencode(query, quote_via=quote)}"


def _job_id_of(answer: Answer) -> int | None:
    """Of a submission that was taken, whatever else is said beside it."""
    try:
        document: Any = json.loads(answer.text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    result = document.get("result")
    told = [document.get("job_id"), result.get("job_id") if isinstance(result, dict) else None]
    return next((job_id for job_id in told if type(job_id) is int and job_id > 0), None)
