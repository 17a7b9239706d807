"""The jobs of a log as the model submits them to a cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from planner.sim.admission import Admission
from planner.sim.cluster import Association, World
from planner.sim.fairshare import ShareTree
from planner.sim.jobs import Job
from planner.sim.queue import Pending
from planner.sim.views import can_start
from planner.snapshot.requests import Site, request_fields
from planner.traces.jobs import Asked, Trace
from planner.workload.cluster import Cluster
from tracker.slurm.records import QueuedJob


@dataclass(frozen=True, slots=True)
class Workload:
    """``jobs`` in order of submission; the key of each is its place in ``job_ids``. Their times,
    as those of the world, which has no jobs of its own, count from ``world.origin_s``.
    """

    world: World
    jobs: tuple[Job, ...]
    job_ids: tuple[str, ...]  # of the log
    notes: tuple[str, ...]


def workload(trace: Trace, cluster: Cluster) -> Workload:
    """Jobs that ran to their end, as far as the cluster has what they ask for.

    A partition, GPU type, feature or size that the cluster lacks leaves the job out. Without its
    QOS a job has none, without its reservation it runs outside; accounts and users that are not in
    the share tree are added to it with one share each, if shares count at all. All that is noted.
    """
    reading = _Reading(trace, cluster)
    found = list(reading.jobs())
    return Workload(
        reading.world,
        tuple(job for _, job in found),
        tuple(job_id for job_id, _ in found),
        (*trace.notes, *cluster.notes, *reading.notes()),
    )


class _Reading:
    def __init__(self, trace: Trace, cluster: Cluster) -> None:
        self._trace = trace
        self._cluster = cluster
        self._left_out: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()
        self._root = _root(cluster.world.associations)
        self.world = self._with_people()
        self._qos = {qos.name for qos in self.world.qos}
        self._reservations = {one.name for one in self.world.reservations}
        self._partitions = {partition.name for partition in self.world.partitions}
        self._admission = Admission(self.world, ShareTree(self.world.associations))

    def notes(self) -> Iterator[str]:
        for reason, count in sorted(self._left_out.items()):
            yield f"jobs left out, {reason}: {count:,}"
        for what, count in sorted(self._changed.items()):
            yield f"{what}: {count:,}"

    def jobs(self) -> Iterator[tuple[str, Job]]:
        taken = 0
        for traced in self._trace.jobs:
            if traced.run_s is None:
                self._left_out["as they never ran or ran still"] += 1
                continue
            job = self._job(traced.asked, traced.run_s, taken)
            if job is None:
                continue
            pending = Pending(job, taken, None)
            self._admission.admit(pending)
            if not can_start(pending):
                never = pending.records[0].never or "PartitionDown"
                self._left_out[f"as they can never start here ({never})"] += 1
                continue
            taken += 1
            yield traced.asked.job_id, job

    def _job(self, asked: Asked, run_s: float, key: int) -> Job | None:
        partitions = self._partitions_of(asked)
        if not partitions:
            return None
        try:
            request = _request(asked, partitions[0], self._cluster.site)
        except ValueError as error:
            self._left_out[f"as {error}"] += 1
            return None
        told = asked.request
        submit_s = asked.submit_s - self.world.origin_s
        eligible_at = None if told is None else told.eligible_at
        eligible_s = None if eligible_at is None else eligible_at.timestamp() - self.world.origin_s
        return Job(
            key=key,
            user=asked.user,
            account=asked.group or self._root,
            partitions=partitions,
            qos=self._known("QOS", None if told is None else told.qos, self._qos),
            submit_s=submit_s,
            eligible_s=None if eligible_s is None or eligible_s <= submit_s else eligible_s,
            limit_s=asked.limit_s,
            run_s=run_s,
            array_id=None if told is None else told.array_job_id,
            reservation=self._known(
                "reservation", None if told is None else told.reservation, self._reservations
            ),
            **request,
        )

    def _partitions_of(self, asked: Asked) -> tuple[str, ...]:
        """Those of the cluster, of the ones that the log names."""
        named = tuple(name for name in asked.partition.split(",") if name)
        found = tuple(name for name in (named or ("",)) if name in self._partitions)
        if found:
            return found
        if named:
            self._left_out[f"their partition, {asked.partition}, is not in the cluster"] += 1
        elif self._cluster.default_partition is not None:
            self._changed[f"jobs put into partition {self._cluster.default_partition}"] += 1
            return (self._cluster.default_partition,)
        else:
            self._left_out["without a partition, and the cluster has no default"] += 1
        return ()

    def _known(self, kind: str, name: str | None, known: set[str]) -> str | None:
        if name is None or name in known:
            return name
        self._changed[f"jobs without their {kind}, {name}, which is not in the cluster"] += 1
        return None

    def _with_people(self) -> World:
        """The world, its share tree with everybody whom the log names."""
        world = self._cluster.world
        if not world.config.priority.weight_fair_share:
            return world
        known = {(one.account, one.user) for one in world.associations}
        added: dict[tuple[str, str | None], Association] = {}
        if not world.associations:
            added[self._root, None] = Association(self._root)
        for job in self._trace.jobs:
            account = job.asked.group or self._root
            for key in ((account, None), (account, job.asked.user)):
                if key not in known and key not in added and key[1] != "":
                    added[key] = Association(key[0], key[1], parent=self._root)
        if people := sum(user is not None for _, user in added):
            self._changed["users who are not in the cluster, added with one share each"] = people
        return replace(world, associations=(*world.associations, *added.values()))


def _root(associations: Iterable[Association]) -> str:
    roots = (one.account for one in associations if one.user is None and one.parent is None)
    return next(roots, "root")


def _request(asked: Asked, partition: str, site: Site) -> dict[str, Any]:
    if asked.request is not None:
        return request_fields(asked.request, partition, site)
    # A log of sizes does not tell how many nodes a job had: as few as it fits on.
    of_size = QueuedJob(0, "PENDING", asked.user, "", cpus=asked.procs, ntasks=asked.procs)
    fields = request_fields(of_size, partition, site)
    return fields | {"nodes": None, "mem_mib_per_node": 0, "mem_mib_per_cpu": 0}
