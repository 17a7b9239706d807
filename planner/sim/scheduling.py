"""When the main scheduler and backfill look at the queue.

An actor only decides when; what happens is decided by mainsched and backfill. Passes that are due
at one instant run once, after everything else that happens then.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import simpy

from planner.sim.backfill import run_cycle
from planner.sim.clock import call_at
from planner.sim.jobs import Key
from planner.sim.mainsched import Start, run_pass
from planner.sim.outlook import Planned
from planner.sim.preemption import Preemption
from planner.sim.queue import Queue
from planner.sim.state import State

Actor = Generator[simpy.Event, None, None]


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
        self._changes = 0  # counts all that a pass could react to
        self._changes_main_saw = -1
        self._last_pass_s = -self._config.main_min_delay_s
        self._pass_due = False
        self._after_pass: list[Callable[[], None]] = []

    def run(self) -> None:
        """Start the actors that the configuration has."""
        if self._config.main_interval_s > 0:
            self._env.process(self._main_scheduler())
        if self._config.backfill:
            self._env.process(self._backfill())

    def note_change(self) -> None:
        """Something happened that the next pass must see, but that does not call for one."""
        self._changes += 1

    def call(self) -> None:
        """Something happened: a main pass is due, but no sooner than batch_sched_delay allows."""
        self._changes += 1
        if self._pass_due or self._config.main_interval_s <= 0:
            return
        self._pass_due = True
        due_s = max(float(self._env.now), self._last_pass_s + self._config.main_min_delay_s)
        call_at(self._env, due_s, self._called_pass)

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
            self._main_pass(depth=None)
            yield self._env.timeout(self._config.main_interval_s)

    def _called_pass(self, _: simpy.Event) -> None:
        self._pass_due = False
        self._main_pass(self._config.main_queue_depth)

    def _main_pass(self, depth: int | None) -> None:
        if self._changes_main_saw == self._changes:
            return
        now_s = self._last_pass_s = float(self._env.now)
        # Without a plan nobody asks for reasons either, but for those at the origin.
        in_short = self.plan is None and self._preemption is None and now_s > 0
        whole = run_pass(
            self._queue.in_order(),
            self._state,
            now_s,
            depth,
            self._start,
            preemption=self._preemption,
            partitions=self._queue.partitions if in_short else None,
        )
        if whole:
            self._changes_main_saw = self._changes
        self._act()

    def _backfill(self) -> Actor:
        seen = -1
        while True:
            yield self._env.timeout(0)
            if seen != self._changes:
                seen = self._changes
                yield from self._cycle()
            yield self._env.timeout(self._config.bf_interval_s)

    def _cycle(self) -> Actor:
        records, now_s = self._queue.in_order(), float(self._env.now)
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

    def _act(self) -> None:
        acts, self._after_pass = self._after_pass, []
        for act in acts:
            act()
