"""A stored answer as the planning page shows it: seconds become times, numbers become figures."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.http import QueryDict
from django.utils.text import slugify

from planner.asking.answered import OLD
from planner.asking.script_change import script_diff
from planner.models import Question
from planner.views.answer_figures import fan_figure, heat_figure, walltime_figure
from planner.views.plan_links import asking, kept
from tracker.spread import Axis

Link = Callable[[Sequence[str]], str]  # from options of sbatch to the page that asks for them

IDENTITY = ("partition", "qos", "gpu_type")  # tells options of an answer apart, however ranked
LEVELS = ("p10", "p50", "p90")
FACTORS = {
    "tier": "higher priority tier of the partition",
    "fair_share": "fair share",
    "age": "time in the queue",
    "qos": "QOS",
    "partition": "partition",
    "size": "size of the job",
    "other": "other",
}


def shown(
    question: Question | None, address: QueryDict, script: str | None, now: datetime
) -> dict[str, Any]:
    """Context of ``planner/_answer.html``. ``address``: the query of the page, whose fields links
    carry on; ``script``: the batch script that was pasted, for its diff."""
    if question is None or not question.answer or question.snapshot_at is None:
        return {
            "question": question,
            "answer_seen": version(question),
            "kept": kept(address).urlencode(),
        }
    answer, at = question.answer, question.snapshot_at
    link = partial(asking, question.cluster.name, address=address)
    options = [
        _option(number, option, at, link, script) for number, option in enumerate(answer["options"])
    ]
    _refer_back(options)
    changes = [_change(change, at, link) for change in answer.get("changes") or []]
    hours = [_hour(hour, at) for hour in answer.get("by_hour") or []]
    smallest = answer.get("smallest_change")
    return {
        "question": question,
        "cluster": question.cluster,
        "answer_seen": version(question),
        "kept": kept(address).urlencode(),
        "is_stale": now - at > OLD,
        "is_partial": not is_complete(question),
        "options": options,
        "allowed": [option for option in options if option["allowed"]],
        "has_reasons": any(option["why_not"] or option["reasons"] for option in options),
        "best": _at(options, answer.get("best")),
        "default": _at(options, answer.get("default")),
        "options_axis": _axis(answer["options"], at),
        "smallest": smallest and _change(smallest, at, link),
        "changes": changes,
        "walltime": [_limit(point, at) for point in answer.get("walltime") or []],
        "walltime_figure": walltime_figure(answer.get("walltime"), question.request),
        "hours": hours,
        "fan_figure": fan_figure(hours[:24]),
        "heat_figure": heat_figure(hours),
        "when": _when(answer.get("when")),
        "why": _why(answer.get("why"), at),
        "ignored": answer.get("ignored") or address.getlist("ignored"),
    }


def is_complete(question: Question) -> bool:
    answer = question.answer or {}
    return bool(answer.get("complete", not question.is_open)) and not question.is_open


def version(question: Question | None) -> str:
    """Changes when there is something new to show of the question."""
    if question is None:
        return ""
    answer = question.answer or {}
    exact = sum(not option.get("approximate", True) for option in answer.get("options", ()))
    filled = sum(bool(part) for part in answer.values())
    parts = (question.state, filled, answer.get("replicas", 0), exact)
    return "-".join(map(str, (*parts, int(is_complete(question)))))


def _option(
    number: int, option: Mapping[str, Any], at: datetime, link: Link, script: str | None
) -> dict[str, Any]:
    """The option with its seconds from the snapshot as times, named as an estimate's are."""
    args = option["sbatch_args"]
    return {
        **option,
        **_times("", option["start"], at),
        **_times("finish_", option["finish"], at),
        "number": number,
        "key": slugify("-".join(str(option.get(name) or "") for name in IDENTITY)),
        "command": shlex.join(["sbatch", *args, "SCRIPT.sh"]),
        "link": link(args),
        "diff": _diff(script_diff(script, args)) if script and option["allowed"] else None,
    }


def _refer_back(options: Sequence[dict[str, Any]]) -> None:
    """``same_as``: the option before it whose job would run alike; often only the QOS differs."""
    first: dict[str, dict[str, Any]] = {}
    for option in options:
        alike = json.dumps(
            [option.get(name) for name in ("partition", "gpu_type", "start", "finish")]
        )
        option["same_as"] = first.get(alike) if option["allowed"] else None
        first.setdefault(alike, option)


def _diff(diff: str) -> list[dict[str, str]]:
    """Without the names of the files, which are none."""
    kinds = {"+": "diff-new", "-": "diff-old", "@": "diff-place"}
    return [
        {"text": line, "kind": kinds.get(line[:1], "diff-same")} for line in diff.splitlines()[2:]
    ]


def _change(change: Mapping[str, Any], at: datetime, link: Link) -> dict[str, Any]:
    option = change["option"]
    told = _times("", option["start"], at) | _times("finish_", option["finish"], at)
    named = {"was": change["from"], "becomes": change["to"]}  # "from" is no name for a template
    return {**change, **named, **told, "link": link(option["sbatch_args"])}


def _times(prefix: str, quantiles: Mapping[str, float | None], at: datetime) -> dict[str, Any]:
    return {f"{prefix}{level}_at": _after(at, quantiles[f"{level}_s"]) for level in LEVELS}


def _after(at: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else at + timedelta(seconds=seconds)


def _at(options: Sequence[dict[str, Any]], place: int | None) -> dict[str, Any] | None:
    return None if place is None else options[place]


def _axis(options: Sequence[Mapping[str, Any]], at: datetime) -> Axis | None:
    """The axis that all starts are drawn on; None where none of them is known to spread."""
    starts = [option["start"] for option in options if option["start"]["p10_s"] is not None]
    last_s = max((start["p90_s"] or start["p50_s"] or 0 for start in starts), default=None)
    return None if last_s is None else Axis.around(at, [at + timedelta(seconds=last_s)])


def _limit(point: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    return {**point, **_times("", point["start"], at)}


def _hour(hour: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    submit_at = datetime.fromisoformat(hour["submit_at"])
    finish_at = _after(at, hour.get("finish_p50_s"))
    return {
        **hour,
        "submit_at": submit_at,
        "finish_p50_at": finish_at,
        **_times("", hour["wait"], submit_at),
    }


def _when(when: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not when:
        return None
    exceptions = [
        {**one, "begin_at": _moment(one.get("begin_at"))} for one in when.get("exceptions") or ()
    ]
    deadline = when.get("deadline")
    return {
        "sentence": when["sentence"],
        "exceptions": exceptions,
        "deadline": deadline and _deadline(deadline),
    }


def _deadline(deadline: Mapping[str, Any]) -> dict[str, Any]:
    cheapest = deadline.get("cheapest")
    return {
        **deadline,
        "at": _moment(deadline["at"]),
        "latest_submit_at": _moment(deadline.get("latest_submit_at")),
        "cheapest": cheapest and {**cheapest, "submit_at": _moment(cheapest["submit_at"])},
    }


def _moment(iso: str | None) -> datetime | None:
    return None if iso is None else datetime.fromisoformat(iso)


def _why(why: Mapping[str, Any] | None, at: datetime) -> dict[str, Any] | None:
    """With the jobs ahead as (words, jobs, percent) by the factor that puts them there."""
    if not why:
        return None
    ahead = why.get("ahead") or {}
    most = max((ahead.get("by") or {"": 0}).values())
    by = sorted((ahead.get("by") or {}).items(), key=lambda item: -item[1])
    ends = [
        {**end, "p50_at": _after(at, end["at_p50_s"]), "p90_at": _after(at, end["at_p90_s"])}
        for end in why.get("ends") or ()
    ]
    rows = [(FACTORS.get(name, name), jobs, most - jobs) for name, jobs in by if jobs]
    return {**why, "ahead_by": rows, "ends": ends}
