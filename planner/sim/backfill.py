"""One backfill cycle: start what delays no planned job, and plan the rest.

Source: backfill.c and job_test.c of Slurm 20.11 to 25.11. Running jobs end at their limits;
planned jobs hold whole nodes. With no plan wanted the cycle stops where no job is left that could
start: what it would plan after that cannot change any start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from planner.sim.config import SchedulerConfig
from planner.sim.jobs import Key
from planner.sim.kernel import compiled_search
from planner.sim.mainsched import Start, may_reserve
from planner.sim.nodeset import NodeSet
from planner.sim.occupancy import Allocation
from planner.sim.outlook import Outlook, Planned
from planner.sim.preemption import Preemption
from planner.sim.prospects import Prospects, Shortcut
from planner.sim.queue import Pending, Record
from planner.sim.search import PlainSearch
from planner.sim.state import State


def run_cycle(
    records: Sequence[Record],
    state: State,
    now_s: float,
    start: Start,
    plan: dict[Key, Planned] | None,
    *,
    preemption: Preemption | None = None,
) -> Iterator[float]:
    """Walk the queue in order. Yields the seconds of each lock yield: the caller lets them pass,
    or drops the iterator to abort the cycle. Fills ``plan`` if one is given.

    A job that preempts others holds its nodes from now on and starts in a later pass or cycle.
    """
    caps = _Caps(state.config)
    # To a job that can preempt any node may matter, and tests that take time count.
    plans_all = plan is not None or preemption is not None or state.config.bf_test_cost_s > 0
    search = compiled_search(state, now_s) if plan is None else None
    outlook = Outlook(state, now_s, search or PlainSearch(state, now_s))
    prospects: Shortcut | None = None if plans_all else Prospects(records, state, outlook, now_s)
    if prospects is not None and search is not None and caps.only_count:
        prospects = search.prospects(records)
    preempting: set[Pending] = set()
    if plan is not None:
        plan.clear()
    for place, known in _places(len(records), caps, prospects):
        record = records[place]
        pending = record.pending
        passed_over = pending.left or pending in preempting or state.obstacle(record, now_s)
        if passed_over or caps.refuse(record):
            continue
        yield from caps.lock_yield()
        if pending.left:
            continue
        allocation = known or outlook.place_now(record)
        if allocation is not None:
            if state.limit_on(record, allocation) is None:
                start(record, allocation)
                caps.started += 1
            continue
        if caps.refuse_hold(record):
            continue
        found = _plan(record, outlook, state, now_s, preemption=preemption)
        if found is None:
            continue
        planned, nodes = found
        if planned.start_s <= now_s:
            preempting.add(pending)
        caps.held(record)
        if prospects is not None:
            prospects.note_hold(nodes)
        if plan is not None:
            _note(plan, record.job.key, planned)


def _places(
    count: int, caps: _Caps, prospects: Shortcut | None
) -> Iterator[tuple[int, Allocation | None]]:
    """Places in the queue, in order, without those that the prospects dealt with; and what the job
    there takes, where they know it.
    """
    place = 0
    while place < count and not caps.exhausted():
        allocation = None
        if prospects is not None:
            step = prospects.next(place, caps.tests_left)
            if step is None:
                return
            place, allocation = step.place, step.allocation
            caps.passed(step.passed)
        yield place, allocation
        place += 1


def _plan(
    record: Record, outlook: Outlook, state: State, now_s: float, *, preemption: Preemption | None
) -> tuple[Planned, NodeSet] | None:
    """When and where a job that does not fit now starts, its nodes held: at once where it can
    preempt others. That is seen with all gone that it may preempt, and done with as few as
    make_room needs.
    """
    if preemption is not None and (preemptees := preemption.preemptees(record, now_s)):
        outlook = outlook.without(preemptees)
        allocation = outlook.place_now(record)
        if allocation is not None:
            if not preemption.make_room(record, outlook.open_now(record), now_s):
                return None  # a limit forbids it
            planned = Planned(now_s, allocation.nodes)
            return planned, outlook.hold(record, planned)
    return outlook.plan(record) if may_reserve(record, state, now_s) else None


def _note(plan: dict[Key, Planned], key: Key, planned: Planned) -> None:
    """Keep the earliest of a job's partitions."""
    if key not in plan or planned.start_s < plan[key].start_s:
        plan[key] = planned


class _Caps:
    """How much one cycle may do: the bf_max parameters, and modelled time."""

    def __init__(self, config: SchedulerConfig) -> None:
        self._config = config
        self.started = 0
        self._tested = 0
        caps: tuple[tuple[int, Callable[[Record], tuple[str, ...]]], ...] = (
            (config.bf_max_job_part, lambda r: ("partition", r.partition.name)),
            (config.bf_max_job_assoc, lambda r: ("association", r.job.account, r.job.user)),
            (
                0 if config.bf_max_job_assoc else config.bf_max_job_user,
                lambda r: ("user", r.job.user),
            ),
        )
        self._per_owner_caps = [(cap, owner_of) for cap, owner_of in caps if cap]
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

    @property
    def only_count(self) -> bool:
        """Whether tests are only counted: whose they are is no matter, and no lock is yielded."""
        config = self._config
        costs_nothing = config.bf_test_cost_s <= 0 < config.bf_yield_interval_s
        return costs_nothing and not self._per_owner_caps

    def passed(self, tests: int) -> None:
        """So many tests were done elsewhere."""
        self._tested += tests

    @property
    def tests_left(self) -> int | None:
        """None where it depends on whose jobs they are."""
        return None if self._per_owner_caps else self._config.bf_max_job_test - self._tested

    def refuse(self, record: Record) -> bool:
        """Whether a cap per partition, user or association skips this job; else count it."""
        for cap, owner_of in self._per_owner_caps:
            owner = owner_of(record)
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
