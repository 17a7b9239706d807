"""What a cluster is made of and what it allows, into rows: absent from a poll means gone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction

from tracker.ingest.edits import Edits, replace_rows
from tracker.ingest.limits import limits_of
from tracker.models import Association, Cluster, Node, Partition, Qos, Reservation
from tracker.slurm import records

# A node so marked takes no new work. Powered-down nodes do: Slurm wakes them for it.
_UNUSABLE_STATES = frozenset({"DOWN", "ERROR", "FUTURE", "UNKNOWN"})
_UNUSABLE_FLAGS = frozenset({"DRAIN", "FAIL", "MAINTENANCE", "NOT_RESPONDING", "INVALID_REG"})


@transaction.atomic
def record_configuration(cluster: Cluster, command: str, parsed: Any) -> int:
    """Rows after the parsed output of ``command``; the number of rows that this changed.

    Commands that only the forecast reads (sprio, sdiag, sinfo) have no rows: their poll keeps them.
    """
    keep = _RECORDERS.get(command)
    return keep(cluster, parsed) if keep else 0


def _record_config(cluster: Cluster, config: records.ClusterConfig) -> int:
    # Words that staff have set stay: a site may be stricter here than in Slurm, never laxer.
    private = sorted(set(cluster.private_data) | config.private_data)
    version = config.slurm_version[:32]
    if (cluster.slurm_version, sorted(cluster.private_data)) == (version, private):
        return 0
    cluster.slurm_version, cluster.private_data = version, private
    cluster.save(update_fields=["slurm_version", "private_data"])
    return 1


def _record_nodes(cluster: Cluster, nodes: Sequence[records.Node]) -> int:
    wanted = {
        (node.name,): {
            "state": node.state[:120],
            "cpus": node.cpus,
            "cpus_alloc": node.cpus_alloc,
            "mem_mib": node.mem_mib,
            "mem_alloc_mib": node.mem_alloc_mib,
            "gpus": node.gpus_by_type,
            "gpus_alloc": node.gpus_alloc_by_type,
            "features": sorted(node.features),
            "weight": node.weight,
            "partitions": list(node.partitions),
            "usable": node.base_state not in _UNUSABLE_STATES and not node.flags & _UNUSABLE_FLAGS,
            "reason": node.reason or "",
        }
        for node in nodes
    }
    return replace_rows(Node, cluster, wanted, key=("name",))


def _record_partitions(cluster: Cluster, partitions: Sequence[records.Partition]) -> int:
    wanted = {
        (partition.name,): {
            "state": partition.state,
            "is_default": partition.is_default,
            "node_list": partition.node_list,
            "max_minutes": _finite(partition.max_minutes),
            "default_minutes": _finite(partition.default_minutes),
            "max_nodes": _finite(partition.max_nodes),
            "priority_tier": partition.priority_tier,
            "priority_job_factor": partition.priority_job_factor,
            "hidden": partition.hidden,
            "allow_accounts": _names(partition.allow_accounts),
            "deny_accounts": sorted(partition.deny_accounts),
            "allow_qos": _names(partition.allow_qos),
            "deny_qos": sorted(partition.deny_qos),
        }
        for partition in partitions
    }
    return replace_rows(Partition, cluster, wanted, key=("name",))


def _record_reservations(cluster: Cluster, reservations: Sequence[records.Reservation]) -> int:
    wanted = {
        (reservation.name,): {
            "start_at": reservation.start_at,
            "end_at": reservation.end_at,
            "node_list": reservation.node_list,
            "flags": sorted(reservation.flags),
            "users": sorted(reservation.users),
            "accounts": sorted(reservation.accounts),
            "state": reservation.state,
        }
        for reservation in reservations
    }
    return replace_rows(Reservation, cluster, wanted, key=("name",))


def _record_qos(cluster: Cluster, rows: Sequence[records.Qos]) -> int:
    wanted = {
        (qos.name,): {
            "priority": qos.priority,
            "max_wall_minutes": _finite(qos.max_wall_minutes),
            "limits": limits_of(qos),
        }
        for qos in rows
    }
    return replace_rows(Qos, cluster, wanted, key=("name",))


def _record_associations(cluster: Cluster, rows: Sequence[records.Association]) -> int:
    wanted = {
        (row.account, row.user or "", row.partition or ""): {
            "parent_account": row.parent_account or "",
            "shares": row.shares,
            "qos": list(row.qos),
            "default_qos": row.default_qos or "",
            "limits": limits_of(row),
        }
        for row in _of_this_cluster(cluster, rows)
    }
    return replace_rows(Association, cluster, wanted, key=("account", "user", "partition"))


def _of_this_cluster(
    cluster: Cluster, rows: Sequence[records.Association]
) -> Sequence[records.Association]:
    """One accounting database may serve several clusters."""
    names = {row.cluster for row in rows}
    if len(names) <= 1:
        return rows
    if cluster.name not in names:
        raise ValueError(
            f'accounting knows the clusters {", ".join(sorted(names))} and no "{cluster.name}"; '
            "rename the cluster in the admin as Slurm calls it"
        )
    return [row for row in rows if row.cluster == cluster.name]


def _record_shares(cluster: Cluster, shares: Sequence[records.Share]) -> int:
    edits = Edits()
    told = {(share.account, share.user or "", share.partition or ""): share for share in shares}
    for row in Association.objects.filter(cluster=cluster):
        if share := told.get((row.account, row.user, row.partition)):
            edits.set(row, {"raw_usage": share.raw_usage, "fair_share": share.fair_share})
    edits.write()
    return len(edits.rows(Association))


def _finite(value: float | None) -> int | None:
    return None if value is None or math.isinf(value) else int(value)


def _names(allowed: frozenset[str] | None) -> list[str] | None:
    return None if allowed is None else sorted(allowed)


_RECORDERS: Mapping[str, Callable[[Cluster, Any], int]] = {
    "config": _record_config,
    "nodes": _record_nodes,
    "partitions": _record_partitions,
    "reservations": _record_reservations,
    "qos": _record_qos,
    "assoc": _record_associations,
    "sshare": _record_shares,
}
