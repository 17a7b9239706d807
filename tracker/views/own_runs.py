"""Open runs of one's own unix users, cluster by cluster."""

from __future__ import annotations

from dataclasses import dataclass

from tracker.models import Actor, Cluster, ClusterAccount, Run
from tracker.reach import why_closed
from tracker.submission.cancelling import own_open_runs


@dataclass(frozen=True, slots=True)
class OwnRuns:
    """``why_not`` says why they cannot be cancelled; empty where they can."""

    cluster: Cluster
    unix_name: str
    open_runs: int
    why_not: str


def own_runs(actor: Actor) -> list[OwnRuns]:
    """Of the clusters where the actor is somebody."""
    accounts = ClusterAccount.objects.filter(user=actor.user, cluster__in=actor.clusters())
    return [
        OwnRuns(
            cluster=account.cluster,
            unix_name=account.unix_name,
            open_runs=own_open_runs(actor, account.cluster).count(),
            why_not=why_closed(account.cluster, account.unix_name),
        )
        for account in accounts.select_related("cluster").order_by("cluster__name")
    ]


def cancellable(actor: Actor, known: list[OwnRuns]) -> set[str]:
    """Ids of the open runs that this actor may cancel one by one."""
    clusters = [one.cluster for one in known if not one.why_not and one.open_runs]
    runs = Run.objects.filter(
        experiment__in=actor.editable_experiments(), cluster__in=clusters, status__in=Run.OPEN
    )
    return set(runs.values_list("pk", flat=True)) if clusters else set()
