"""sshare, sprio and sacctmgr: shares, priorities and limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from planner.demo import site
from planner.demo.amounts import tres_text
from planner.demo.arguments import parse
from planner.demo.calls import Answer, Call
from planner.demo.controller import Controller
from planner.demo.queueview import QueueRow, queue_rows
from planner.demo.refusal import SlurmRefusalError
from planner.demo.tables import (
    Column,
    Field,
    Row,
    named_columns,
    parsable_columns,
    percent_columns,
    table,
)
from planner.sim.cluster import Association, Qos
from planner.sim.views import ShareUse
from tracker.slurm.durations import format_duration


def sshare(controller: Controller, call: Call) -> Answer:
    options = parse(
        call,
        {"a": "all", "l": "long", "P": "parsable2", "p": "parsable", "n": "noheader",
         "m": "Partition", "o:": "format", "u:": "users", "A:": "accounts", "U": "Users"},
    )  # fmt: skip
    rows = controller.simulation.shares()
    users = options.listed("users") or (set() if "all" in options else {controller.own_name})
    rows = [
        r for r in rows if r.association.user is None or not users or r.association.user in users
    ]
    fields = _share_fields(controller)
    text = options.options.get("format", "Account,User,RawShares,NormShares,RawUsage,FairShare")
    return _printed(text, rows, fields, options.options, "sshare")


def _share_fields(controller: Controller) -> dict[str, Callable[[ShareUse], object]]:
    uses = {(r.association.account, r.association.user): r for r in controller.simulation.shares()}
    level: dict[str | None, int] = {}
    for use in uses.values():
        parent = _parent(use.association)
        level[parent] = level.get(parent, 0) + (use.association.shares or 0)

    def effective(use: ShareUse) -> float:
        above = uses.get((_parent(use.association) or "", None))
        return use.usage / above.usage if above is not None and above.usage > 0 else 0.0

    return {
        "Account": lambda u: " " * _depth(u.association) + u.association.account,
        "User": lambda u: u.association.user or "",
        "Partition": lambda _: "",
        "RawShares": lambda u: "parent" if u.association.shares is None else u.association.shares,
        "NormShares": lambda u: (
            f"{(u.association.shares or 0) / max(1, level[_parent(u.association)]):.6f}"
        ),
        "RawUsage": lambda u: int(u.usage),
        "EffectvUsage": lambda u: f"{effective(u):.6f}",
        "FairShare": lambda u: "" if u.fair_share is None else f"{u.fair_share:.6f}",
        "LevelFS": lambda u: "inf" if math.isinf(u.level_fs) else f"{u.level_fs:.6f}",
    }


def _parent(association: Association) -> str | None:
    return association.account if association.user is not None else association.parent


def _depth(association: Association) -> int:
    parents = {account.account: account.parent for account in site.ACCOUNTS}
    depth, above = 0, _parent(association)
    while above is not None:
        depth, above = depth + 1, parents[above]
    return depth


_SPRIO_LETTERS = {
    "i": "JOBID", "r": "PARTITION", "u": "USER", "Y": "PRIORITY", "A": "AGE", "a": "AGE_NORM",
    "B": "ASSOC", "F": "FAIRSHARE", "f": "FAIRSHARE_NORM", "J": "JOBSIZE", "P": "PARTITION_PART",
    "Q": "QOS", "S": "SITE", "N": "NICE", "T": "TRES",
}  # fmt: skip


def sprio(controller: Controller, call: Call) -> Answer:
    options = parse(
        call,
        {"h": "noheader", "l": "long", "o:": "format", "j:": "jobs", "u:": "user", "n": "norm",
         "w": "weights", "S:": "sort"},
    )  # fmt: skip
    users, ids = options.listed("user"), set(options.numbers("jobs"))
    rows = [
        row
        for row in queue_rows(controller)
        # Like Slurm: only jobs that compete now.
        if row.waiting is not None
        and row.priority > 0
        and row.eligible_at is not None
        and row.eligible_at <= controller.now_at
        and (not users or row.attempt.request.user in users)
        and (not ids or row.attempt.job_id in ids)
    ]
    fields = _sprio_fields()
    text = options.options.get("format", "%.15i %9r %.8u %.10Y %.10S %.10A %.10F %.10J %.10P %.10Q")
    prefix, columns = percent_columns(text, _SPRIO_LETTERS, "sprio")
    headings = {name: name for name in fields} | {"PARTITION_PART": "PARTITION"}
    shown = None if "noheader" in options else headings
    return Answer(table(columns, rows, fields, headings=shown, prefix=prefix))


def _sprio_fields() -> dict[str, Callable[[QueueRow], object]]:
    def part(name: str) -> Callable[[QueueRow], object]:
        return lambda r: int(
            r.waiting.factors.weighted(site.LIVE.priority)[name] if r.waiting else 0
        )

    return {
        "JOBID": lambda r: r.attempt.job_id,
        "PARTITION": lambda r: r.waiting.partition if r.waiting else "",
        "USER": lambda r: r.attempt.request.user,
        "PRIORITY": lambda r: r.priority,
        "AGE": part("AGE"),
        "AGE_NORM": lambda r: f"{r.waiting.factors.age if r.waiting else 0:.7f}",
        "ASSOC": part("ASSOC"),
        "FAIRSHARE": part("FAIRSHARE"),
        "FAIRSHARE_NORM": lambda r: f"{r.waiting.factors.fair_share if r.waiting else 0:.7f}",
        "JOBSIZE": part("JOBSIZE"),
        "PARTITION_PART": part("PARTITION"),
        "QOS": part("QOS"),
        "SITE": lambda _: 0,
        "NICE": lambda _: 0,
        "TRES": lambda _: "",
    }


def sacctmgr(controller: Controller, call: Call) -> Answer:
    options = parse(call, {"n": "noheader", "P": "parsable2", "p": "parsable", "i": "immediate"})
    verb, what, *rest = [*options.words, "", ""][: max(2, len(options.words))]
    wanted = next((w.partition("=")[2] for w in rest if w.startswith("format=")), None)
    kind = what.lower().rstrip("s")
    if verb not in ("show", "list") or kind not in ("qo", "assoc", "association", "cluster"):
        raise SlurmRefusalError(
            "sacctmgr: the demo cluster can only show qos, assoc and cluster", rc=1
        )
    if kind == "cluster":
        return _printed(
            wanted or "Cluster", [site.NAME], {"Cluster": str}, options.options, "sacctmgr"
        )
    if kind == "qo":
        default = "Name,Priority,UsageFactor,MaxTRESPU,MaxJobsPU"
        return _printed(wanted or default, site.QOS, _QOS_FIELDS, options.options, "sacctmgr")
    rows = site.associations(controller.own_name, {})
    default = "Cluster,Account,User,Share,GrpTRES,QOS,DefaultQOS"
    return _printed(wanted or default, rows, _ASSOC_FIELDS, options.options, "sacctmgr")


def _limit(value: object) -> object:
    return "" if value is None else value


_QOS_FIELDS: dict[str, Callable[[Qos], object]] = {
    "Name": lambda q: q.name,
    "Priority": lambda q: q.priority,
    "Flags": lambda q: "OverPartQOS" if q.over_part_qos else "",
    "UsageFactor": lambda q: f"{q.usage_factor:.6f}",
    "GrpTRES": lambda q: tres_text(q.grp_tres),
    "GrpJobs": lambda q: _limit(q.grp_jobs),
    "GrpWall": lambda _: "",
    "MaxTRES": lambda q: tres_text(q.max_tres_per_job),
    "MaxTRESPerNode": lambda _: "",
    "MaxTRESPU": lambda q: tres_text(q.max_tres_per_user),
    "MaxTRESPA": lambda q: tres_text(q.max_tres_per_account),
    "MinTRES": lambda _: "",
    "MaxWall": lambda q: "" if q.max_wall_s is None else format_duration(q.max_wall_s),
    "MaxJobsPU": lambda q: _limit(q.max_jobs_per_user),
    "MaxJobsPA": lambda q: _limit(q.max_jobs_per_account),
    "MaxSubmitPU": lambda _: "",
    "Preempt": lambda _: "",
    "GraceTime": lambda _: "00:00:00",
    "PreemptMode": lambda _: "cluster",
    "PreemptExemptTime": lambda _: "",
}
_ASSOC_FIELDS: dict[str, Callable[[Association], object]] = {
    "Cluster": lambda _: site.NAME,
    "Account": lambda a: a.account,
    "User": lambda a: a.user or "",
    "Partition": lambda _: "",
    "ParentName": lambda a: "" if a.user is not None else a.parent or "",
    "Share": lambda a: "parent" if a.shares is None else a.shares,
    "Priority": lambda a: a.priority or "",
    "GrpTRES": lambda a: tres_text(a.grp_tres),
    "GrpJobs": lambda a: _limit(a.grp_jobs),
    "MaxJobs": lambda a: _limit(a.max_jobs),
    "MaxSubmit": lambda _: "",
    "MaxTRES": lambda a: tres_text(a.max_tres_per_job),
    "MaxWall": lambda a: "" if a.max_wall_s is None else format_duration(a.max_wall_s),
    "QOS": lambda _: ",".join(sorted(qos.name for qos in site.QOS)),
    "DefaultQOS": lambda _: site.DEFAULT_QOS,
}


def _printed(
    names: str,
    rows: Iterable[Row],
    fields: Mapping[str, Field[Row]],
    options: Mapping[str, str],
    command: str,
) -> Answer:
    """With -P or -p as it is; else in columns of a width that people can read."""
    columns = [c.name for c in named_columns(names, fields, command)]
    if "parsable2" in options or "parsable" in options:
        shown = parsable_columns(columns, "|", trailing="parsable" in options)
    else:
        shown = [Column(name, 16, False, " ") for name in columns]
    headings = None if "noheader" in options else {name: name for name in fields}
    return Answer(table(shown, rows, fields, headings=headings))
