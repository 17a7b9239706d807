"""A hidden world in motion: what it lets be seen of itself, and what it then does.

The cluster runs from idle with true run times under the true parameters. A look at it gives what
a capture would hold; whoever asks when a further job would start gets the truth, with all that is
submitted later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf

from bench.hidden_kinds import BEGIN, Kind
from bench.hidden_load import Submission, queued, tres
from planner.sim.cluster import World
from planner.sim.engine import Simulation
from planner.sim.jobs import Job
from planner.sim.views import EndedJob, RunningJob
from planner.snapshot import Facts, build
from planner.snapshot.requests import Site, request_fields
from tracker.slurm import records as slurm

STRIDE_S = 300.0  # also a calc period: a look comes right after one has ended
LONGEST_WAIT_S = 3 * 86_400.0  # the truth is not followed further
MOST_WAITING = 80  # whoever comes before a look and finds so many goes elsewhere


@dataclass(frozen=True, slots=True)
class Seen:
    """What a capture holds of one instant."""

    facts: Facts
    accounted: list[slurm.AccountedJob]


class TrueWorld:
    """``config``: how the controller truly works; those who look are told that of ``kind``."""

    def __init__(
        self, kind: Kind, config: slurm.ClusterConfig, submissions: Sequence[Submission]
    ) -> None:
        self._kind = kind
        self._config = config
        self._submissions = submissions
        idle = replace(kind.facts, config=config)
        self._idle = build(idle).world
        self._site = Site.of(idle, self._idle.nodes, self._idle.partitions)
        self._jobs = [self._job(place, one) for place, one in enumerate(submissions)]
        self._next = 0
        self._submitted: list[int] = []
        self._starts: dict[int, RunningJob] = {}
        self._ends: dict[int, EndedJob] = {}
        self._simulation = Simulation(
            self._idle, on_start=self._note_start, on_end=self._note_end, keeps_plan=False
        )

    def run(self, until_s: float) -> None:
        """``until_s`` from the beginning: a multiple of STRIDE_S."""
        while self._simulation.now_s < until_s:
            next_s = self._simulation.now_s + STRIDE_S
            has_room = self.waiting < MOST_WAITING
            while self._is_due(next_s):
                if has_room:
                    self._simulation.submit(self._jobs[self._next])
                    self._submitted.append(self._next)
                self._next += 1
            self._simulation.run(next_s)

    @property
    def waiting(self) -> int:
        return len(self._simulation.queue())

    def look(self) -> Seen:
        facts = self._facts(self._kind.config)
        accounted = [self._accounted(place) for place in self._submitted]
        return Seen(facts, accounted)

    def future(self) -> Future:
        """All that is to come, from now on."""
        now_s = self._simulation.now_s
        world = build(self._facts(self._config)).world
        here = [replace(job, run_s=self._run_s(int(str(job.key)))) for job in world.jobs]
        last_s = now_s + LONGEST_WAIT_S
        later = [
            replace(job, key=str(job.key), submit_s=job.submit_s - now_s)
            for job in self._jobs[self._next :]
            if job.submit_s <= last_s
        ]
        return Future(replace(world, jobs=(*here, *later)))

    def _is_due(self, until_s: float) -> bool:
        return self._next < len(self._jobs) and self._jobs[self._next].submit_s <= until_s

    def _job(self, place: int, one: Submission) -> Job:
        record = queued(place, one.project, self._kind, state="PENDING")
        return Job(
            key=place,
            user=record.user,
            account=record.account or "",
            partitions=record.partitions,
            qos=record.qos,
            submit_s=one.at_s,
            limit_s=60.0 * one.project.limit_minutes,
            run_s=self._run_s(place),
            **request_fields(record, one.project.partition, self._site),
        )

    def _run_s(self, place: int) -> float:
        one = self._submissions[place]
        return min(one.run_s, 60.0 * one.project.limit_minutes)

    def _note_start(self, started: RunningJob) -> None:
        self._starts[int(str(started.job.key))] = started

    def _note_end(self, ended: EndedJob) -> None:
        self._ends[int(str(ended.job.key))] = ended

    def _facts(self, config: slurm.ClusterConfig) -> Facts:
        queue = [*self._running(), *self._pending()]
        shares = tuple(self._shares())
        at = _at(self._simulation.now_s)
        return replace(self._kind.facts, taken_at=at, queue=queue, config=config, shares=shares)

    def _running(self) -> Iterator[slurm.QueuedJob]:
        for running in self._simulation.running():
            place = int(str(running.job.key))
            one = self._submissions[place]
            yield queued(
                place,
                one.project,
                self._kind,
                state="RUNNING",
                submit_at=_at(one.at_s),
                start_at=_at(running.start_s),
                tres_alloc=_allocated(running),
                node_list=",".join(share.node for share in running.allocation),
            )

    def _pending(self) -> Iterator[slurm.QueuedJob]:
        for waiting in self._simulation.queue():
            place = int(str(waiting.job.key))
            one = self._submissions[place]
            yield queued(
                place,
                one.project,
                self._kind,
                state="PENDING",
                reason="Priority",
                priority=waiting.priority,
                submit_at=_at(one.at_s),
                eligible_at=_at(one.at_s),
            )

    def _shares(self) -> Iterator[slurm.Share]:
        """As sshare: each account, then its users."""
        shares = self._simulation.shares()
        usage = {(one.association.account, one.association.user): one.usage for one in shares}
        order = sorted(usage, key=lambda key: (key[0] != "root", key[0], key[1] or ""))
        raw = {(a.account, a.user): a.shares for a in self._kind.facts.associations}
        for account, user in order:
            depth = 0 if account == "root" else 1 if user is None else 2
            yield slurm.Share(account, user, depth, raw[account, user], usage[account, user])

    def _accounted(self, place: int) -> slurm.AccountedJob:
        one, project = self._submissions[place], self._submissions[place].project
        started, ended = self._starts.get(place), self._ends.get(place)
        record = queued(place, project, self._kind, state="PENDING")
        return slurm.AccountedJob(
            place,
            "COMPLETED" if ended else "RUNNING" if started else "PENDING",
            record.user,
            project.name,
            account=record.account,
            partition=project.partition,
            qos=project.qos,
            submit_at=_at(one.at_s),
            eligible_at=_at(one.at_s),
            start_at=_at(started.start_s) if started else None,
            end_at=_at(ended.end_s) if ended else None,
            limit_minutes=project.limit_minutes,
            req_cpus=record.cpus,
            req_nodes=project.nodes,
            req_tres=tres(project),
            node_list=",".join(share.node for share in started.allocation) if started else None,
        )


class Future:
    """What the true world does from the instant of a look on, with one more job or without."""

    def __init__(self, world: World) -> None:
        self.world = world

    def start_s(self, probe: Job, run_s: float) -> float:
        """From the look on; infinite: not within LONGEST_WAIT_S. It would run for ``run_s``."""
        found: list[float] = []

        def note(started: RunningJob) -> None:
            if started.job.key == probe.key:
                found.append(started.start_s)

        limit_s = inf if probe.limit_s is None else probe.limit_s
        job = replace(probe, run_s=min(run_s, limit_s))
        world = replace(self.world, jobs=(*self.world.jobs, job))
        simulation = Simulation(world, on_start=note, keeps_plan=False)
        while not found and simulation.now_s < LONGEST_WAIT_S:
            simulation.run(simulation.now_s + STRIDE_S)
        return found[0] if found else inf


def _at(since_s: float) -> datetime:
    return BEGIN + timedelta(seconds=since_s)


def _allocated(running: RunningJob) -> slurm.Tres:
    gpus: dict[str, int] = {}
    for share in running.allocation:
        for kind, count in share.gpus.items():
            gpus[kind] = gpus.get(kind, 0) + count
    return slurm.Tres(
        cpus=sum(share.cpus for share in running.allocation),
        mem_mib=sum(share.mem_mib for share in running.allocation),
        nodes=len(running.allocation),
        gpus=sum(gpus.values()) or None,
        gpus_by_type=gpus,
    )
