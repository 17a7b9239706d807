"""QOS and associations as slurmrestd tells them: ``/slurmdb/VERSION/qos`` and ``associations``."""

from __future__ import annotations

from tracker.slurm.records import Association, Qos
from tracker.slurm.rest.document import Piece, read_pieces

_PARENTS_SHARE = 2**31 - 1  # fairshare=parent
# As sacctmgr prints them.
_QOS_FLAGS = {
    "PARTITION_MINIMUM_NODE": "PartitionMinNodes",
    "PARTITION_MAXIMUM_NODE": "PartitionMaxNodes",
    "PARTITION_TIME_LIMIT": "PartitionTimeLimit",
    "ENFORCE_USAGE_THRESHOLD": "EnforceUsageThreshold",
    "NO_RESERVE": "NoReserve",
    "REQUIRED_RESERVATION": "RequiresReservation",
    "DENY_LIMIT": "DenyOnLimit",
    "OVERRIDE_PARTITION_QOS": "OverPartQOS",
    "NO_DECAY": "NoDecay",
    "USAGE_FACTOR_SAFE": "UsageFactorSafe",
    "RELATIVE": "Relative",
}


def parse_qos(text: str) -> list[Qos]:
    return [_qos(piece) for piece in read_pieces(text, "qos", "qos", "QOS")]


def _qos(qos: Piece) -> Qos:
    name = qos.raw("name").strip()
    if not name:
        raise qos.error("name is missing")
    usage_factor = qos.limit("usage_factor")
    # v0.0.36 has the limit of running jobs where later versions have that of submitted ones.
    is_old = qos.version < 37
    running = "limits/max/jobs/per" if is_old else "limits/max/jobs/active_jobs/per"
    return Qos(
        name=name,
        priority=qos.integer("priority") or 0,
        flags=frozenset(_QOS_FLAGS.get(word, word) for word in qos.words("flags")),
        usage_factor=1.0 if usage_factor is None else float(usage_factor),
        grp_tres=qos.tres("limits/max/tres/total"),
        grp_jobs=qos.integer("limits/max/active_jobs/count"),
        grp_wall_minutes=qos.limit("limits/max/wall_clock/per/qos"),
        max_tres_per_job=qos.tres("limits/max/tres/per/job"),
        max_tres_per_node=qos.tres("limits/max/tres/per/node"),
        max_tres_per_user=qos.tres("limits/max/tres/per/user"),
        max_tres_per_account=qos.tres("limits/max/tres/per/account"),
        min_tres_per_job=qos.tres("limits/min/tres/per/job"),
        max_wall_minutes=qos.limit("limits/max/wall_clock/per/job"),
        max_jobs_per_user=qos.integer(f"{running}/user"),
        max_jobs_per_account=qos.integer(f"{running}/account"),
        max_submit_per_user=None if is_old else qos.integer("limits/max/jobs/per/user"),
        preempt=qos.words("preempt/list"),
        preempt_mode=tuple(
            word.upper() for word in qos.words("preempt/mode") if word.lower() != "disabled"
        ),
        preempt_exempt_s=qos.integer("preempt/exempt_time"),
        grace_s=qos.integer("limits/grace_time") or 0,
    )


def parse_associations(text: str) -> list[Association]:
    """Of the accounts and of the users in them; not in the order of the tree."""
    return [_association(piece) for piece in read_pieces(text, "assoc", "associations")]


def _association(row: Piece) -> Association:
    cluster, account = row.raw("cluster").strip(), row.raw("account").strip()
    if not cluster or not account:
        raise row.error("cluster or account is missing")
    shares = row.integer("shares_raw")
    return Association(
        cluster=cluster,
        account=account,
        user=row.text("user"),
        parent_account=row.text("parent_account"),
        partition=row.text("partition"),
        shares=None if shares == _PARENTS_SHARE else shares,
        priority=row.integer("priority"),
        grp_tres=row.tres("max/tres/total"),
        grp_jobs=row.integer("max/jobs/per/count"),
        max_jobs=row.integer("max/jobs/active"),
        max_submit_jobs=row.integer("max/jobs/total"),
        max_tres_per_job=row.tres("max/tres/per/job"),
        max_wall_minutes=row.limit("max/jobs/per/wall_clock"),
        # v0.0.36 and 37 give numbers in place of names.
        qos=row.words("qos") if row.version >= 38 else (),
        default_qos=row.text("default/qos"),
    )
