"""The simulated cluster in motion: Slurm's actors on one SimPy clock.

Submissions, calc periods, job ends, preemption and reservation edges are here, the schedulers in
scheduling. An actor only decides when; what happens is decided by the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Callable

import simpy

from planner.sim import views
from planner.sim.admission import Admission
from planner.sim.amounts import allocated
from planner.sim.clock import call_at
from planner.sim.cluster import World
from planner.sim.eligibility import Eligibility
from planner.sim.jobs import Job, Key
from planner.sim.occupancy import Allocation, allocation_of
from planner.sim.preemption import Preemption, patience_s
from planner.sim.pricing import Pricing
from planner.sim.queue import Pending, Queue, Record
from planner.sim.scheduling import Actor, Scheduling
from planner.sim.state import Running, State
from planner.sim.timeline import expected_end_s
from planner.sim.views import EndedJob, NodeUse, RunningJob, ShareUse, WaitingJob


class Simulation:
    """One cluster from the world's origin on. Deterministic: the same calls give the same starts.

    ``on_start`` and ``on_end`` are called at the simulated instant, after the state has changed,
    ``on_requeue`` with what a job has run in vain when it goes back to the queue under its key.
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
        on_requeue: Callable[[EndedJob], None] | None = None,
        keeps_plan: bool = True,
        retention_s: float = 300.0,
    ) -> None:
        self._config = world.config
        self._env = simpy.Environment()
        self._pricing = Pricing(world)
        self._admission = Admission(world, self._pricing.shares)
        self._state = State(world)
        self._preemption: Preemption | None = None
        self._queue = Queue()
        if self._config.preemption is not None:
            self._preemption = Preemption(world, self._state, self._evict, self._config.preemption)
            self._queue.outranks = self._preemption.outranks
        self._scheduling = Scheduling(
            self._env, self._state, self._queue, self._start, self._preemption
        )
        self._eligibility = Eligibility(
            self._env, self._scheduling.note_time, self._is_here, retention_s
        )
        self._on_start, self._on_end, self._on_requeue = on_start, on_end, on_requeue
        self._submitted = 0
        if not keeps_plan:
            self.stop_planning()
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
        if self._is_here(job.key):
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
        self._leave_queue(pending)
        partition = pending.job.partitions[0]
        self._close(
            EndedJob(pending.job, partition, None, self.now_s, None, cancelled=True), ok=False
        )
        self._scheduling.call()

    def hold(self, key: Key, reason: str = "JobHeldUser") -> None:
        """Keep a pending job from starting. Raises KeyError if it is not pending."""
        self._set_held(self._queue.pending[key], reason)

    def release(self, key: Key) -> None:
        """Undo a hold. Raises KeyError if the job is not pending."""
        self._set_held(self._queue.pending[key], None)

    def fail_node(self, name: str) -> None:
        """The node goes down now; its jobs wait again, or end where they may not (NODE_FAIL).

        Raises KeyError on a name that no node has.
        """
        index = self._state.nodes.index_of[name]
        self._state.set_usable(index, usable=False)
        for running in list(self._state.running.values()):
            if index in running.allocation.nodes:
                self._take_down(running, requeues=running.job.requeues)
        self._scheduling.call()

    def return_node(self, name: str) -> None:
        """The node takes jobs again; those refused for good for want of it stay refused."""
        self._state.set_usable(self._state.nodes.index_of[name], usable=True)
        self._scheduling.call()

    def stop_planning(self) -> None:
        """Go on as if made with ``keeps_plan`` False; the plan is forgotten."""
        self._scheduling.plan = None

    # What the outside may see.

    def queue(self) -> list[WaitingJob]:
        """Pending jobs, one entry per partition named, in the order the scheduler walks them."""
        plan = self._scheduling.plan or {}
        self._pricing.tell_factors()
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
            self._eligibility.expect(job.key)
            (future if job.submit_s > 0 else waiting).append(job)
        for job in waiting:
            self._arrive(job, as_of_s=self._config.priority.last_calc_s)
        self._to_come = len(future)
        process = self._env.process
        process(self._submissions(sorted(future, key=lambda job: job.submit_s)))
        process(self._calc_periods())
        self._scheduling.run()
        if (world.nodes.usable_in_plan & ~world.nodes.usable_now).any():
            self._at(self._state.returns_s, self._return_nodes)

    def _submissions(self, jobs: list[Job]) -> Actor:
        for job in jobs:
            if job.submit_s > self._env.now:
                yield self._env.timeout(job.submit_s - self._env.now)
            self._arrive_at_last(job)

    def _calc_periods(self) -> Actor:
        wait_s = self._config.priority.last_calc_s
        while True:
            wait_s += self._config.priority.calc_period_s
            yield self._env.timeout(wait_s)
            wait_s = 0.0
            running, waiting = self._state.running.values(), self._queue.pending.values()
            if self._pricing.end_period(running, waiting, self.now_s):
                self._queue.reorder()
                self._scheduling.note_change()

    # What happens to a job.

    def _arrive(self, job: Job, *, as_of_s: float | None = None) -> None:
        pending = Pending(job, self._submitted, job.held)
        self._submitted += 1
        self._admission.admit(pending)
        self._eligibility.arrive(pending)
        self._queue.add(pending)
        self._pricing.price(pending, self.now_s if as_of_s is None else as_of_s)
        self._scheduling.call()

    def _arrive_at_last(self, job: Job) -> None:
        self._to_come -= 1
        self._arrive(job)

    def _adopt(self, job: Job, start_s: float) -> None:
        """Take over a job that runs at the origin."""
        pending = Pending(job, self._submitted, None)
        self._submitted += 1
        self._admission.admit(pending)
        if self._preemption is not None:  # some preempt only jobs of lower priority
            pending.eligible_s = job.submit_s
            self._pricing.price(pending, start_s)
        record = pending.records[0]
        allocation = allocation_of(job.allocation, self._state.nodes)
        running = self._run(record, allocation, start_s)
        if job.run_s is None:
            end_s = expected_end_s(start_s, record.limit_s, 0.0, self._config)
        else:
            end_s = max(0.0, start_s + job.run_s)
        self._at(end_s, lambda: self._end(running))

    def _start(self, record: Record, allocation: Allocation) -> None:
        pending, now_s = record.pending, self.now_s
        self._leave_queue(pending)
        running = self._run(record, allocation, now_s)
        run_s = record.limit_s if pending.job.run_s is None else pending.job.run_s
        self._at(now_s + run_s, lambda: self._end(running))
        if self._on_start is not None:
            self._on_start(views.running(running, self._state.nodes))

    def _run(self, record: Record, allocation: Allocation, start_s: float) -> Running:
        amounts = allocated(allocation, record.partition, self._state.nodes)
        charged_from_s = max(start_s, self._config.priority.last_calc_s)
        running = Running(record, start_s, record.limit_s, allocation, amounts, charged_from_s)
        self._state.take(running)
        self._scheduling.note_change()
        if self._preemption is not None and self._preemption.is_prey(record):
            exempt_s = self._preemption.exempt_s(record)
            if start_s + exempt_s > self.now_s:
                self._at(start_s + exempt_s, self._scheduling.note_time)
        self._eligibility.note_start(record.job.key)
        return running

    def _evict(self, running: Running, grace_s: float, requeues: bool) -> None:
        """Take a preempted job down after its grace time, or else after the pass under way."""
        if running.gone_at_s is not None:
            return

        def take_down() -> None:
            self._take_down(running, requeues=requeues)

        running.gone_at_s = self.now_s + grace_s
        self._state.expect_end(running, max(running.gone_at_s, self.now_s + 1))
        if grace_s > 0:
            self._at(running.gone_at_s, take_down)
        else:
            self._scheduling.after_pass(take_down)
        self._scheduling.note_change()
        self._at(self.now_s + patience_s(self._config), self._scheduling.note_time)

    def _take_down(self, running: Running, *, requeues: bool) -> None:
        """End a job before its time, or put it back into the queue."""
        if self._state.running.get(running.job.key) is not running:
            return  # over before
        if not requeues:
            self._end(running, evicted=True)
            return
        in_vain = self._stop(running, evicted=True)
        self._arrive(running.job.requeued(self.now_s, self._config.requeue_delay_s))
        if self._on_requeue is not None:
            self._on_requeue(in_vain)

    def _end(self, running: Running, *, cancelled: bool = False, evicted: bool = False) -> None:
        if self._state.running.get(running.job.key) is not running:
            return  # over before
        ended = self._stop(running, cancelled=cancelled, evicted=evicted)
        self._close(ended, ok=running.job.succeeds and not cancelled and not evicted)

    def _stop(
        self, running: Running, *, cancelled: bool = False, evicted: bool = False
    ) -> EndedJob:
        self._state.release(running)
        self._pricing.charge(running, self.now_s)
        self._scheduling.call_at_once()
        return views.ended(
            running, self.now_s, self._state.nodes, cancelled=cancelled, evicted=evicted
        )

    def _close(self, ended: EndedJob, *, ok: bool) -> None:
        self._eligibility.note_end(ended.job.key, ok=ok)
        if self._on_end is not None:
            self._on_end(ended)

    def _is_here(self, key: Key) -> bool:
        return key in self._queue.pending or key in self._state.running

    def _set_held(self, pending: Pending, reason: str | None) -> None:
        pending.held = reason
        self._pricing.tell_factors()  # before what is newer
        self._pricing.price(pending, self.now_s)
        self._queue.reorder()
        self._scheduling.call()

    def _leave_queue(self, pending: Pending) -> None:
        self._queue.remove(pending)
        self._scheduling.forget(pending.job.key)

    def _return_nodes(self) -> None:
        self._state.usable_now |= self._state.usable_in_plan
        self._scheduling.call()

    def _at(self, at_s: float, action: Callable[[], None]) -> None:
        call_at(self._env, at_s, lambda _: action())
