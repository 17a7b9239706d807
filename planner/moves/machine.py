"""What changed on the nodes themselves: jobs that run, nodes out of service, reservations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planner.moves.look import DAY_S, Look

NOTICED_S = 60.0  # an end that much sooner or later than expected is news


@dataclass(frozen=True, slots=True)
class Cause:
    words: str
    weight: float  # CPU-seconds that it stands for
    delays: bool = True


def machine_causes(
    before: Look, after: Look, partitions: frozenset[str], rivals: frozenset[str]
) -> Iterator[Cause]:
    """Those that bear on jobs that wait for the partitions; the rivals share nodes with these."""
    yield from _ended(before, after, rivals)
    yield from _run_on(before, after, rivals)
    yield from _went_first(before, after, rivals)
    yield from _service(before, after, partitions)
    yield from _reservations(before, after, partitions)


def _ended(before: Look, after: Look, rivals: frozenset[str]) -> Iterator[Cause]:
    """Jobs that are gone though they were expected to run on."""
    now_s = after.taken_at.timestamp()
    saved = [
        job.work_cpu_s(now_s, job.ends_at_s)
        for key, job in before.running.items()
        if key not in after.running
        and job.partition in rivals
        and job.ends_at_s > now_s + NOTICED_S
    ]
    if saved:
        sooner = "before their time limits" if before.ends_are_limits else "earlier than expected"
        if len(saved) == 1:
            sooner = sooner.replace("their time limits", "its time limit")
        yield Cause(f"{counted(len(saved), 'running job')} ended {sooner}", sum(saved), False)


def _run_on(before: Look, after: Look, rivals: frozenset[str]) -> Iterator[Cause]:
    """Jobs that still run though they were expected to have ended."""
    now_s = after.taken_at.timestamp()
    owed = [
        job.work_cpu_s(job.ends_at_s, after.running[key].ends_at_s)
        for key, job in before.running.items()
        if key in after.running and job.partition in rivals and job.ends_at_s + NOTICED_S < now_s
    ]
    if owed:
        runs = "runs" if len(owed) == 1 else "run"
        yield Cause(f"{counted(len(owed), 'job')} {runs} on longer than expected", sum(owed))


def _went_first(before: Look, after: Look, rivals: frozenset[str]) -> Iterator[Cause]:
    now_s = after.taken_at.timestamp()
    taken = [
        job.work_cpu_s(now_s, job.ends_at_s)
        for key, job in after.running.items()
        if key not in before.running and key not in before.waiting and job.partition in rivals
    ]
    if taken:
        who = counted(len(taken), "job")
        yield Cause(f"{who} that came after it started before it", sum(taken))


def _service(before: Look, after: Look, partitions: frozenset[str]) -> Iterator[Cause]:
    was = _in_any(before.nodes_in_service, partitions)
    now = _in_any(after.nodes_in_service, partitions)
    for names, verb, delays in ((was - now, "went", True), (now - was, "came back", False)):
        if names:
            where = "out of service" if delays else "into service"
            cpus = sum(after.cpus_of.get(name, before.cpus_of.get(name, 0)) for name in names)
            yield Cause(
                f"{counted(len(names), 'node')} {verb} {where}", cpus * DAY_S, delays=delays
            )


def _reservations(before: Look, after: Look, partitions: frozenset[str]) -> Iterator[Cause]:
    was, now = _in_any(before.reserved, partitions), _in_any(after.reserved, partitions)
    for names, verb, delays in ((now - was, "made", True), (was - now, "lifted", False)):
        if names:
            be = "was" if len(names) == 1 else "were"
            what = counted(len(names), "reservation")
            cpus = sum(after.cpus_of.values())
            yield Cause(f"{what} of its nodes {be} {verb}", cpus * DAY_S, delays=delays)


def _in_any(names_of: Mapping[str, frozenset[str]], partitions: frozenset[str]) -> set[str]:
    return {name for partition in partitions for name in names_of.get(partition, ())}


def counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
