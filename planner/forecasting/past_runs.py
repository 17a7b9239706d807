"""What a cluster has run and been asked for lately, as accounting's records: the past that the
replicas of a forecast draw from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from tracker.models import Attempt, Cluster
from tracker.slurm.records import AccountedJob, Tres

DAYS = 60
MOST = 50_000  # the newest of them: recent jobs tell most

_FIELDS = (
    "state", "submit_at", "eligible_at", "start_at", "end_at", "node_list",
    "job__job_id", "job__user", "job__name", "job__account", "job__partition", "job__qos",
    "job__limit_minutes", "job__limit_unlimited", "job__array_job_id", "job__cpus",
    "job__node_count", "job__mem_mib", "job__gpus", "job__features", "job__reservation",
    "job__array_tasks",
)  # fmt: skip


def past_runs(cluster: Cluster, at: datetime) -> Iterator[AccountedJob]:
    """Attempts that were submitted by ``at``: the newest that ran in the two months before, those
    that ran or waited then, and those that wait still. The newest start first.

    What came after ``at`` is told as it is known today: whoever may not know it looks at the times.
    """
    attempts = Attempt.objects.filter(job__cluster=cluster, submit_at__lte=at)
    # By the job's start, which is indexed: the attempts of a cluster may be millions.
    since = at - timedelta(days=DAYS)
    started = attempts.filter(job__start_at__gt=since).order_by("-job__start_at", "-pk")[:MOST]
    waiting = attempts.filter(job__in_queue=True, job__start_at=None).order_by("-pk")
    yield from _records(started)
    yield from _records(waiting)


def _records(attempts: QuerySet[Attempt]) -> Iterator[AccountedJob]:
    return map(_record, attempts.values_list(*_FIELDS).iterator(chunk_size=5_000))


def _record(row: tuple[Any, ...]) -> AccountedJob:
    (
        state, submit_at, eligible_at, start_at, end_at, node_list,
        job_id, user, name, account, partition, qos,
        limit_minutes, is_unlimited, array_job_id, cpus,
        nodes, mem_mib, gpus, features, reservation,
        array_tasks,
    ) = row  # fmt: skip
    return AccountedJob(
        job_id=job_id,
        state=state,
        user=user or None,
        name=name or None,
        account=account or None,
        partition=partition or None,
        qos=qos or None,
        submit_at=submit_at,
        eligible_at=eligible_at,
        start_at=start_at,
        end_at=end_at,
        limit_minutes=math.inf if is_unlimited else limit_minutes,
        array_job_id=array_job_id,
        array_tasks=tuple(array_tasks),
        req_cpus=cpus,
        req_nodes=nodes,
        req_tres=_tres(cpus, mem_mib, nodes, gpus),
        node_list=node_list or None,
        constraints=features or None,
        reservation=reservation or None,
    )


def _tres(cpus: int | None, mem_mib: int | None, nodes: int | None, gpus: dict[str, int]) -> Tres:
    typed = {kind: count for kind, count in gpus.items() if kind}
    return Tres(
        cpus=cpus, mem_mib=mem_mib, nodes=nodes, gpus=sum(gpus.values()) or None, gpus_by_type=typed
    )
