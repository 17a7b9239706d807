"""Waiting jobs and array tasks: request, rank, and what keeps them from starting."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from planner.sim.jobs import Job
from planner.snapshot.dependencies import Ties, ties_of
from planner.snapshot.facts import Facts, SnapshotNote
from planner.snapshot.requests import Site, request_fields
from planner.snapshot.rows import Rows, key_of, shared_id, tasks_of
from planner.snapshot.rules import last_calc_s
from tracker.slurm.reasons import ReasonClass, classify
from tracker.slurm.records import PriorityFactors, QueuedJob
from tracker.slurm.states import REQUEUE_STATES

_PRINTED_S = 1.0  # ages are not told more exactly
_HOLDING_CLASSES = {ReasonClass.BUDGET, ReasonClass.NEVER, ReasonClass.ACTION}
# Of the other resources' states the model knows these; licences and the like have no known end.
_MODELLED_OTHERS = ("dependency", "reqnodenotavail", "node", "resources", "partition")


@dataclass(frozen=True, slots=True)
class PendingJob:
    """A waiting job or array task.

    ``held``: in Slurm's words, why nothing that the model knows can start it; ``blocked`` the same
    in plain words, where Slurm's say too little.
    """

    key: str
    record: QueuedJob
    held: str | None = None
    blocked: str | None = None


class PendingReader:
    """Turns waiting rows into jobs; notes what it cannot read and leaves it out."""

    def __init__(
        self,
        facts: Facts,
        rows: Rows,
        site: Site,
        reservations: Collection[str],
        notes: list[SnapshotNote],
    ) -> None:
        self._rows = rows
        self._site = site
        self._reservations = reservations
        self._notes = notes
        self._config, self._taken_at = facts.config, facts.taken_at
        self._factors = {factors.job_id: factors for factors in facts.priorities}
        self._stuck: set[str] = set()  # keys of jobs without a start, for those that wait for them

    def read(self) -> Iterator[tuple[PendingJob, Job | None]]:
        """Every waiting job in order of id, with None where the simulator cannot take it."""
        for record in self._rows.waiting:
            unreadable: str | None = None
            request: dict[str, Any] = {}
            partitions = tuple(p for p in record.partitions if p in self._site.partitions)
            if not partitions:
                asked = ",".join(record.partitions) or "none"
                unreadable = f"its partition ({asked}) is not known"
            else:
                try:
                    request = request_fields(record, partitions[0], self._site)
                except ValueError as error:
                    unreadable = str(error)
            if unreadable is not None:
                about = f"job {key_of(record, None)}"
                self._notes.append(SnapshotNote(about, f"is not simulated: {unreadable}"))
            for task in tasks_of(record):
                key = key_of(record, task)
                if unreadable is not None:
                    self._stuck.add(key)
                    blocked = f"It is not simulated: {unreadable}."
                    yield PendingJob(key, record, "Constraints", blocked), None
                else:
                    yield self._job(record, task, partitions, request)

    def _job(
        self,
        record: QueuedJob,
        task: int | None,
        partitions: tuple[str, ...],
        request: dict[str, Any],
    ) -> tuple[PendingJob, Job]:
        key = key_of(record, task)
        ties = self._ties(record, task)
        held = self._held(record, ties)
        if held is not None:
            self._stuck.add(key)
        rank = self._factors.get(shared_id(record)) or self._factors.get(record.job_id)
        eligible_s = self._rows.offset_s(record.eligible_at)
        known_reservation = record.reservation in self._reservations
        job = Job(
            key=key,
            user=record.user,
            account=record.account or "",
            partitions=partitions,
            qos=record.qos,
            submit_s=min(self._rows.offset_s(record.submit_at) or 0.0, 0.0),
            eligible_s=eligible_s,
            age_from_s=self._age_from_s(record, rank),
            limit_s=None if record.limit_minutes is None else record.limit_minutes * 60,
            array_id=record.array_job_id,
            array_throttle=record.array_throttle,
            dependencies=ties.dependencies,
            reservation=record.reservation if known_reservation else None,
            held=held,
            nice=(rank.nice or 0) if rank is not None else 0,
            site_factor=int(rank.site or 0) if rank is not None else 0,
            **request,
        )
        return PendingJob(key, record, held, ties.unknown), job

    def _ties(self, record: QueuedJob, task: int | None) -> Ties:
        if not record.dependency:
            return Ties()
        namesakes = self._namesakes(record) if "singleton" in record.dependency else ()
        ties = ties_of(
            record.dependency, task=task, namesakes=namesakes, keys_by_id=self._rows.keys_by_id
        )
        for key in (key for dependency in ties.dependencies for key in dependency.keys):
            if key in self._stuck:
                return Ties(unknown=f"It waits for job {key}, which has no start itself.")
        return ties

    def _namesakes(self, record: QueuedJob) -> list[str]:
        """Jobs of its name and user that hold nodes, or wait and came before it."""
        before = [holder.key for holder in self._rows.holding if _same_name(holder.record, record)]
        for other in self._rows.waiting:
            if other.job_id < record.job_id and _same_name(other, record):
                before += [key_of(other, task) for task in tasks_of(other)]
        return before

    def _held(self, record: QueuedJob, ties: Ties) -> str | None:
        """Why nothing that the model knows can start it, in Slurm's words."""
        reason = record.reason or "None"
        kind = classify(reason)
        if record.priority == 0 or record.state in REQUEUE_STATES or kind in _HOLDING_CLASSES:
            return "JobHeldUser" if kind is ReasonClass.TIME else reason
        if ties.unknown is not None:
            return "Dependency"
        if record.reservation is not None and record.reservation not in self._reservations:
            return "ReservationInvalid"
        if kind is ReasonClass.OTHER and not reason.lower().startswith(_MODELLED_OTHERS):
            return reason
        return None

    def _age_from_s(self, record: QueuedJob, rank: PriorityFactors | None) -> float | None:
        """Where age counts from: eligibility, unless sprio tells another age. Limits on accrual
        keep it younger. It is older where an array's throttle held its next task back, which
        became eligible only then.

        sprio tells the age as of the last calc period. Where its end is not known, younger by two
        periods is no difference.
        """
        config = self._config
        if config is not None and "ACCRUE_ALWAYS" in config.priority_flags:
            return min(self._rows.offset_s(record.submit_at) or 0.0, 0.0)
        eligible_s = self._rows.offset_s(record.eligible_at)
        if config is None or rank is None or rank.age_norm is None or eligible_s is None:
            return eligible_s
        max_age_s, told_at_s = config.priority_max_age_s, last_calc_s(config, self._taken_at)
        told_s = rank.age_norm * max_age_s
        younger_s = min(max(0.0, told_at_s - eligible_s), max_age_s) - told_s
        if -_PRINTED_S <= younger_s <= 2 * config.priority_calc_period_s:
            return eligible_s
        return told_at_s - told_s


def _same_name(one: QueuedJob, other: QueuedJob) -> bool:
    return one.user == other.user and one.name == other.name and one.job_id != other.job_id
