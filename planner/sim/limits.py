"""QOS and association limits: who already uses how much, and the reason that refuses a job.

Order of Slurm's acct_policy.c: partition QOS, job QOS (swapped by OverPartQOS), then the user's
association and each account above it. The first QOS that sets a limit decides it; a limit set by
a QOS takes the place of the association's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from planner.sim.cluster import Association, Qos, Tres

Holder = tuple[Hashable, ...]  # who a usage counts for: ("qos", name), ("qos", name, user), ...

# Reason by kind of limit and TRES, spelled as Slurm does, irregular as that is.
_REASONS = {
    "qos_grp": ("QOSGrpCpuLimit", "QOSGrpMemLimit", "QOSGrpNodeLimit", "QOSGrpGRES",
                "QOSGrpBilling", "QOSGrpJobsLimit"),
    "qos_user": ("QOSMaxCpuPerUserLimit", "QOSMaxMemoryPerUser", "QOSMaxNodePerUserLimit",
                 "QOSMaxGRESPerUser", "QOSMaxBillingPerUser", "QOSMaxJobsPerUserLimit"),
    "qos_account": ("MaxCpuPerAccount", "MaxMemoryPerAccount", "MaxNodePerAccount",
                    "MaxGRESPerAccount", "MaxBillingPerAccount", "MaxJobsPerAccount"),
    "qos_job": ("QOSMaxCpuPerJobLimit", "QOSMaxMemoryPerJob", "QOSMaxNodePerJobLimit",
                "QOSMaxGRESPerJob", "QOSMaxBillingPerJob", ""),
    "assoc_grp": ("AssocGrpCpuLimit", "AssocGrpMemLimit", "AssocGrpNodeLimit", "AssocGrpGRES",
                  "AssocGrpBilling", "AssocGrpJobsLimit"),
    "assoc_max": ("", "", "", "", "", "AssocMaxJobsLimit"),
    "assoc_job": ("AssocMaxCpuPerJobLimit", "AssocMaxMemPerJob", "AssocMaxNodePerJobLimit",
                  "AssocMaxGRESPerJob", "AssocMaxBillingPerJob", ""),
}  # fmt: skip
_COLUMN = {"cpu": 0, "mem": 1, "node": 2, "gres": 3, "billing": 4, "jobs": 5}
# Limits of an association give way to these limits of a QOS.
_QOS_COUNTERPART = {"assoc_grp": "qos_grp", "assoc_job": "qos_job", "assoc_max": "qos_user"}


@dataclass(frozen=True, slots=True)
class Check:
    """One limit that a job must keep; ``holder`` None: what the job itself asks."""

    kind: str
    holder: Holder | None
    tres: str  # or "jobs"
    limit: float
    reason: str


@dataclass(slots=True, eq=False)
class Usage:
    """What the running jobs of a holder use; of ``node`` the number of distinct nodes."""

    amounts: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    jobs_on_node: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What a job would add to a usage that is limited: asked in every pass, so all is at hand."""

    used: defaultdict[str, float]
    tres: str
    more: float
    limit: float
    reason: str


class Ledger:
    """What the running jobs of each holder use now."""

    def __init__(self) -> None:
        self._usage: defaultdict[Holder, Usage] = defaultdict(Usage)

    def charge(self, holders: Iterable[Holder], amounts: Tres, nodes: Sequence[int]) -> None:
        for holder in holders:
            usage = self._usage[holder]
            for name, amount in amounts.items():
                usage.amounts[name] += amount
            usage.amounts["jobs"] += 1
            for node in nodes:
                usage.jobs_on_node[node] += 1
            usage.amounts["node"] = len(usage.jobs_on_node)

    def release(self, holders: Iterable[Holder], amounts: Tres, nodes: Sequence[int]) -> None:
        """Take back a charge; without jobs all is exactly 0 again, so no rounding accumulates."""
        for holder in holders:
            usage = self._usage[holder]
            usage.amounts["jobs"] -= 1
            if not usage.amounts["jobs"]:
                usage.amounts.clear()
                usage.jobs_on_node.clear()
                continue
            for name, amount in amounts.items():
                usage.amounts[name] -= amount
            on_node = usage.jobs_on_node
            for node in nodes:
                if on_node[node] == 1:
                    del on_node[node]
                else:
                    on_node[node] -= 1
            usage.amounts["node"] = len(on_node)

    def used(self, holder: Holder, tres: str) -> float:
        """Amount in use now; of ``node`` the number of distinct nodes."""
        return self._usage[holder].amounts[tres]

    def amounts(self, holder: Holder) -> Mapping[str, float]:
        """All that is in use now by TRES, "jobs" among them; it goes with the ledger."""
        return self._usage[holder].amounts

    def demands(self, checks: Iterable[Check], amounts: Tres) -> tuple[Demand, ...]:
        """What can become short for these amounts; what the job itself asks for cannot."""
        asked = {**amounts, "jobs": 1}
        return tuple(
            Demand(
                self._usage[check.holder].amounts,
                check.tres,
                asked[check.tres],
                check.limit,
                check.reason,
            )
            for check in checks
            if check.holder is not None and asked.get(check.tres)
        )

    def shortage(self, demands: Iterable[Demand]) -> str | None:
        """Reason of the first limit that the demands would break; None if they keep all."""
        for demand in demands:
            if demand.used[demand.tres] + demand.more > demand.limit:
                return demand.reason
        return None

    def refusal(
        self, checks: Iterable[Check], amounts: Tres, nodes: Sequence[int] = ()
    ) -> str | None:
        """Reason of the first limit that the amounts would break; None if they keep all.

        With the chosen nodes given, those that the holder already uses do not count again.
        """
        for check in checks:
            more = 1 if check.tres == "jobs" else amounts.get(check.tres, 0)
            if not more:
                continue
            used: float = 0
            if check.holder is not None:
                used = self.used(check.holder, check.tres)
                if check.tres == "node" and nodes:
                    more = len(set(nodes) - self._usage[check.holder].jobs_on_node.keys())
            if used + more > check.limit:
                return check.reason
        return None


def checks_of(
    qos_order: Sequence[Qos], chain: Sequence[tuple[int, Association]], user: str, account: str
) -> tuple[Check, ...]:
    """All limits of a job. ``chain``: its association and the accounts above, with indices."""
    of_qos: dict[tuple[str, str], Check] = {}
    for qos in qos_order:
        for check in _qos_checks(qos, user, account):
            of_qos.setdefault((check.kind, check.tres), check)
    return (
        *of_qos.values(),
        *(
            check
            for check in _association_checks(chain)
            if (_QOS_COUNTERPART[check.kind], check.tres) not in of_qos
        ),
    )


def _association_checks(chain: Sequence[tuple[int, Association]]) -> list[Check]:
    of_association: list[Check] = []
    for level, (index, association) in enumerate(chain):
        holder = ("assoc", index)
        of_association += _checks("assoc_grp", holder, association.grp_tres, association.grp_jobs)
        if level == 0:
            above = [a for _, a in chain]
            max_jobs = next((a.max_jobs for a in above if a.max_jobs is not None), None)
            per_job: dict[str, float] = {}
            for one in reversed(above):
                per_job.update(one.max_tres_per_job)
            of_association += _checks("assoc_max", holder, {}, max_jobs)
            of_association += _checks("assoc_job", None, per_job, None)
    return of_association


def wall_refusal(
    limit_s: float, qos_order: Sequence[Qos], chain: Sequence[tuple[int, Association]]
) -> str | None:
    """Reason if the time limit is longer than the QOS, or else the association, allows."""
    for qos in qos_order:
        if qos.max_wall_s is not None:
            return "QOSMaxWallDurationPerJobLimit" if limit_s > qos.max_wall_s else None
    for _, association in chain:
        if association.max_wall_s is not None:
            too_long = limit_s > association.max_wall_s
            return "AssocMaxWallDurationPerJobLimit" if too_long else None
    return None


def holders_of(
    qos_order: Sequence[Qos], chain: Sequence[tuple[int, Association]], user: str, account: str
) -> tuple[Holder, ...]:
    """Everyone whose usage a job of this user in this account adds to and is limited, be it for
    others only.
    """
    checks = [
        *_association_checks(chain),
        *(check for qos in qos_order for check in _qos_checks(qos, user, account)),
    ]
    return tuple(dict.fromkeys(check.holder for check in checks if check.holder is not None))


def _qos_holders(qos: Qos, user: str, account: str) -> tuple[Holder, Holder]:
    return ("qos", qos.name, "user", user), ("qos", qos.name, "account", account)


def _qos_checks(qos: Qos, user: str, account: str) -> list[Check]:
    of_user, of_account = _qos_holders(qos, user, account)
    return [
        *_checks("qos_job", None, qos.max_tres_per_job, None),
        *_checks("qos_grp", ("qos", qos.name), qos.grp_tres, qos.grp_jobs),
        *_checks("qos_user", of_user, qos.max_tres_per_user, qos.max_jobs_per_user),
        *_checks("qos_account", of_account, qos.max_tres_per_account, qos.max_jobs_per_account),
    ]


def _checks(kind: str, holder: Holder | None, tres: Tres, jobs: int | None) -> list[Check]:
    limits = dict(tres) if jobs is None else {"jobs": jobs, **tres}
    return [
        Check(kind, holder, name, limit, _REASONS[kind][_COLUMN[name.split("/")[0]]])
        for name, limit in limits.items()
    ]
