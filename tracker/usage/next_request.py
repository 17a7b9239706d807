"""What jobs used, held against what they asked for, and what to ask for next: pure.

Memory is sampled (every 30 s by default) and short peaks are missed, so a suggestion has a fifth of
room above the most that was seen, and never goes below it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tracker.slurm.durations import format_duration

MEM_ROOM = 1.2
MEM_ROOM_AFTER_OOM = 1.5  # of what was asked for: how much was missing nobody knows
TIME_ROOM = 1.15
TIME_ROOM_AFTER_TIMEOUT = 1.25
TIME_QUANTILE = 0.95
CPU_ROOM = 1.25
WORTH = 0.9  # of what was asked for: less of a change is not worth the risk
CLOSE = 0.9  # of the memory asked for: it may not be enough next time
IDLE_PERCENT = 10  # no sample of a GPU's use above: nothing trained on it
ROUND_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Spent:
    """One attempt that has ended: what it asked for and used, None where that is not known."""

    state: str  # Slurm's word
    nodes: int = 1
    cpus: int | None = None  # in all, as allocated
    mem_mib: int | None = None  # in all
    gpus: int = 0
    limit_minutes: int | None = None
    elapsed_s: float | None = None
    cpu_s: float | None = None
    max_rss_mib: int | None = None  # of the largest task
    used_mem_mib: int | None = None  # of all tasks of the largest step
    gpu_util_percent: int | None = None  # the highest sample
    gpu_mem_mib: int | None = None

    @property
    def mem_mib_per_node(self) -> int | None:
        return None if self.mem_mib is None else self.mem_mib // self.nodes

    @property
    def used_mib_per_node(self) -> int | None:
        """At least: tasks are taken to be spread evenly, and the largest one is on some node."""
        known = [self.max_rss_mib or 0, -(-(self.used_mem_mib or 0) // self.nodes)]
        return max(known) or None

    @property
    def cpus_used(self) -> float | None:
        """On average."""
        return self.cpu_s / self.elapsed_s if self.cpu_s is not None and self.elapsed_s else None


@dataclass(frozen=True, slots=True)
class NextRequest:
    """Of the fields that are None what was asked for stands."""

    completed: int  # attempts that it rests on
    mem_mib_per_node: int | None = None
    limit_minutes: int | None = None
    cpus: int | None = None  # in all
    sentences: tuple[str, ...] = ()

    @property
    def asks(self) -> tuple[str, ...]:
        """What to change, in sbatch's words; empty where what was asked for fits."""
        words = []
        if self.mem_mib_per_node:
            mib = self.mem_mib_per_node
            words.append(f"--mem={mib}M" if mib % 1024 else f"--mem={mib // 1024}G")
        if self.limit_minutes:
            words.append(f"--time={format_duration(self.limit_minutes * 60)}")
        if self.cpus:
            words.append(f"{self.cpus} CPU{'s' if self.cpus > 1 else ''} in all")
        return tuple(words)


def suggest(spent: Sequence[Spent], asked: Spent) -> NextRequest:
    """What the next job like ``asked`` should ask for, by all that ended with the same nodes, CPUs
    and GPUs. Nothing is lowered before one of them has completed."""
    completed = [one for one in spent if one.state == "COMPLETED"]
    mem_mib, about_mem = _memory(spent, bool(completed), asked.mem_mib_per_node)
    limit_minutes, about_time = _time(spent, completed, asked.limit_minutes)
    cpus, about_cpus = _cpus(completed, asked)
    return NextRequest(
        completed=len(completed),
        mem_mib_per_node=mem_mib,
        limit_minutes=limit_minutes,
        cpus=cpus,
        sentences=tuple(filter(None, (about_mem, about_time, about_cpus, _gpus(completed)))),
    )


def _memory(
    spent: Sequence[Spent], has_completed: bool, asked_mib: int | None
) -> tuple[int | None, str]:
    short = [one.mem_mib_per_node or 0 for one in spent if one.state == "OUT_OF_MEMORY"]
    used_mib = _most(one.used_mib_per_node for one in spent)
    if short:
        wanted = max(max(short) * MEM_ROOM_AFTER_OOM, (used_mib or 0) * MEM_ROOM)
        mib = max(round_mib(wanted), asked_mib or 0)
        how_many = f"{len(short)} of {len(spent)} ran" if len(spent) > 1 else "It ran"
        said = f"{how_many} out of memory, with {gib(max(short))} a node: ask for more."
        return (mib if mib != asked_mib else None), said
    if not has_completed or used_mib is None:
        return None, ""
    if not asked_mib:
        return round_mib(used_mib * MEM_ROOM), f"At most {gib(used_mib)} of memory a node was used."
    mib = round_mib(used_mib * MEM_ROOM)
    if used_mib > asked_mib:  # by others, which had asked for more
        return mib, f"{gib(used_mib)} a node was used, more than the {gib(asked_mib)} asked for."
    said = (
        f"At most {gib(used_mib)} of {gib(asked_mib)} a node was used ({used_mib / asked_mib:.0%})"
    )
    if used_mib > CLOSE * asked_mib:
        return mib, f"{said}: that is close."
    return (mib if mib < WORTH * asked_mib else None), f"{said}."


def _time(
    spent: Sequence[Spent], completed: Sequence[Spent], asked_minutes: int | None
) -> tuple[int | None, str]:
    cut_s = sorted(one.elapsed_s for one in spent if one.state == "TIMEOUT" and one.elapsed_s)
    whole_s = sorted(one.elapsed_s for one in completed if one.elapsed_s)
    if not cut_s and not whole_s:
        return None, ""
    # Those cut off count with the time they had, which is less than they needed.
    ran_s = _quantile(sorted(whole_s + cut_s), TIME_QUANTILE)
    wanted_s = ran_s * TIME_ROOM
    if cut_s:
        wanted_s = max(wanted_s, cut_s[-1] * TIME_ROOM_AFTER_TIMEOUT)
        how_many = f"{len(cut_s)} of {len(spent)} ran" if len(spent) > 1 else "It ran"
        said = (
            f"{how_many} into the time limit after {in_words(cut_s[-1])}: how long would have "
            "been enough is not known."
        )
    elif len(whole_s) == 1:
        said = f"It ran {in_words(ran_s)}{_of_limit(ran_s, asked_minutes)}."
    else:
        said = f"Nineteen in twenty ran at most {in_words(ran_s)}{_of_limit(ran_s, asked_minutes)}."
    limit = math.ceil(wanted_s / 60 / ROUND_MINUTES) * ROUND_MINUTES
    is_worth_it = asked_minutes is None or limit < WORTH * asked_minutes or limit > asked_minutes
    return (limit if is_worth_it else None), said


def _cpus(completed: Sequence[Spent], asked: Spent) -> tuple[int | None, str]:
    used = _most(one.cpus_used for one in completed)
    if used is None or not asked.cpus:
        return None, ""
    said = f"{used:.1f} of {asked.cpus} CPUs were busy on average ({used / asked.cpus:.0%})."
    fewest = max(asked.gpus, asked.nodes, 1)  # each GPU is fed by somebody
    cpus = max(math.ceil(used * CPU_ROOM), fewest)
    # A few more than are busy do no harm; half of them idle keep others waiting.
    return (cpus if cpus <= asked.cpus / 2 else None), said


def _gpus(completed: Sequence[Spent]) -> str:
    busiest = _most(one.gpu_util_percent for one in completed if one.gpus)
    if busiest is None or busiest >= IDLE_PERCENT:
        return ""
    return (
        f"Its GPUs did next to nothing: no sample above {busiest} %. See that the training uses "
        "them, or ask for none."
    )


def round_mib(mib: float) -> int:
    """Up to whole GiB; below 4 GiB to a quarter of one."""
    step = 1024 if mib > 4096 else 256
    return math.ceil(mib / step) * step


def gib(mib: float) -> str:
    return f"{mib / 1024:.3g} GiB" if mib >= 1024 else f"{mib:.0f} MiB"


def in_words(seconds: float) -> str:
    """Below two minutes in seconds, below two days in hours and minutes."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    days, hour = divmod(hours, 24)
    parts = ((days, "d"), (hour, "h"), (minutes, "min")) if days > 1 else (
        (hours, "h"), (minutes, "min"))  # fmt: skip
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _of_limit(ran_s: float, asked_minutes: int | None) -> str:
    if not asked_minutes:
        return ""
    return f" of the {in_words(asked_minutes * 60)} asked for ({ran_s / 60 / asked_minutes:.0%})"


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The least value that so many do not exceed: of fewer than twenty the largest."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _most(amounts: Iterable[float | None]) -> float | None:
    return max((amount for amount in amounts if amount is not None), default=None)
