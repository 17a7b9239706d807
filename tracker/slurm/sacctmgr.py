"""sacctmgr show qos and assoc: limits, priorities and shares from the accounting database."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.slurm.durations import parse_duration_s
from tracker.slurm.records import Association, Qos
from tracker.slurm.rows import Row, read_rows
from tracker.slurm.sshare import parse_shares

QOS_FIELDS = (
    "Name", "Priority", "Flags", "UsageFactor", "GrpTRES", "GrpJobs", "GrpWall", "MaxTRES",
    "MaxTRESPerNode", "MaxTRESPU", "MaxTRESPA", "MinTRES", "MaxWall", "MaxJobsPU", "MaxJobsPA",
    "MaxSubmitPU", "Preempt", "GraceTime", "PreemptMode", "PreemptExemptTime",
)  # fmt: skip
_LEAST_QOS_FIELDS = 17  # up to Preempt
ASSOC_FIELDS = (
    "Cluster", "Account", "User", "Partition", "ParentName", "Share", "Priority", "GrpTRES",
    "GrpJobs", "MaxJobs", "MaxSubmit", "MaxTRES", "MaxWall", "QOS", "DefaultQOS",
)  # fmt: skip


def parse_qos(text: str, *, fields: Sequence[str] = QOS_FIELDS) -> list[Qos]:
    """Rows of ``sacctmgr -n -P show qos format=...`` : names hold no ``|``. Older recordings lack
    the last fields.
    """
    width = text.partition("\n")[0].count("|") + 1
    if width >= _LEAST_QOS_FIELDS:
        fields = fields[:width]
    return [
        _qos(row) for row in read_rows(text, fields, command="sacctmgr show qos", separator="|")
    ]


def _qos(row: Row) -> Qos:
    usage_factor = row.number("UsageFactor")
    return Qos(
        name=_name(row, "Name"),
        priority=row.integer("Priority") or 0,
        flags=frozenset(row.words("Flags")),
        usage_factor=1.0 if usage_factor is None else usage_factor,
        grp_tres=row.tres("GrpTRES"),
        grp_jobs=row.integer("GrpJobs"),
        grp_wall_minutes=row.minutes("GrpWall"),
        max_tres_per_job=row.tres("MaxTRES"),
        max_tres_per_node=row.tres("MaxTRESPerNode"),
        max_tres_per_user=row.tres("MaxTRESPU"),
        max_tres_per_account=row.tres("MaxTRESPA"),
        min_tres_per_job=row.tres("MinTRES"),
        max_wall_minutes=row.minutes("MaxWall"),
        max_jobs_per_user=row.integer("MaxJobsPU"),
        max_jobs_per_account=row.integer("MaxJobsPA"),
        max_submit_per_user=row.integer("MaxSubmitPU"),
        preempt=row.words("Preempt"),
        preempt_mode=tuple(w.upper() for w in row.words("PreemptMode") if w != "cluster"),
        preempt_exempt_s=row.read("PreemptExemptTime", parse_duration_s),
        grace_s=row.read("GraceTime", parse_duration_s) or 0,
    )


def parse_associations(text: str, *, fields: Sequence[str] = ASSOC_FIELDS) -> list[Association]:
    """Rows of ``sacctmgr -n -P show assoc format=...``; an account's own row has no user."""
    rows = read_rows(text, fields, command="sacctmgr show assoc", separator="|")
    return [_association(row) for row in rows]


def _association(row: Row) -> Association:
    return Association(
        cluster=_name(row, "Cluster"),
        account=_name(row, "Account"),
        user=row.text("User"),
        parent_account=row.text("ParentName"),
        partition=row.text("Partition"),
        shares=row.read("Share", parse_shares),
        priority=row.integer("Priority"),
        grp_tres=row.tres("GrpTRES"),
        grp_jobs=row.integer("GrpJobs"),
        max_jobs=row.integer("MaxJobs"),
        max_submit_jobs=row.integer("MaxSubmit"),
        max_tres_per_job=row.tres("MaxTRES"),
        max_wall_minutes=row.minutes("MaxWall"),
        qos=row.words("QOS"),
        default_qos=row.text("DefaultQOS"),
    )


def _name(row: Row, field: str) -> str:
    name = row.raw(field).strip()
    if not name:
        raise row.error(f"{field} is empty")
    return name
