"""The simulated cluster in motion: Slurm's actors on one SimPy clock.

Submissions, main scheduler, backfill, priority decay, job ends and reservation edges. An actor
only decides when; what happens is decided by the pure modules beside this one. Passes that are
due at one instant run once, after everything else that happens then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from math import inf, nextafter

import simpy

from planner.sim import views
from planner.sim.admission import Admission
from planner.sim.amounts import allocated
from planner.sim.backfill import run_cycle
from planner.sim.cluster import World
from planner.sim.dependencies import Dependencies, Progress
from planner.sim.jobs import Job, Key
from planner.sim.mainsched import run_pass
from planner.sim.occupancy import Allocation, allocation_of
from planner.sim.outlook import Planned
from planner.sim.pricing import Pricing
from planner.sim.queue import Pending, Queue, Record
from planner.sim.state import Running, State
from planner.sim.timeline import expected_end_s
from planner.sim.views import EndedJob, NodeUse, RunningJob, ShareUse, WaitingJob

Actor = Generator[simpy.Event, None, None]


class Simulation:
    """One cluster from the world's origin on. Deterministic: the same calls give the same starts.

    ``on_start`` and ``on_end`` are called at the simulated instant, after the state has changed.
    ``keeps_plan`` False saves the part of backfill that no start depends on. How a job ended is
    known to dependencies on it for ``retention_s``. Raises ValueError on a job that names what the
    world does not have.
    """

    def __init__(
        self,
        world: World,
        *,
        on_start: Callable[[RunningJob], None] | None = None,
        on_end: Callable[[EndedJob], None] | None = None,
        keeps_plan: bool = True,
        retention_s: float = 300.0,
    ) -> None:
        self._config = world.config
        self._env = simpy.Environment()
        self._pricing = Pricing(world)
        self._admission = Admission(world, self._pricing.shares)
        self._state = State(world)
        self._queue = Queue()
        self._dependencies = Dependencies()
        self._ended: deque[EndedJob] = deque()
        self._retention_s = retention_s
        self._on_start, self._on_end = on_start, on_end
        self._plan: dict[Key, Planned] | None = {} if keeps_plan else None
        self._submitted = 0
        self._changes = 0  # counts all that a scheduling pass could react to
        self._changes_main_saw = -1
        self._last_pass_s = -self._config.main_min_delay_s
        self._pass_due = False
        self._load(world)

    # What the outside may do, between two calls of run.

    @property
    def now_s(self) -> float:
        return float(self._env.now)

    def run(self, until_s: float) -> None:
        """Let time pass up to and including ``until_s``; no step back in time, no error."""
        while self._env.peek() <= until_s:
            self._env.step()
        if until_s > self._env.now:
            self._env.run(until=until_s)

    def submit(self, job: Job) -> None:
        """Queue the job now, or at its ``submit_s`` if that is still to come."""
        if job.start_s is not None:
            raise ValueError(f"job {job.key!r} already runs; give it to the world instead")
        if job.key in self._queue.pending or job.key in self._state.running:
            raise ValueError(f"job {job.key!r} is already in the cluster; give a new key")
        if job.submit_s <= self._env.now:
            self._arrive(job)
            return
        self._to_come += 1
        self._at(job.submit_s, lambda: self._arrive_at_last(job))

    def cancel(self, key: Key) -> None:
        """End a job now, pending or running. Raises KeyError if it is neither."""
        running = self._state.running.get(key)
        if running is not None:
            self._end(running, cancelled=True)
            return
        pending = self._queue.pending[key]
        self._queue.remove(pending)
        if self._plan is not None:
            self._plan.pop(key, None)
        partition = pending.job.partitions[0]
        self._close(
            EndedJob(pending.job, partition, None, self.now_s, (), cancelled=True), ok=False
        )

    def hold(self, key: Key, reason: str = "JobHeldUser") -> None:
        """Keep a pending job from starting. Raises KeyError if it is not pending."""
        self._set_held(self._queue.pending[key], reason)

    def release(self, key: Key) -> None:
        """Undo a hold. Raises KeyError if the job is not pending."""
        self._set_held(self._queue.pending[key], None)

    def stop_planning(self) -> None:
        """Go on as if made with ``keeps_plan`` False; the plan is forgotten."""
        self._plan = None

    # What the outside may see.

    def queue(self) -> list[WaitingJob]:
        """Pending jobs, one entry per partition named, in the order the scheduler walks them."""
        plan = self._plan or {}
        return [
            views.waiting(r, plan.get(r.job.key), self._state.nodes) for r in self._queue.in_order()
        ]

    def running(self) -> list[RunningJob]:
        return [views.running(one, self._state.nodes) for one in self._state.running.values()]

    def nodes(self) -> list[NodeUse]:
        return views.node_use(self._state)

    def shares(self) -> list[ShareUse]:
        """The share tree as of the last calc period, in the world's order."""
        return views.share_use(self._pricing)

    def may_start(self) -> bool:
        """Whether any pending job, or one still to be submitted, could start by waiting."""
        return self._to_come > 0 or any(
            views.can_start(pending) for pending in self._queue.pending.values()
        )

    # Actors.

    def _load(self, world: World) -> None:
        """Put the world's jobs in place and start the actors."""
        future: list[Job] = []
        waiting: list[Job] = []
        for job in world.jobs:
            if job.start_s is not None:
                self._adopt(job, job.start_s)
                continue
            self._dependencies.note(job.key, Progress.PENDING)
            (future if job.submit_s > 0 else waiting).append(job)
        for job in waiting:
            self._arrive(job)
        self._to_come = len(future)
        process = self._env.process
        process(self._submissions(sorted(future, key=lambda job: job.submit_s)))
        process(self._decay())
        if self._config.main_interval_s > 0:
            process(self._main_scheduler())
        if self._config.backfill:
            process(self._backfill())
        for reservation in world.reservations:
            for edge_s in (reservation.start_s, reservation.end_s):
                if edge_s > 0:
                    self._at(edge_s, self._changed)
        if (world.nodes.usable_in_plan & ~world.nodes.usable_now).any():
            self._at(self._state.returns_s, self._return_nodes)

    def _submissions(self, jobs: list[Job]) -> Actor:
        for job in jobs:
            if job.submit_s > self._env.now:
                yield self._env.timeout(job.submit_s - self._env.now)
            self._arrive_at_last(job)

    def _main_scheduler(self) -> Actor:
        while True:
            yield self._env.timeout(0)  # behind all else that is due now
            self._main_pass(depth=None)
            yield self._env.timeout(self._config.main_interval_s)

    def _main_pass(self, depth: int | None) -> None:
        if self._changes_main_saw == self._changes:
            return
        self._last_pass_s = self.now_s
        records = self._queue.in_order()
        whole = run_pass(records, self._state, self.now_s, depth, self._start)
        if whole:
            self._changes_main_saw = self._changes

    def _changed(self) -> None:
        """Something happened: a main pass is due, but no sooner than batch_sched_delay allows."""
        self._changes += 1
        if self._pass_due or self._config.main_interval_s <= 0:
            return
        self._pass_due = True
        self._at(
            max(self.now_s, self._last_pass_s + self._config.main_min_delay_s), self._event_pass
        )

    def _event_pass(self) -> None:
        self._pass_due = False
        self._main_pass(self._config.main_queue_depth)

    def _backfill(self) -> Actor:
        seen = -1
        while True:
            yield self._env.timeout(0)
            if seen != self._changes:
                seen = self._changes
                yield from self._cycle()
            yield self._env.timeout(self._config.bf_interval_s)

    def _cycle(self) -> Actor:
        records = self._queue.in_order()
        cycle = run_cycle(records, self._state, self.now_s, self._start, self._plan)
        for pause_s in cycle:
            before = self._changes
            yield self._env.timeout(pause_s)
            if self._changes != before and not self._config.bf_continue:
                return

    def _decay(self) -> Actor:
        """Every calc period: charge and decay usage, and price the queue anew."""
        while True:
            yield self._env.timeout(self._config.priority.calc_period_s)
            for running in self._state.running.values():
                self._pricing.charge(running, self.now_s)
            self._pricing.end_period()
            priced = [self._pricing.price(p, self.now_s) for p in self._queue.pending.values()]
            if any(priced):
                self._queue.reorder()
                self._changes += 1
            self._drop_ended()

    # What happens to a job.

    def _arrive(self, job: Job) -> None:
        pending = Pending(job, self._submitted, job.held)
        self._submitted += 1
        self._admission.admit(pending)
        self._dependencies.note(job.key, Progress.PENDING)
        self._dependencies.watch(pending)
        self._queue.add(pending)
        self._settle(pending)
        self._pricing.price(pending, self.now_s)
        self._changed()

    def _arrive_at_last(self, job: Job) -> None:
        self._to_come -= 1
        self._arrive(job)

    def _adopt(self, job: Job, start_s: float) -> None:
        """Take over a job that runs at the origin."""
        pending = Pending(job, self._submitted, None)
        self._submitted += 1
        self._admission.admit(pending)
        record = pending.records[0]
        allocation = allocation_of(job.allocation, self._state.nodes)
        running = self._run(record, allocation, start_s)
        if job.run_s is None:
            end_s = expected_end_s(start_s, record.limit_s, 0.0, self._config)
        else:
            end_s = max(0.0, start_s + job.run_s)
        self._at(end_s, lambda: self._end(running, cancelled=False))

    def _start(self, record: Record, allocation: Allocation) -> None:
        pending, now_s = record.pending, self.now_s
        self._queue.remove(pending)
        if self._plan is not None:
            self._plan.pop(pending.job.key, None)
        running = self._run(record, allocation, now_s)
        run_s = record.limit_s if pending.job.run_s is None else pending.job.run_s
        self._at(now_s + run_s, lambda: self._end(running, cancelled=False))
        if self._on_start is not None:
            self._on_start(views.running(running, self._state.nodes))

    def _run(self, record: Record, allocation: Allocation, start_s: float) -> Running:
        amounts = allocated(allocation, record.partition, self._state.nodes)
        running = Running(
            record, start_s, record.limit_s, allocation, amounts, max(start_s, self.now_s)
        )
        self._state.take(running)
        self._changes += 1
        self._progress(record.job.key, Progress.STARTED)
        return running

    def _end(self, running: Running, *, cancelled: bool) -> None:
        job = running.job
        if self._state.running.get(job.key) is not running:
            return  # cancelled earlier
        self._state.release(running)
        self._pricing.charge(running, self.now_s)
        seen = views.running(running, self._state.nodes)
        ended = EndedJob(
            job, seen.partition, seen.start_s, self.now_s, seen.allocation, cancelled=cancelled
        )
        self._close(ended, ok=job.succeeds and not cancelled)

    def _close(self, ended: EndedJob, *, ok: bool) -> None:
        self._ended.append(ended)
        self._progress(ended.job.key, Progress.SUCCEEDED if ok else Progress.FAILED)
        self._changed()
        if self._on_end is not None:
            self._on_end(ended)

    def _drop_ended(self) -> None:
        while self._ended and self._ended[0].end_s < self.now_s - self._retention_s:
            key = self._ended.popleft().job.key
            if key not in self._queue.pending and key not in self._state.running:
                self._dependencies.forget(key)

    def _progress(self, key: Key, progress: Progress) -> None:
        for child in self._dependencies.note(key, progress):
            self._settle(child)

    def _settle(self, pending: Pending) -> None:
        """See whether its dependencies let the job become eligible, and when."""
        job = pending.job
        if pending.eligible_s is not None:
            return
        verdict = self._dependencies.verdict(job.dependencies)
        if verdict is None:
            return
        if not verdict:
            pending.never = "DependencyNeverSatisfied"
            return
        since_s = self.now_s if job.dependencies else job.submit_s
        pending.eligible_s = since_s if job.eligible_s is None else max(since_s, job.eligible_s)
        if pending.eligible_s > self.now_s:
            self._at(pending.eligible_s, self._changed)

    def _set_held(self, pending: Pending, reason: str | None) -> None:
        pending.held = reason
        self._pricing.price(pending, self.now_s)
        self._queue.reorder()
        self._changed()

    # Clockwork.

    def _return_nodes(self) -> None:
        self._state.usable_now = self._state.usable_now | self._state.usable_in_plan
        self._changed()

    def _at(self, at_s: float, action: Callable[[], None]) -> None:
        """Act at that time and never a rounding error before it: nobody would look again."""
        delay_s = at_s - self._env.now
        while self._env.now + delay_s < at_s:
            delay_s = nextafter(delay_s, inf)
        event = self._env.timeout(delay_s)
        event.callbacks.append(lambda _: action())
