"""The queue as squeue, sprio and scontrol show it: one row a job, or per unsplit array."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from planner.demo.controller import Controller
from planner.demo.jobs import Attempt
from planner.sim.jobs import Key
from planner.sim.views import WaitingJob


@dataclass(frozen=True, slots=True)
class QueueRow:
    """An attempt, with what the scheduler thinks of it while it waits."""

    attempt: Attempt
    tasks: tuple[int, ...] = ()  # waiting task ids, if this is the unsplit rest of an array
    waiting: WaitingJob | None = None
    planned_start_at: float | None = None
    planned_nodes: tuple[str, ...] = ()
    eligible_at: float | None = None

    @property
    def reason(self) -> str:
        return self.waiting.reason if self.waiting else self.attempt.reason

    @property
    def priority(self) -> int:
        # What it had when it started is not kept; 0 would mean held.
        return self.waiting.priority if self.waiting else 1

    @property
    def shown_id(self) -> str:
        if not self.tasks:
            return self.attempt.shown_id
        return f"{self.attempt.array_id}_[{self.task_text}]"

    @property
    def task_text(self) -> str:
        """``4-9%2``, ``3``, or ``N/A`` for a plain job."""
        attempt = self.attempt
        if not self.tasks:
            return "N/A" if attempt.task_id is None else str(attempt.task_id)
        throttle = attempt.request.array_throttle
        return task_ranges(self.tasks) + (f"%{throttle}" if throttle else "")

    @property
    def partitions(self) -> tuple[str, ...]:
        return (
            (self.attempt.partition,) if self.attempt.partition else self.attempt.request.partitions
        )


def queue_rows(controller: Controller, *, expand_arrays: bool = False) -> list[QueueRow]:
    """Pending, running and lately ended jobs, by id."""
    waiting: dict[Key, WaitingJob] = {}
    for one in controller.simulation.queue():
        waiting.setdefault(one.job.key, one)
    rest: dict[int, list[Attempt]] = {}
    rows: list[QueueRow] = []
    for attempt in (*controller.roster.recent, *controller.roster.active.values()):
        if attempt.is_split or expand_arrays or attempt.array_id is None:
            rows.append(_row(attempt, (), waiting.get(attempt.key), controller.origin_at))
        else:
            rest.setdefault(attempt.array_id, []).append(attempt)
    for tasks in rest.values():
        first = min(tasks, key=lambda task: task.task_id or 0)
        ids = tuple(sorted(task.task_id or 0 for task in tasks))
        rows.append(_row(first, ids, waiting.get(first.key), controller.origin_at))
    return sorted(rows, key=lambda row: (row.attempt.base_id, row.attempt.db_index or 0))


def _row(
    attempt: Attempt, tasks: tuple[int, ...], waiting: WaitingJob | None, origin_at: int
) -> QueueRow:
    if waiting is None:
        return QueueRow(attempt, tasks, eligible_at=attempt.eligible_at)
    planned_s, eligible_s = waiting.planned_start_s, waiting.eligible_s
    held = waiting.priority == 0
    return QueueRow(
        attempt,
        tasks,
        waiting,
        planned_start_at=None if planned_s is None else origin_at + int(planned_s),
        planned_nodes=waiting.planned_nodes,
        eligible_at=None if eligible_s is None or held else origin_at + int(eligible_s),
    )


def task_ranges(tasks: Iterable[int]) -> str:
    """``1,4-9`` of sorted ids."""
    runs: list[list[int]] = []
    for task in tasks:
        if runs and task == runs[-1][1] + 1:
            runs[-1][1] = task
        else:
            runs.append([task, task])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
