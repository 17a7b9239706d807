"""scontrol: show config, node, partition, reservation, job; hold, release, requeue, ping."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from planner.demo import blocks, site
from planner.demo.arguments import parse
from planner.demo.calls import Answer, Call
from planner.demo.controller import Controller
from planner.demo.jobs import Attempt
from planner.demo.queueview import queue_rows
from planner.demo.refusal import SlurmRefusalError

_SHORT = {"a": "all", "d": "details", "o": "oneliner", "h": "help"}
_CONTINUED = re.compile(r"\n +")


def run(controller: Controller, call: Call) -> Answer:
    parsed = parse(call, _SHORT)
    verb, *rest = parsed.words or ("",)
    if verb == "ping":
        return Answer("Slurmctld(primary) at localhost is UP\n")
    if verb == "show" and rest:
        text = _show(controller, call, rest)
        one_line = "oneliner" in parsed
        return Answer(_CONTINUED.sub(" ", text).replace("\n\n", "\n") if one_line else text)
    actions: dict[str, Callable[[Controller, Attempt], None]] = {
        "hold": _hold,
        "uhold": _hold,
        "release": _release,
        "requeue": _requeue,
    }
    if verb in actions and rest:
        for attempt in own_jobs(controller, ",".join(rest).split(","), "scontrol"):
            actions[verb](controller, attempt)
        return Answer()
    raise SlurmRefusalError(f"invalid keyword: {' '.join(parsed.words)}")


def _show(controller: Controller, call: Call, words: Sequence[str]) -> str:
    """``words``: what, and whose; singular and plural mean the same."""
    what, *names = words
    match what.lower().removesuffix("s"):
        case "config":
            return blocks.config(controller, call)
        case "node":
            return blocks.nodes(controller, call, set(names))
        case "partition":
            return blocks.partitions(set(names))
        case "reservation" | "re":
            return blocks.reservations(controller, call)
        case "job":
            ids = ",".join(names).split(",") if names else []
            rows = [
                row
                for row in queue_rows(controller)
                if not ids or {row.attempt.shown_id, str(row.attempt.job_id)}.intersection(ids)
            ]
            if ids and not rows:
                raise SlurmRefusalError("slurm_load_jobs error: Invalid job id specified")
            return "".join(blocks.job(row, controller, call) for row in rows)
    raise SlurmRefusalError(f"invalid entity: {what} for keyword: show")


def own_jobs(controller: Controller, ids: Sequence[str], command: str) -> list[Attempt]:
    """Pending and running attempts by ``12``, ``12_3`` or ``12_[1-3]``; only those of the caller.

    Raises SlurmRefusalError for an id that is not there or belongs to somebody else.
    """
    found: list[Attempt] = []
    for text in ids:
        base, _, task = text.partition("_")
        mine = [
            attempt
            for attempt in controller.roster.active.values()
            if (text in (attempt.shown_id, str(attempt.job_id), str(attempt.base_id)))
            or (task.startswith("[") and base == str(attempt.base_id))
        ]
        if not mine:
            raise SlurmRefusalError(f"{command}: error: Invalid job id {text}")
        if any(attempt.request.user != controller.own_name for attempt in mine):
            raise SlurmRefusalError(f"{command}: error: Access/permission denied on job id {text}")
        found += mine
    return found


def _hold(controller: Controller, attempt: Attempt) -> None:
    if not attempt.is_pending:
        raise SlurmRefusalError("slurm_suspend error: Job is no longer pending execution")
    controller.hold(attempt)


def _release(controller: Controller, attempt: Attempt) -> None:
    if attempt.is_pending:
        controller.release(attempt)


def _requeue(controller: Controller, attempt: Attempt) -> None:
    if attempt.is_pending:
        raise SlurmRefusalError("slurm_requeue error: Job is pending execution")
    if not attempt.request.requeue:
        raise SlurmRefusalError("slurm_requeue error: Requested operation is presently disabled")
    controller.requeue(attempt)


def scancel(controller: Controller, call: Call) -> Answer:
    options = parse(
        call,
        {
            "u:": "user",
            "n:": "name",
            "p:": "partition",
            "t:": "state",
            "s:": "signal",
            "Q": "quiet",
        },
        ("me", "jobname="),
    )
    attempts = own_jobs(controller, [i for w in options.words for i in w.split(",")], "scancel")
    if not options.words:
        wanted = {
            "user": {controller.own_name} if "me" in options else options.listed("user"),
            "name": options.listed("name") | options.listed("jobname"),
            "partition": options.listed("partition"),
            "state": {word.upper() for word in options.listed("state")},
        }
        if not any(wanted.values()):
            raise SlurmRefusalError("scancel: error: No job identification provided")
        attempts = [
            one
            for one in controller.roster.active.values()
            if one.request.user == controller.own_name and _matches(one, wanted)
        ]
    for attempt in attempts:
        controller.cancel(attempt, controller.own_uid)
    return Answer()


def _matches(attempt: Attempt, wanted: dict[str, set[str]]) -> bool:
    values = {
        "user": {attempt.request.user},
        "name": {attempt.request.name},
        "partition": {attempt.partition} if attempt.partition else set(attempt.request.partitions),
        "state": {attempt.state},
    }
    return all(not names or names & values[key] for key, names in wanted.items())


def sdiag(controller: Controller, call: Call) -> Answer:
    """The lines that say how loaded the controller is: not at all."""
    parse(call, {})
    pending = controller.roster.pending_count()
    since_cycle_s = (controller.now_at - controller.origin_at) % int(site.LIVE.bf_interval_s)
    return Answer(
        "*******************************************************\n"
        f"sdiag output at ({controller.now_at})\n"
        f"Data since      ({controller.started_at})\n"
        "*******************************************************\n"
        "Server thread count:  1\nAgent queue size:     0\nAgent count:          0\n"
        "Agent thread count:   0\nDBD Agent queue size: 0\n\n"
        f"Jobs pending:   {pending}\nJobs running:   {len(controller.roster.active) - pending}\n\n"
        f"Backfilling stats\n\tLast cycle when: ({controller.now_at - since_cycle_s})\n"
    )
