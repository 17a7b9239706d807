"""A cluster for a log that says nothing of its own: as large as what ran at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby

from planner.snapshot import Facts
from planner.snapshot.facts import SnapshotNote
from planner.traces.cleaning import TraceError
from planner.traces.jobs import Trace, TraceJob
from tracker.slurm.records import ClusterConfig, Node, Partition

# Slurm plans with whole nodes. Of a pool nobody knows the nodes: with one for each processor that
# does no harm, with more than so many the simulation would slow down.
MOST_NODES = 8192
_ONLY_CPUS = ClusterConfig("", "", values={"SelectTypeParameters": "CR_CPU"})


def inferred(trace: Trace, processors: int | None) -> Facts:
    """One pool with all partitions where ``processors`` tells its size, or the log does and names
    no two partitions; else a pool for each partition, of the most that ran at once in it.

    Raises TraceError where the log has no waits to see that from.
    """
    of_partition: dict[str, list[TraceJob]] = {}
    for job in (job for job in trace.jobs if job.run_s is not None or job.wait_s is not None):
        of_partition.setdefault(job.asked.partition, []).append(job)
    names = sorted(of_partition)
    size = processors or (trace.processors if len(names) == 1 else None)
    if size is not None:
        pools = {"n": (size, names)}
    else:
        pools = {
            f"p{place}n": (most_at_once(of_partition[name], trace.name), [name])
            for place, name in enumerate(names)
        }
    each = _processors_of_a_node(sum(pool for pool, _ in pools.values()))
    nodes: list[Node] = []
    partitions: list[Partition] = []
    notes: list[SnapshotNote] = []
    for prefix, (pool, of_pool) in pools.items():
        made = list(_nodes(prefix, pool, each, of_pool))
        listed = f"{prefix}[1-{len(made)}]"
        nodes += made
        partitions += [Partition(name, node_list=listed) for name in of_pool]
        shown = ", ".join(name or "(without a name)" for name in of_pool)
        how = "as told" if size is not None else "the most that ran at once in the log"
        notes.append(
            SnapshotNote(
                f"partition {shown}",
                f"{pool:,} processors, {how}, taken as {len(made):,} nodes of {made[0].cpus}",
            )
        )
    taken_at = datetime.fromtimestamp(0, UTC)
    return Facts(taken_at, [], nodes, partitions, _ONLY_CPUS, notes=tuple(notes))


def most_at_once(jobs: Sequence[TraceJob], name: str) -> int:
    """Processors in use at the busiest instant of the log."""
    changes: list[tuple[float, int]] = []
    for job in jobs:
        if job.wait_s is not None:
            start_s = job.asked.submit_s + job.wait_s
            changes.append((start_s, job.asked.procs))
            if job.run_s is not None:
                changes.append((start_s + job.run_s, -job.asked.procs))
    if not changes:
        raise TraceError(
            f"{name}: a partition without a single wait: nobody can tell how large it was; give"
            " --processors N, --cluster FILE.toml or --capture DIR"
        )
    most = max(job.asked.procs for job in jobs)  # none was larger than the machine
    in_use = 0
    for _, at_once in groupby(sorted(changes), key=lambda change: change[0]):
        in_use += sum(change for _, change in at_once)
        most = max(most, in_use)
    return most


def _processors_of_a_node(processors: int) -> int:
    """The least power of two that keeps a machine of that size at MOST_NODES or fewer."""
    each = 1
    while processors > each * MOST_NODES:
        each *= 2
    return each


def _nodes(prefix: str, processors: int, each: int, partitions: list[str]) -> Iterable[Node]:
    """Equal ones, the last with what is left."""
    for number, first in enumerate(range(0, processors, each), start=1):
        cpus = min(each, processors - first)
        yield Node(f"{prefix}{number}", "IDLE", cpus=cpus, partitions=tuple(partitions))
