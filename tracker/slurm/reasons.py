"""Why a job waits: Slurm's reason codes grouped by what ends the waiting.

Only the last reason seen is kept by Slurm, its spelling is irregular and new resources bring new
codes. So codes are matched by prefix and pattern, and an unknown one is a class of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class ReasonClass(StrEnum):
    """What ends the waiting."""

    TIME = "A"  # the queue ahead
    DATE = "B"  # a known date
    OWN_JOBS = "C"  # jobs of the same user, group or QOS
    BUDGET = "D"  # decay, reset or top-up of used minutes
    NEVER = "E"  # nothing: the request is over a limit or not allowed
    ACTION = "F"  # a person or another job must act
    OTHER = "G"  # another resource's state
    UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Explanation:
    """``why`` and ``cure`` are one sentence each, for people; the cure is what the user can do."""

    reason_class: ReasonClass
    why: str
    cure: str


_BY_CLASS = {
    ReasonClass.TIME: (
        "It waits its turn: the resources it needs are in use or promised to jobs ahead of it.",
        "Nothing needs doing; a shorter time limit or a smaller request may start sooner.",
    ),
    ReasonClass.DATE: (
        "It is not to start before a set time.",
        "Wait for that time, or move it with scontrol update JobId=ID StartTime=now.",
    ),
    ReasonClass.OWN_JOBS: (
        "A limit on what the user, account or QOS may use at once is reached.",
        "It starts as those jobs end; cancel some, ask for less, or use another QOS.",
    ),
    ReasonClass.BUDGET: (
        "The computing time granted to the account or QOS is used up.",
        "Ask for more time, use another account, or wait until past usage decays or is reset.",
    ),
    ReasonClass.NEVER: (
        "The request is over a limit for a single job, or not allowed here: waiting does not help.",
        "Change the request: time limit, size, partition, QOS or account.",
    ),
    ReasonClass.ACTION: (
        "It is held until a person or another job acts.",
        "Release it with scontrol release ID, or ask the administrators.",
    ),
    ReasonClass.OTHER: (
        "Something other than free nodes is missing.",
        "See what it names; there may be no start until that changes.",
    ),
    ReasonClass.UNKNOWN: (
        "Unknown reason.",
        "See scontrol show job ID, and ask the administrators what the reason means.",
    ),
}

# (pattern of the whole code, class, why, cure); the first match counts; None: as for the class.
_NOTABLE: tuple[tuple[str, ReasonClass, str | None, str | None], ...] = (
    ("priority", ReasonClass.TIME, "Jobs of higher priority are ahead of it.", None),
    ("resources", ReasonClass.TIME, "It is next in line; its resources are still in use.", None),
    ("none", ReasonClass.TIME, "The scheduler has not looked at it yet.", None),
    ("reservation", ReasonClass.TIME, "It waits for its reservation to begin.", None),
    ("nodedown|prolog|cleaning|maxpoweredupnodes|mpiportsbusy|scheddefer",
     ReasonClass.TIME, None, None),
    ("begintime", ReasonClass.DATE, None, None),
    ("jobarraytasklimit", ReasonClass.OWN_JOBS,
     "As many tasks of its array run as its throttle (%N) lets run at once.",
     "Raise the throttle with scontrol update JobId=ID ArrayTaskThrottle=N."),
    # Submit limits name jobs, but hold at submission only; in the queue they never clear.
    (".*submitjob.*", ReasonClass.NEVER, None, None),
    (".*runmin(ute)?s.*", ReasonClass.OWN_JOBS,
     "The minutes that running jobs have left add up to a limit.", None),
    ("assocmaxwall.*|qosmaxwall.*", ReasonClass.NEVER,
     "Its time limit is longer than the account or QOS allows for one job.",
     "Give a shorter --time."),
    ("(assoc|qos)max.*(perjob|pernode).*|(assoc|qos)max.*minutesperjob.*",
     ReasonClass.NEVER, "It asks for more than one job may have.", None),
    ("qosmin.*", ReasonClass.NEVER, "It asks for less than the QOS demands of a job.",
     "Ask for more, or use another QOS."),
    (".*grp.*minutes.*|.*grpwall.*", ReasonClass.BUDGET, None, None),
    ("associationtimelimit|qostimelimit|qosusagethreshold", ReasonClass.BUDGET, None, None),
    ("(assoc|qos)grp.*", ReasonClass.OWN_JOBS,
     "The account's or QOS's share of running resources is in use.", None),
    ("assocmaxjobslimit|qosmaxjobsperuser.*|maxjobsper.*", ReasonClass.OWN_JOBS,
     "As many jobs run as the user or account may run at once.", None),
    ("qosmax.*peruser.*|max.*per(user|account).*", ReasonClass.OWN_JOBS,
     "Running jobs use as much as the QOS allows a user or account at once.", None),
    ("association(job|resource)limit|qos(job|resource)limit|accountingpolicy",
     ReasonClass.OWN_JOBS, None, None),
    ("partitiontimelimit", ReasonClass.NEVER,
     "Its time limit is longer than the partition allows.",
     "Give a shorter --time, or a partition with a longer limit."),
    ("partitionnodelimit", ReasonClass.NEVER,
     "It asks for more nodes than the partition allows, or for nodes that are down.",
     "Ask for fewer nodes, or for another partition."),
    ("partitionconfig", ReasonClass.NEVER, "The partition does not admit this job.",
     "Use a partition that admits the account, QOS and size."),
    ("maxmemperlimit", ReasonClass.NEVER, "It asks for more memory than allowed.",
     "Give a smaller --mem."),
    ("badconstraints", ReasonClass.NEVER, "No node can ever satisfy what it asks for.",
     "Check --constraint, --gres, --mem and the node counts against sinfo."),
    ("accountnotallowed|invalidaccount", ReasonClass.NEVER, "The account may not be used here.",
     "Give another --account or --partition."),
    ("qosnotallowed|invalidqos", ReasonClass.NEVER, "The QOS may not be used here.",
     "Give another --qos or --partition."),
    ("jobhelduser", ReasonClass.ACTION, "Its user holds it.", "Release it: scontrol release ID."),
    ("jobheldadmin", ReasonClass.ACTION, "An administrator holds it.", "Ask the administrators."),
    ("jobholdmaxrequeue|launch failed requeued held|job requeued in held state|specialexit",
     ReasonClass.ACTION, "It was put back after a failure and is held.",
     "Find what failed, then release it: scontrol release ID."),
    ("reservation(deleted|invalid)", ReasonClass.ACTION,
     "Its reservation is gone or not for this job.",
     "Take it out: scontrol update JobId=ID ReservationName=."),
    ("dependencyneversatisfied", ReasonClass.ACTION,
     "The job it depends on ended otherwise than asked, so it will never start.",
     "Cancel it, or change its dependency."),
    ("deadline|burstbufferoperation", ReasonClass.ACTION, None, None),
    ("dependency", ReasonClass.OTHER, "It waits for the jobs it depends on to end.",
     "Nothing needs doing; it queues once they have ended."),
    ("licenses", ReasonClass.OTHER, "A licence it needs is in use.", None),
    ("reqnodenotavail.*", ReasonClass.OTHER,
     "A node it needs is down, drained or reserved, perhaps for maintenance.",
     "A time limit that ends before the reservation, or other nodes, may help."),
    ("partition(down|inactive)", ReasonClass.OTHER, "The partition is closed.",
     "Wait until it opens, or use another partition."),
    ("constraints|nvidiaimexchannels|burstbufferresources|burstbufferstagein|fedjoblock",
     ReasonClass.OTHER, None, None),
)  # fmt: skip
_PATTERNS = [
    (re.compile(pattern), Explanation(kind, why or _BY_CLASS[kind][0], cure or _BY_CLASS[kind][1]))
    for pattern, kind, why, cure in _NOTABLE
]


def classify(reason: str | None) -> ReasonClass:
    """The class of a pending reason as squeue prints it; UNKNOWN for a code not known here."""
    return explain(reason).reason_class


def explain(reason: str | None) -> Explanation:
    """Class, plain words and cure. None, Slurm's own "None" and nothing mean: not looked at yet."""
    code = (reason or "none").strip().strip("()").lower() or "none"
    for pattern, explanation in _PATTERNS:
        if pattern.fullmatch(code):
            return explanation
    if re.match(r"(nodes? required|resources).*(down|drained|reserved)", code):
        # Controllers also print free text: "Nodes required for job are DOWN, DRAINED or reserved".
        return explain("ReqNodeNotAvail")
    return Explanation(ReasonClass.UNKNOWN, *_BY_CLASS[ReasonClass.UNKNOWN])
