"""When the main scheduler and backfill look at the queue.

An actor only decides when; what happens is decided by mainsched and backfill. Passes that are due
at one instant run once, after everything else that happens then.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from math import ceil

import simpy

from planner.sim.backfill import run_cycle
from planner.sim.clock import call_at
from planner.sim.jobs import Key
from planner.sim.kernel import compiled_place
from planner.sim.mainsched import Start, run_pass
from planner.sim.outlook import Planned
from planner.sim.preemption import Preemption
from planner.sim.queue import Queue
from planner.sim.state import State

Actor = Generator[simpy.Event, None, None]

LOOK_EVERY_S = 1.0  # as controller and backfill look whether anything is to be done


class Scheduling:
    """Slurm's two schedulers on one clock. ``plan`` is that of the last cycle; None: not kept."""

    def __init__(
        self,
        env: simpy.Environment,
        state: State,
        queue: Queue,
        start: Start,
        preemption: Preemption | None,
    ) -> None:
        self.plan: dict[Key, Planned] | None = {}
        self._env = env
        self._config = state.config
        self._state, self._queue = state, queue
        self._start, self._preemption = start, preemption
        self._changes = 0  # counts all that a cycle would be made for
        self._times = 0  # counts when more became possible, of which only a pass takes notice
        self._main_saw = (-1, -1)
        self._saw_all: Callable[[], bool] = lambda: False  # of that pass
        self._last_look_s = -self._config.main_min_delay_s  # of the controller, with a pass
        self._look_due_s: float | None = None
        self._end_seen = False  # at this instant; a pass follows
        self._idle: simpy.Event | None = None  # backfill waits for a change
        self._after_pass: list[Callable[[], None]] = []

    def run(self) -> None:
        """Start the actors that the configuration has."""
        if self._config.main_interval_s > 0:
            self._env.process(self._main_scheduler())
        if self._config.backfill:
            self._env.process(self._backfill())
        for reservation in self._state.reservations.values():
            for edge_s in (reservation.start_s, reservation.end_s):
                if edge_s > 0:
                    call_at(self._env, edge_s, lambda _: self.call())

    def note_change(self) -> None:
        """Something happened that the next pass or cycle must see, but that calls for no pass."""
        self._changes += 1
        self._wake()

    def note_time(self) -> None:
        """A time has come at which more is possible. Slurm does not notice: the periodic pass sees
        it, or a pass or cycle that something else brings about. Source: _more_work, backfill.c.
        """
        self._times += 1

    def call(self) -> None:
        """Something happened: a main pass follows when the controller looks next, once a second,
        but no sooner than batch_sched_delay allows. Source: _slurmctld_background, controller.c.
        """
        self.note_change()
        if self._look_due_s is not None or self._config.main_interval_s <= 0:
            return
        delay_s = max(self._config.main_min_delay_s, self._grown_delay_s)
        earliest_s = max(float(self._env.now), self._last_look_s + delay_s)
        self._look_due_s = ceil(earliest_s / LOOK_EVERY_S) * LOOK_EVERY_S
        call_at(self._env, self._look_due_s, self._called_pass)

    def call_at_once(self) -> None:
        """A job has ended: a main pass follows, whatever batch_sched_delay says. Source:
        _slurm_rpc_epilog_complete, proc_req.c.
        """
        if self._config.main_defers or self._grown_delay_s > self._config.main_min_delay_s:
            self.call()
            return
        self.note_change()
        if not self._end_seen and self._config.main_interval_s > 0:
            self._end_seen = True
            call_at(self._env, float(self._env.now), self._pass_after_end)

    def after_pass(self, act: Callable[[], None]) -> None:
        """Act once the pass or cycle under way is over, or yields its locks."""
        self._after_pass.append(act)

    def forget(self, key: Key) -> None:
        """The job is no longer waiting."""
        if self.plan is not None:
            self.plan.pop(key, None)

    def _main_scheduler(self) -> Actor:
        while True:
            yield self._env.timeout(0)  # behind all else that is due now
            self._look(depth=None)
            yield self._env.timeout(self._config.main_interval_s)

    def _called_pass(self, _: simpy.Event) -> None:
        if self._look_due_s is not None and self._env.now >= self._look_due_s:
            self._look(self._config.main_queue_depth)

    def _look(self, depth: int | None) -> None:
        self._last_look_s, self._look_due_s = float(self._env.now), None
        self._main_pass(depth)

    def _pass_after_end(self, _: simpy.Event) -> None:
        self._end_seen = False
        self._main_pass(self._config.main_queue_depth)

    def _main_pass(self, depth: int | None) -> None:
        if self._main_saw == (self._changes, self._times) and self._saw_all():
            return
        now_s = float(self._env.now)
        # Without a plan nobody asks for reasons either, but for those at the origin.
        in_short = self.plan is None and self._preemption is None and now_s > 0
        self._saw_all = run_pass(
            self._queue.for_pass(),
            self._state,
            now_s,
            depth,
            self._start,
            preemption=self._preemption,
            partitions=self._queue.partitions if in_short else None,
            place=compiled_place(self._state) if in_short else None,
        )
        self._main_saw = self._changes, self._times
        self._wake()
        self._act()

    def _backfill(self) -> Actor:
        seen = -1
        while True:
            yield self._env.timeout(0)
            if seen == self._changes:
                yield from self._next_change()
            seen = self._changes
            yield from self._cycle()
            grown_s = self._config.bf_interval_growth * float(self._env.now)
            yield self._env.timeout(max(self._config.bf_interval_s, grown_s))

    def _wake(self) -> None:
        if self._idle is not None and not self._idle.triggered:
            self._idle.succeed()

    def _next_change(self) -> Actor:
        """Nothing to do: Slurm looks again every second until something has changed."""
        since_s = float(self._env.now)
        self._idle = self._env.event()
        yield self._idle
        self._idle = None
        yield self._env.timeout((since_s - float(self._env.now)) % LOOK_EVERY_S)

    def _cycle(self) -> Actor:
        records, now_s = self._queue.for_pass(), float(self._env.now)
        cycle = run_cycle(
            records, self._state, now_s, self._start, self.plan, preemption=self._preemption
        )
        for pause_s in cycle:
            self._act()
            before = self._changes
            yield self._env.timeout(pause_s)
            if self._changes != before and not self._config.bf_continue:
                return
        self._act()

    @property
    def _grown_delay_s(self) -> float:
        return self._config.main_delay_growth * float(self._env.now)

    def _act(self) -> None:
        acts, self._after_pass = self._after_pass, []
        for act in acts:
            act()
