"""Where a hypothetical job would start first: one option per partition, ranked.

Pure: a world, a request, and an answer. Each option is simulated on its own, with the request put
in as one more job of its user at the end of the queue; its rank follows from the priority that the
simulator computes for it. Jobs run as long as their limits, so a start is the planned one and a
finish the latest one; the spread (p10, p90) comes with sampled run times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from planner.refusals import sentence
from planner.request import Request
from planner.sim.admission import Admission
from planner.sim.cluster import Partition, World
from planner.sim.engine import Simulation
from planner.sim.fairshare import ShareTree
from planner.sim.jobs import Job
from planner.sim.queue import Pending, Record
from planner.sim.views import RunningJob, WaitingJob
from planner.snapshot.requests import Site, request_fields
from tracker.slurm.reasons import explain
from tracker.slurm.records import QueuedJob, Tres

PROBE = "hypothetical"  # its key; those of real jobs are numbers
STEP_S = 1800.0  # the simulation stops at the first of these after the start


@dataclass(frozen=True, slots=True)
class Option:
    """The request in one partition. Times are seconds from the snapshot."""

    partition: str
    request: Request
    limit_minutes: int | None
    why_not: str | None  # None: allowed
    start_s: float | None = None  # None: not within the horizon, or not allowed
    nodes: tuple[str, ...] = ()  # where it would start
    billing_units: float | None = None
    reasons: tuple[str, ...] = ()

    @property
    def finish_s(self) -> float | None:
        if self.start_s is None or self.limit_minutes is None:
            return None
        return self.start_s + self.limit_minutes * 60

    def as_json(self) -> dict[str, Any]:
        """Keys as ``manage.py plan`` prints them."""
        return {
            "partition": self.partition,
            "qos": self.request.qos,
            "gpu_type": self.request.gpu_type,
            "nodes": self.request.nodes,
            "planned_nodes": list(self.nodes),
            "limit_minutes": self.limit_minutes,
            "begin_at": None,
            "allowed": self.why_not is None,
            "why_not": self.why_not,
            "start": {"p10_s": None, "p50_s": self.start_s, "p90_s": None},
            "finish": {"p10_s": None, "p50_s": self.finish_s, "p90_s": None},
            "p_within_10_min": None,
            "billing_units": self.billing_units,
            "sbatch_args": self.request.sbatch_args(self.partition),
            "reasons": list(self.reasons),
        }


def advise(world: World, site: Site, request: Request, *, horizon_s: float) -> tuple[Option, ...]:
    """Every partition asked for, the earliest start first and those that refuse it last.

    A request that names none asks for all but the hidden ones.
    """
    names = request.partitions or [p.name for p in site.partitions.values() if not p.hidden]
    options = [
        _option(world, site, p, request, horizon_s) for p in world.partitions if p.name in names
    ]
    return tuple(sorted(options, key=_rank))


def _rank(option: Option) -> tuple[bool, bool, float, float]:
    start_s = option.start_s or 0.0
    return (
        option.why_not is not None,
        option.start_s is None,
        start_s,
        option.finish_s or float("inf"),
    )


def probe_of(world: World, site: Site, request: Request, partition: str) -> Job:
    """The request as one more job, submitted at the instant of the snapshot and normalised as those
    in the queue are."""
    gpus = {request.gpu_type: request.gpus} if request.gpu_type else {}
    queued = QueuedJob(
        job_id=0,
        state="PENDING",
        user=request.user,
        name=PROBE,
        node_count=request.nodes,
        ntasks=request.ntasks,
        cpus=request.ntasks * request.cpus,
        mem_mib=request.mem_mib,
        tres_per_job=Tres(gpus=request.gpus or None, gpus_by_type=gpus),
        features="&".join(request.constraint) or None,
    )
    return Job(
        key=PROBE,
        user=request.user,
        account=request.account or _account_of(world, request.user),
        partitions=(partition,),
        qos=request.qos,
        limit_s=None if request.limit_minutes is None else request.limit_minutes * 60.0,
        **request_fields(queued, partition, site),
    )


def _account_of(world: World, user: str) -> str:
    """The first account of the user: what sbatch takes where none is named, or "" if unknown."""
    return next((a.account for a in world.associations if a.user and a.user == user), "")


def _option(
    world: World, site: Site, partition: Partition, request: Request, horizon_s: float
) -> Option:
    # A type that no node has cannot be put into the world's arrays, so it is refused before.
    if request.gpu_type and request.gpu_type not in world.nodes.gpu_types:
        refusal = sentence("BadConstraints", world, partition, request)
        return Option(partition.name, request, request.limit_minutes, refusal)
    probe = probe_of(world, site, request, partition.name)
    record = _record_of(world, probe)
    limit_minutes = round(record.limit_s / 60)
    why_not: str | None = None
    if not partition.up:
        why_not = explain("PartitionDown").why
    elif record.never is not None:
        why_not = sentence(record.never, world, partition, request)
    option = Option(
        partition.name, request, limit_minutes, why_not, billing_units=record.amounts["billing"]
    )
    if why_not is not None:
        return option
    started, reasons = _simulated(world, probe, horizon_s)
    if started is None:
        return replace(option, reasons=reasons)
    nodes = tuple(share.node for share in started.allocation)
    return replace(option, start_s=started.start_s, nodes=nodes, reasons=reasons)


def _record_of(world: World, probe: Job) -> Record:
    """What the scheduler makes of the probe: its limit, what it bills, why it can never start."""
    pending = Pending(probe, sequence=0, held=None)
    Admission(world, ShareTree(world.associations)).admit(pending)
    (record,) = pending.records
    return record


def _simulated(
    world: World, probe: Job, horizon_s: float
) -> tuple[RunningJob | None, tuple[str, ...]]:
    """Its start within the horizon, and what stands before it at the instant of the snapshot."""
    started: list[RunningJob] = []

    def on_start(running: RunningJob) -> None:
        if running.job.key == PROBE:
            started.append(running)

    by_limit = tuple(replace(job, run_s=None) for job in world.jobs)
    simulation = Simulation(
        replace(world, jobs=(*by_limit, probe)), on_start=on_start, keeps_plan=False
    )
    simulation.run(0.0)
    reasons = _standing_before(simulation.queue(), probe.partitions[0])
    while not started and simulation.now_s < horizon_s:
        simulation.run(min(horizon_s, simulation.now_s + STEP_S))
    return (started[0] if started else None), reasons


def _standing_before(queue: Sequence[WaitingJob], partition: str) -> tuple[str, ...]:
    ahead = 0
    for waiting in queue:
        if waiting.job.key == PROBE:
            why = explain(waiting.reason).why
            jobs = "job of the partition is" if ahead <= 1 else "jobs of the partition are"
            return (f"{ahead or 'No'} waiting {jobs} ahead of it.", why)
        ahead += waiting.partition == partition and not waiting.never
    return ()
