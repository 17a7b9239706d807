"""sprio: what each pending job's priority is made of."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.slurm.jobids import parse_job_id
from tracker.slurm.records import PriorityFactors
from tracker.slurm.rows import SEPARATOR, Row, read_rows
from tracker.slurm.tres import ABSENT, parse_points

# Format letters in the order asked for. `-l` would cut the TRES column; here it is last and whole.
LETTERS = {
    "job": "%i", "partition": "%r", "user": "%u", "priority": "%Y",
    "age": "%A", "age_norm": "%a", "assoc": "%B", "fair_share": "%F", "fair_share_norm": "%f",
    "job_size": "%J", "partition_factor": "%P", "qos": "%Q", "site": "%S", "nice": "%N",
    "tres": "%T",
}  # fmt: skip
FIELDS = tuple(LETTERS)
FORMAT = SEPARATOR.join(LETTERS.values())


def parse_sprio(
    text: str, *, fields: Sequence[str] = FIELDS, separator: str = SEPARATOR
) -> list[PriorityFactors]:
    """One record a pending (job, partition) pair."""
    return [_factors(row) for row in read_rows(text, fields, command="sprio", separator=separator)]


def _factors(row: Row) -> PriorityFactors:
    priority = row.integer("priority")
    if priority is None:
        raise row.error("priority is empty")
    return PriorityFactors(
        job_id=row.read("job", parse_job_id).base,
        partition=row.raw("partition").strip(),
        user=row.raw("user").strip(),
        priority=priority,
        age=row.number("age"),
        assoc=row.number("assoc"),
        fair_share=row.number("fair_share"),
        job_size=row.number("job_size"),
        partition_factor=row.number("partition_factor"),
        qos=row.number("qos"),
        site=row.number("site"),
        nice=row.read("nice", _parse_nice),
        tres=row.read("tres", parse_points),
        age_norm=row.number("age_norm"),
        fair_share_norm=row.number("fair_share_norm"),
    )


def _parse_nice(text: str) -> int | None:
    return None if text.strip() in ABSENT else int(text)
