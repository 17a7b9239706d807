"""Rows of squeue sorted into waiting and running ones, under the ids that people see."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tracker.slurm.records import QueuedJob
from tracker.slurm.states import RunStatus, run_status


def key_of(record: QueuedJob, task: int | None) -> str:
    """``896``, ``1072_1``, ``834+0``: as squeue writes it."""
    if record.het_job_id is not None:
        return f"{record.het_job_id}+{record.het_offset or 0}"
    if record.array_job_id is not None and task is not None:
        return f"{record.array_job_id}_{task}"
    return str(record.job_id)


def tasks_of(record: QueuedJob) -> tuple[int | None, ...]:
    """The waiting tasks of an array not yet split off; else the one job or task itself."""
    return record.array_tasks or (record.array_task_id,)


def shared_id(record: QueuedJob) -> int:
    """The id that names a whole array or het job, and that others depend on."""
    return record.array_job_id or record.het_job_id or record.job_id


def _place_in_list(queue: list[QueuedJob]) -> Callable[[QueuedJob], tuple[int, int]]:
    """Sort key: where a job stands in Slurm's own list, which decides between equal end times.

    Records stand in order of submission. But a task that starts keeps the record of its array, and
    the rest of the array moves to a new one at the end: a task stands where the one before began.
    """
    ids_of: dict[int, list[int]] = {}
    for row in queue:
        if row.array_job_id is not None and row.job_id != row.array_job_id:
            ids_of.setdefault(row.array_job_id, []).append(row.job_id)
    for ids in ids_of.values():
        ids.sort()

    def place(row: QueuedJob) -> tuple[int, int]:
        array_id = row.array_job_id
        if array_id is None:
            return row.job_id, 0
        ids = ids_of.get(array_id, [])
        is_rest = row.job_id == array_id
        before = len(ids) if is_rest else bisect_left(ids, row.job_id)
        return (ids[before - 1], 1) if before else (array_id, 0)

    return place


@dataclass(frozen=True, slots=True)
class Holder:
    """A job that holds nodes."""

    key: str
    record: QueuedJob


@dataclass(frozen=True, slots=True)
class Rows:
    """The open jobs of one squeue, in the order in which Slurm goes through those that tie."""

    taken_at: datetime
    waiting: tuple[QueuedJob, ...]
    holding: tuple[Holder, ...]
    keys_by_id: Mapping[int, tuple[str, ...]]  # all keys of a job, an array or a het job

    @classmethod
    def of(cls, queue: list[QueuedJob], taken_at: datetime) -> Rows:
        waiting: list[QueuedJob] = []
        holding: list[Holder] = []
        keys: dict[int, tuple[str, ...]] = {}
        for row in sorted(queue, key=_place_in_list(queue)):
            match run_status(row.state):
                case RunStatus.PENDING:
                    waiting.append(row)
                    found = tuple(key_of(row, task) for task in tasks_of(row))
                case RunStatus.RUNNING | RunStatus.SUSPENDED:
                    found = (key_of(row, row.array_task_id),)
                    holding.append(Holder(found[0], row))
                case _:
                    continue
            keys[shared_id(row)] = keys.get(shared_id(row), ()) + found
        waiting.sort(key=lambda row: (shared_id(row), row.array_task_id or 0, row.job_id))
        return cls(taken_at, tuple(waiting), tuple(holding), keys)

    def offset_s(self, at: datetime | None) -> float | None:
        """Seconds from the snapshot."""
        return None if at is None else (at - self.taken_at).total_seconds()
