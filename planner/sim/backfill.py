"""One backfill cycle: start what delays no planned job, and plan the rest.

Source: backfill.c and job_test.c of Slurm 20.11 to 25.11. Running jobs end at their limits;
planned jobs hold whole nodes. With no plan wanted the cycle stops at the last job that fits on
what is free: what it would plan after that cannot change any start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from planner.sim.config import SchedulerConfig
from planner.sim.jobs import Key
from planner.sim.mainsched import Start, may_reserve
from planner.sim.outlook import Outlook, Planned
from planner.sim.placement import Fit, Need, feasible, fit
from planner.sim.queue import Record
from planner.sim.state import State


def run_cycle(
    records: Sequence[Record],
    state: State,
    now_s: float,
    start: Start,
    plan: dict[Key, Planned] | None,
) -> Iterator[float]:
    """Walk the queue in order. Yields the seconds of each lock yield: the caller lets them pass,
    or drops the iterator to abort the cycle. Fills ``plan`` if one is given.
    """
    outlook = Outlook(state, now_s)
    caps = _Caps(state.config)
    useful = None if plan is not None else _useful(records, state, now_s)
    if plan is not None:
        plan.clear()
    for index, record in enumerate(records):
        if caps.exhausted():
            return
        if record.pending.left or state.obstacle(record, now_s) or caps.refuse(record):
            continue
        yield from caps.lock_yield()
        if record.pending.left:
            continue
        allocation = outlook.place_now(record)
        if allocation is not None:
            if state.limit_on(record, allocation) is None:
                start(record, allocation)
                caps.started += 1
            continue
        if caps.refuse_hold(record) or not may_reserve(record, state, now_s):
            continue
        planned = outlook.plan_later(record) if useful is None or useful[index] else None
        if planned is None:
            continue
        outlook.hold(record, planned)
        caps.held(record)
        if plan is not None:
            _note(plan, record.job.key, planned)


def _note(plan: dict[Key, Planned], key: Key, planned: Planned) -> None:
    """Keep the earliest of a job's partitions."""
    if key not in plan or planned.start_s < plan[key].start_s:
        plan[key] = planned


def _useful(records: Sequence[Record], state: State, now_s: float) -> list[bool]:
    """Whether holding nodes for a record can change a start of this cycle, for each record.

    From the end of the queue on: nodes where a record fits now matter to all before it, and the
    nodes that a record could hold matter as soon as one of them does.
    """
    fits: dict[Need, Fit] = {}
    nodes_that_matter = np.zeros(len(state.nodes), dtype=np.bool_)
    useful = [False] * len(records)
    for index in range(len(records) - 1, -1, -1):
        record = records[index]
        if record.pending.left or state.obstacle(record, now_s):
            continue
        need = record.need
        candidates = need.candidate_mask
        if (candidates & nodes_that_matter).any():
            useful[index] = True
            nodes_that_matter |= candidates
            continue
        if need not in fits:
            fits[need] = fit(need, state.nodes, state.room).on(state.usable_now)
        if feasible(need, fits[need]):
            nodes_that_matter |= fits[need].tasks > 0
    return useful


class _Caps:
    """How much one cycle may do: the bf_max parameters, and modelled time."""

    def __init__(self, config: SchedulerConfig) -> None:
        self._config = config
        self.started = 0
        self._tested = 0
        self._per_owner: Counter[tuple[str, ...]] = Counter()
        self._array_holds: Counter[Key] = Counter()
        self._holders: set[Key] = set()
        self._spent_s = 0.0
        self._since_yield_s = 0.0

    def exhausted(self) -> bool:
        config = self._config
        max_time_s = config.bf_max_time_s
        if max_time_s is None:
            max_time_s = config.bf_interval_s
        return (
            self._tested >= config.bf_max_job_test
            or (config.bf_max_job_start > 0 and self.started >= config.bf_max_job_start)
            or self._spent_s > max_time_s
        )

    def refuse(self, record: Record) -> bool:
        """Whether a cap per partition, user or association skips this job; else count it."""
        config, job = self._config, record.job
        for cap, owner in (
            (config.bf_max_job_part, ("partition", record.partition.name)),
            (config.bf_max_job_assoc, ("association", job.account, job.user)),
            (config.bf_max_job_user if not config.bf_max_job_assoc else 0, ("user", job.user)),
        ):
            if cap:
                self._per_owner[owner] += 1
                if self._per_owner[owner] > cap:
                    return True
        self._tested += 1
        return False

    def refuse_hold(self, record: Record) -> bool:
        array_id = record.job.array_id
        if (
            array_id is not None
            and self._array_holds[array_id] >= self._config.bf_max_job_array_resv
        ):
            return True
        return self._config.bf_one_resv_per_job and record.job.key in self._holders

    def held(self, record: Record) -> None:
        self._holders.add(record.job.key)
        if record.job.array_id is not None:
            self._array_holds[record.job.array_id] += 1

    def lock_yield(self) -> Iterator[float]:
        """Count the time of one test, and let it pass when it is time to yield the locks."""
        config = self._config
        self._since_yield_s += config.bf_test_cost_s
        if self._since_yield_s < config.bf_yield_interval_s:
            return
        pause_s = self._since_yield_s + config.bf_yield_sleep_s
        self._spent_s += pause_s
        self._since_yield_s = 0.0
        yield pause_s
