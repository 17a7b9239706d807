"""Acting on a cluster as one unix user: submit, cancel, look at one job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from tracker.slurm.batch import BatchOptions
from tracker.slurm.client import refusal
from tracker.slurm.errors import SlurmRefused, SlurmUnavailable
from tracker.slurm.transports import CommandTransport, Output

SUBMIT_TIMEOUT_S = 40  # sbatch itself tries for some 10 s to reach a controller
ASK_TIMEOUT_S = 20
MAX_IDS_CANCELLED = 500  # of one scancel
_JOB_ID = re.compile(r"([0-9]{1,10})(?:;[^\n]*)?", re.ASCII)  # with --parsable: 828, or 828;cluster
_GONE = re.compile(r"invalid job id|already completing or completed", re.IGNORECASE)


# What people typed and what they read is in the cluster's own time; and a job would inherit what
# is named SLURM_….
FORMATS: Mapping[str, str] = {"LC_ALL": "C.UTF-8"}


class Door(Protocol):
    """One cluster as one user. Every deed raises SlurmUnavailable (nobody knows whether it was
    done) or SlurmRefused (it was not)."""

    def submit(
        self,
        script: str,
        options: BatchOptions,
        variables: Mapping[str, str],
        folders: Sequence[str],
    ) -> int:
        """The raw id of the new job; of an array its own id.

        ``variables`` reach the job's environment and appear nowhere else; ``folders`` are made
        first, so that Slurm finds a place for the job's output.
        """

    def cancel(self, job_ids: Sequence[str]) -> None:
        """Ids as people write them: 12, 12_3. One that has ended already is no error."""

    def show_job(self, job_id: int) -> str:
        """What Slurm's controller holds of the job, as text for people."""


class CommandDoor:
    """By sbatch, scancel and scontrol."""

    def __init__(self, transport: CommandTransport) -> None:
        self.transport = transport

    def submit(
        self,
        script: str,
        options: BatchOptions,
        variables: Mapping[str, str],
        folders: Sequence[str],
    ) -> int:
        if folders:
            self._run("mkdir", ["mkdir", "-p", "--", *folders], ASK_TIMEOUT_S)
        output = self.transport.run(
            "sbatch",
            submit_argv(options, variables),
            timeout_s=SUBMIT_TIMEOUT_S,
            stdin=script,
            variables=variables,
            dies_after_s=SUBMIT_TIMEOUT_S,
        )
        return submitted_id(output)

    def cancel(self, job_ids: Sequence[str]) -> None:
        for start in range(0, len(job_ids), MAX_IDS_CANCELLED):
            some = job_ids[start : start + MAX_IDS_CANCELLED]
            try:
                self._run("scancel", ["scancel", "--", *some], SUBMIT_TIMEOUT_S)
            except SlurmRefused as refused:
                if not _GONE.search(str(refused)):
                    raise

    def show_job(self, job_id: int) -> str:
        argv = ["scontrol", "-d", "show", "job", str(job_id)]
        return self._run("show_job", argv, ASK_TIMEOUT_S).stdout

    def _run(self, name: str, argv: Sequence[str], timeout_s: int) -> Output:
        output = self.transport.run(name, argv, timeout_s=timeout_s)
        if output.rc:
            raise refusal(output)
        return output


def submit_argv(options: BatchOptions, variables: Mapping[str, str]) -> list[str]:
    """sbatch with the script on standard input. What the script must not decide stands here, where
    it has the last word; of variables only the names."""
    exported = ",".join(sorted(variables)) or "NONE"
    argv = ["sbatch", "--parsable", f"--export={exported}", f"--comment={options.comment}"]
    return [*argv, *([f"--chdir={options.chdir}"] if options.chdir else [])]


def submitted_id(output: Output) -> int:
    match = _JOB_ID.fullmatch(output.stdout.strip())
    if output.rc == 0 and match:
        return int(match[1])
    if output.rc == 0:
        # Slurm may have taken it: whoever asks must look for the marker.
        raise SlurmUnavailable(f"sbatch printed {output.stdout[:200]!r} and no job id")
    raise refusal(output)
