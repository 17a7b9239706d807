"""QOS and association limits: who already uses how much, and the reason that refuses a job.

Order of Slurm's acct_policy.c: partition QOS, job QOS (swapped by OverPartQOS), then the user's
association and each account above it. The first QOS that sets a limit decides it; a limit set by
a QOS takes the place of the association's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
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


@dataclass(slots=True)
class _Usage:
    amounts: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    jobs_on_node: Counter[int] = field(default_factory=Counter)


class Ledger:
    """What the running jobs of each holder use now."""

    def __init__(self) -> None:
        self._usage: dict[Holder, _Usage] = {}

    def charge(self, holders: Iterable[Holder], amounts: Tres, nodes: Sequence[int]) -> None:
        for holder in holders:
            usage = self._usage.setdefault(holder, _Usage())
            for name, amount in amounts.items():
                usage.amounts[name] += amount
            usage.amounts["jobs"] += 1
            usage.jobs_on_node.update(nodes)

    def release(self, holders: Iterable[Holder], amounts: Tres, nodes: Sequence[int]) -> None:
        """Take back a charge; a holder without jobs is forgotten, so nothing accumulates."""
        for holder in holders:
            usage = self._usage[holder]
            usage.amounts["jobs"] -= 1
            if not usage.amounts["jobs"]:
                del self._usage[holder]
                continue
            for name, amount in amounts.items():
                usage.amounts[name] -= amount
            usage.jobs_on_node.subtract(nodes)
            for node in nodes:
                if not usage.jobs_on_node[node]:
                    del usage.jobs_on_node[node]

    def used(self, holder: Holder, tres: str) -> float:
        """Amount in use now; of ``node`` the number of distinct nodes."""
        usage = self._usage.get(holder)
        if usage is None:
            return 0
        return len(usage.jobs_on_node) if tres == "node" else usage.amounts.get(tres, 0)

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
            if check.holder is None:
                used: float = 0
            elif check.tres == "node" and nodes:
                held = self._usage.get(check.holder)
                on_nodes = held.jobs_on_node.keys() if held else set()
                used, more = len(on_nodes), len(set(nodes) - on_nodes)
            else:
                used = self.used(check.holder, check.tres)
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
    of_association = []
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
    return (
        *of_qos.values(),
        *(c for c in of_association if (_QOS_COUNTERPART[c.kind], c.tres) not in of_qos),
    )


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
    """Everyone whose usage a job of this user in this account adds to."""
    holders: list[Holder] = [("assoc", index) for index, _ in chain]
    for qos in qos_order:
        holders += [("qos", qos.name), *_qos_holders(qos, user, account)]
    return tuple(dict.fromkeys(holders))


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
