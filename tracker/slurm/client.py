"""Questions to Slurm, answered in records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tracker.slurm.commands import ASKED, accounting_argv, usage_argv
from tracker.slurm.errors import SlurmError, SlurmRefused, SlurmUnavailable
from tracker.slurm.records import (
    AccountedJob,
    Association,
    ClusterConfig,
    Diagnostics,
    Node,
    Partition,
    PriorityFactors,
    Qos,
    QueuedJob,
    Reservation,
    Share,
)
from tracker.slurm.rest import PARSERS
from tracker.slurm.transports import Output, Transport
from tracker.slurm.usage import JobUsage

# What the commands write when nobody answered, as against a no.
_NO_ANSWER = re.compile(
    r"unable to contact|connection (?:refused|timed out|reset)|timed out|zero bytes|"
    r"problem talking to the database|unable to connect|not responding|no route to host|"
    r"could not establish a configuration source|backup controller|socket|"
    r"communication (?:connection|shutdown) failure|message (?:send|receive) failure",
    re.IGNORECASE,
)
_NO_ANSWER_CODES = {124, 137, 255}  # of timeout(1), which ended the command, and of ssh itself
_UNKNOWN_FIELD = re.compile(r"invalid .*(?:format|field)(?!.*StateComplete)", re.IGNORECASE)


def parse(output: Output) -> Any:
    """The records of an output, now or from storage, by its name.

    Raises SlurmUnavailable or SlurmRefused for a failed command, ParseError for unreadable text.
    """
    _check(output)
    if output.argv[:1] == ("GET",):
        return PARSERS[output.name](output)
    return ASKED[output.name].parse(output.stdout)


def _check(output: Output) -> None:
    # squeue ends with 0 when it knows no such user (and prints nothing: not an empty queue) or no
    # such field (and leaves the column empty). Of sinfo's, one may be missing.
    empty_with_error = not output.stdout.strip() and "error" in output.stderr
    if output.rc == 0 and not empty_with_error and not _UNKNOWN_FIELD.search(output.stderr):
        return
    raise refusal(output)


def refusal(output: Output) -> SlurmError:
    """What a failed command means: nobody answered, or a no. The text is Slurm's own."""
    said = " ".join(output.stderr.split())[:300] or "nothing on standard error"
    problem = f"{' '.join(output.argv[:3])} ended with exit code {output.rc}: {said}"
    is_silence = output.rc in _NO_ANSWER_CODES or _NO_ANSWER.search(output.stderr)
    return (SlurmUnavailable if is_silence else SlurmRefused)(problem)


class Slurm:
    """One cluster, behind a transport. Every query raises SlurmError's three kinds."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def fetch(
        self, name: str, *, since: datetime | None = None, job_ids: Sequence[int] = ()
    ) -> Output:
        """The raw output, to be stored before it is parsed; ``since`` is for sacct, ``job_ids``
        for sacct and usage."""
        command = ASKED[name]
        match name:
            case "sacct":
                argv = accounting_argv(since, job_ids)
            case "usage":
                argv = usage_argv(job_ids)
            case _:
                argv = command.argv
        return self.transport.run(name, argv, timeout_s=command.timeout_s)

    def _ask(self, name: str) -> Any:
        return parse(self.fetch(name))

    def queue(self) -> list[QueuedJob]:
        jobs: list[QueuedJob] = self._ask("squeue")
        return jobs

    def accounting(self, since: datetime | None, job_ids: Sequence[int] = ()) -> list[AccountedJob]:
        """All attempts seen at or after ``since``; or, with ids (at most 200), all of theirs."""
        attempts: list[AccountedJob] = parse(self.fetch("sacct", since=since, job_ids=job_ids))
        return attempts

    def usage(self, job_ids: Sequence[int]) -> list[JobUsage]:
        """What all attempts of these jobs (at most 200) used."""
        usages: list[JobUsage] = parse(self.fetch("usage", job_ids=job_ids))
        return usages

    def sinfo(self) -> list[Node]:
        """Node states, cheaper than ``nodes``; what is kept for the system counts as usable."""
        nodes: list[Node] = self._ask("sinfo")
        return nodes

    def config(self) -> ClusterConfig:
        config: ClusterConfig = self._ask("config")
        return config

    def nodes(self) -> list[Node]:
        nodes: list[Node] = self._ask("nodes")
        return nodes

    def partitions(self) -> list[Partition]:
        partitions: list[Partition] = self._ask("partitions")
        return partitions

    def reservations(self) -> list[Reservation]:
        reservations: list[Reservation] = self._ask("reservations")
        return reservations

    def priorities(self) -> list[PriorityFactors]:
        factors: list[PriorityFactors] = self._ask("sprio")
        return factors

    def shares(self) -> list[Share]:
        shares: list[Share] = self._ask("sshare")
        return shares

    def qos(self) -> list[Qos]:
        qos: list[Qos] = self._ask("qos")
        return qos

    def associations(self) -> list[Association]:
        associations: list[Association] = self._ask("assoc")
        return associations

    def diagnostics(self) -> Diagnostics:
        diagnostics: Diagnostics = self._ask("sdiag")
        return diagnostics
