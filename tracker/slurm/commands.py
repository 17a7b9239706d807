"""Every command that Queuecast asks Slurm: name, argv, and how its output is read.

The names are keys elsewhere too: of stored polls and of the files in a capture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tracker.slurm import (
    config,
    sacct,
    sacctmgr,
    scontrol,
    sdiag,
    sinfo,
    sprio,
    squeue,
    sshare,
    usage,
)
from tracker.slurm.rows import SEPARATOR

MAX_IDS_ASKED = 200  # of one sacct -j

# How the text comes: epochs, UTC, UTF-8, and array task lists in full instead of 64 characters.
FORMAT_ENV: Mapping[str, str] = {
    "SLURM_TIME_FORMAT": "%s",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "SLURM_BITSTR_LEN": "0",
}


@dataclass(frozen=True, slots=True)
class Command:
    """``parse`` turns standard output into records and raises only ParseError."""

    name: str
    argv: tuple[str, ...]
    parse: Callable[[str], Any]
    timeout_s: float = 60


_SACCT_FORMAT = (f"--delimiter={SEPARATOR}", f"--format={','.join(sacct.FIELDS)}")
_TABLE = (
    # All partitions, hidden too; all states: what ended within MinJobAge is welcome. No -r: an
    # array's waiting tasks stay one row.
    Command(
        "squeue", ("squeue", "-a", "-h", "-t", "all", "-O", squeue.FORMAT), squeue.parse_squeue
    ),
    # -D: every attempt of a requeued job. -X: no steps. accounting_argv adds window or ids.
    Command(
        "sacct",
        ("sacct", "-a", "-D", "-X", "-n", "-P", *_SACCT_FORMAT),
        sacct.parse_sacct,
        timeout_s=300,
    ),
    Command("sinfo", ("sinfo", "-a", "-h", "-N", "-O", sinfo.FORMAT), sinfo.parse_sinfo),
    Command("config", ("scontrol", "show", "config"), config.parse_config),
    # -d adds GresUsed: the types of GPUs in use.
    Command("nodes", ("scontrol", "-a", "-d", "show", "node"), scontrol.parse_nodes),
    Command("partitions", ("scontrol", "-a", "show", "partition"), scontrol.parse_partitions),
    Command("reservations", ("scontrol", "show", "reservation"), scontrol.parse_reservations),
    Command("sprio", ("sprio", "-h", "-o", sprio.FORMAT), sprio.parse_sprio),
    Command(
        "sshare",
        ("sshare", "-n", "-P", "-a", "-m", "-o", ",".join(sshare.FIELDS)),
        sshare.parse_sshare,
    ),
    Command(
        "qos",
        ("sacctmgr", "-n", "-P", "show", "qos", f"format={','.join(sacctmgr.QOS_FIELDS)}"),
        sacctmgr.parse_qos,
    ),
    Command(
        "assoc",
        ("sacctmgr", "-n", "-P", "show", "assoc", f"format={','.join(sacctmgr.ASSOC_FIELDS)}"),
        sacctmgr.parse_associations,
    ),
    Command("sdiag", ("sdiag",), sdiag.parse_sdiag),
)
COMMANDS: Mapping[str, Command] = {command.name: command for command in _TABLE}
# With steps, each of which slurmdbd looks up by its job: only ever for a few ids that have ended.
USAGE = Command(
    "usage",
    ("sacct", "-a", "-D", "-n", "-P", f"--delimiter={SEPARATOR}",
     f"--format={','.join(usage.FIELDS)}"),
    usage.parse_usage,
    timeout_s=60,
)  # fmt: skip
# All that are ever asked; of these a capture holds COMMANDS.
ASKED: Mapping[str, Command] = {**COMMANDS, USAGE.name: USAGE}


def accounting_argv(since: datetime | None, job_ids: Sequence[int] = ()) -> tuple[str, ...]:
    """argv of sacct for the jobs seen at or after ``since``, or for these ids (all their history).

    Without ids sacct leaves out jobs that were never eligible; with ids it shows them too.
    """
    argv = COMMANDS["sacct"].argv
    if job_ids:
        argv += _of_ids(job_ids)
    elif since is None:
        raise ValueError("sacct needs a time or job ids: by itself it starts at midnight")
    if since is not None:
        argv += ("-S", since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "-E", "now")
    return argv


def usage_argv(job_ids: Sequence[int]) -> tuple[str, ...]:
    """argv of sacct for what all attempts of these jobs used, step by step."""
    if not job_ids:
        raise ValueError("usage is asked for by job ids; give at least one")
    return USAGE.argv + _of_ids(job_ids)


def _of_ids(job_ids: Sequence[int]) -> tuple[str, str]:
    if len(job_ids) > MAX_IDS_ASKED:
        raise ValueError(f"{len(job_ids)} job ids asked at once; ask at most {MAX_IDS_ASKED}")
    return "-j", ",".join(str(job_id) for job_id in job_ids)
