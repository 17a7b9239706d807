"""Records of slurmrestd's answers, by the name of the command that they stand in for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tracker.slurm.rest import accounting, jobs, limits, tables, usage
from tracker.slurm.transports import Output

# Each raises only ParseError.
PARSERS: Mapping[str, Callable[[Output], Any]] = {
    "squeue": lambda output: jobs.parse_jobs(output.stdout),
    "sacct": lambda output: accounting.parse_accounting(output.stdout),
    "usage": lambda output: usage.parse_usage(output.stdout),
    "sinfo": lambda output: tables.parse_nodes(output.stdout),
    "nodes": lambda output: tables.parse_nodes(output.stdout),
    "partitions": lambda output: tables.parse_partitions(output.stdout),
    "reservations": lambda output: tables.parse_reservations(output.stdout, output.started_at),
    "qos": lambda output: limits.parse_qos(output.stdout),
    "assoc": lambda output: limits.parse_associations(output.stdout),
    "sdiag": lambda output: tables.parse_diagnostics(output.stdout),
}
