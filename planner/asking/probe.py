"""A hypothetical job in the queue of a world: what the scheduler makes of it, and its starts."""

from __future__ import annotations

from dataclasses import replace

from planner.asking.request import Request
from planner.ensemble import Past, Starts, asked_run, joined, paced_interval_s, run_batch
from planner.sim.admission import Admission
from planner.sim.cluster import World
from planner.sim.fairshare import ShareTree
from planner.sim.jobs import Job
from planner.sim.queue import Pending, Record
from planner.snapshot.requests import Site, request_fields
from tracker.slurm.records import QueuedJob, Tres

PROBE = "hypothetical"  # its key; those of real jobs are numbers


def queued(request: Request, partition: str) -> QueuedJob:
    """The request as squeue would show it, were it submitted now."""
    per_node = request.gpus_per_node
    count = per_node or request.gpus or None
    gpus = Tres(gpus=count, gpus_by_type={request.gpu_type: count or 0} if request.gpu_type else {})
    return QueuedJob(
        job_id=0,
        state="PENDING",
        user=request.user,
        name=PROBE,
        partitions=(partition,),
        limit_minutes=request.limit_minutes,
        node_count=request.nodes,
        ntasks=request.ntasks,
        cpus=request.ntasks * request.cpus,
        mem_mib=request.mem_mib,
        mem_per_cpu=request.mem_per_cpu,
        exclusive=request.exclusive,
        tres_per_job=gpus if per_node is None else Tres(),
        tres_per_node=Tres() if per_node is None else gpus,
        features="&".join(request.constraint) or None,
    )


def probe_of(world: World, site: Site, request: Request, partition: str) -> Job:
    """The request as one more job, submitted at the instant of the snapshot and normalised as those
    in the queue are. Raises ValueError on what cannot be simulated."""
    begin_at = request.begin_at
    return Job(
        key=PROBE,
        user=request.user,
        account=request.account or account_of(world, request.user),
        eligible_s=None if begin_at is None else max(0.0, begin_at.timestamp() - world.origin_s),
        partitions=(partition,),
        qos=request.qos,
        limit_s=None if request.limit_minutes is None else request.limit_minutes * 60.0,
        **request_fields(queued(request, partition), partition, site),
    )


def account_of(world: World, user: str) -> str:
    """The first account of the user: what sbatch takes where none is named, or "" if unknown."""
    return next((a.account for a in world.associations if a.user and a.user == user), "")


class Gate:
    """Where jobs come into a world, for many of them."""

    def __init__(self, world: World) -> None:
        self._admission = Admission(world, ShareTree(world.associations))

    def record(self, probe: Job) -> Record:
        """Of a job of one partition."""
        pending = Pending(probe, sequence=0, held=None)
        self._admission.admit(pending)
        (record,) = pending.records
        return record


class Probed:
    """A world with the job in its queue, and the starts of its replicas so far."""

    def __init__(self, world: World, past: Past, probe: Job) -> None:
        self.partition = probe.partitions[0]
        self._world = replace(world, jobs=(*world.jobs, probe))
        self._past = replace(past, asked={**past.asked, PROBE: asked_run(probe, world)})
        self._batches: list[Starts] = []

    def run(self, seed: int, replicas: range, horizon_s: float) -> None:
        self._batches.append(
            run_batch(
                self._world,
                self._past,
                seed=seed,
                replicas=replicas,
                horizon_s=horizon_s,
                of=(PROBE,),
                bf_interval_s=paced_interval_s(self._world),
            )
        )

    @property
    def starts(self) -> Starts:
        """Of the job alone."""
        return joined(self._batches)
