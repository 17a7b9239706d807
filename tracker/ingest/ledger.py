"""What sightings change: jobs found again, attempts told apart, written only where they differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from tracker.ingest.edits import Edits
from tracker.ingest.inserting import insert, made
from tracker.ingest.sightings import Rank, Sighting, rank_of
from tracker.models import Attempt, Cluster, Job
from tracker.slurm.states import REQUEUE_STATES

_EMPTY_FACTS: dict[str, object] = {
    "state": "",
    "reason": "",
    "eligible_at": None,
    "start_at": None,
    "end_at": None,
    "node_list": "",
    "exit_code": None,
    "exit_signal": None,
}
# A requeue submits the next attempt as the one before ends (0-1 s in recordings, an epilog later
# at most); an id that comes back after more than this was given to another job.
REQUEUE_GAP = timedelta(hours=1)
IDS_PER_QUERY = 10_000  # below SQLite's 32,766 variables


@dataclass(eq=False)
class Known:
    """A job with its attempts in order of submission, which are loaded only where there is news."""

    job: Job
    attempts: list[Attempt]


class Ledger:
    """The jobs behind some raw ids of a cluster: load, ``take`` sightings, ``write``."""

    def __init__(self, cluster: Cluster, job_ids: Iterable[int], seen_at: datetime) -> None:
        self.cluster = cluster
        self.seen_at = seen_at
        self.edits = Edits()
        self.new_jobs: list[Job] = []
        self.new_attempts: list[Attempt] = []
        self._renumbered: list[int] = []
        self._known: dict[int, list[Known]] = defaultdict(list)  # oldest first
        for some in chunks(sorted(set(job_ids))):
            rows = Job.objects.filter(cluster=cluster, job_id__in=some).order_by("submit_at")
            for job in rows:
                self._known[job.job_id].append(Known(job, []))

    def newest(self, job_id: int) -> Job | None:
        known = self._known.get(job_id)
        return known[-1].job if known else None

    def take(self, sightings: Sequence[Sighting]) -> None:
        news = [sighting for sighting in sightings if not self._is_old(sighting)]
        self._load_attempts(news)
        for sighting in sorted(news, key=lambda each: each.submit_at):
            self._apply(sighting)

    def write(self) -> list[Job]:
        """The jobs that are new or changed, as they are in the database afterwards."""
        changed = [row for row in self.edits.rows(Job) if isinstance(row, Job)]
        for job in changed:
            self.edits.set(job, {"changed_at": self.seen_at})
        insert(self.new_jobs)
        self._learn_keys()
        if self._renumbered:  # out of each other's way first: numbers are unique within a job
            apart = Attempt.objects.filter(pk__in=self._renumbered)
            apart.update(number=F("number") + 1_000_000)
        self.edits.write()
        for attempt in self.new_attempts:
            attempt.job_id = attempt.job.pk
        insert(self.new_attempts)
        return self.new_jobs + changed

    def _learn_keys(self) -> None:
        new = {(job.job_id, job.first_submit_at): job for job in self.new_jobs}
        for some in chunks(sorted({job_id for job_id, _ in new})):
            rows = Job.objects.filter(cluster=self.cluster, job_id__in=some).order_by()
            for pk, *identity in rows.values_list("pk", "job_id", "first_submit_at"):
                if job := new.get(tuple(identity)):
                    job.pk = pk
                    job._state.adding = False

    def _is_old(self, sighting: Sighting) -> bool:
        """Whether the job already says all this: nearly every row of nearly every poll."""
        job = self.newest(sighting.job_id)
        if job is None or job.submit_at != sighting.submit_at:
            return False
        if sighting.accounted and not job.is_final:
            return False
        news = _facts_in(sighting, job, job.in_queue) | self._description_in(sighting, job)
        return all(getattr(job, name) == value for name, value in news.items())

    def _load_attempts(self, sightings: Sequence[Sighting]) -> None:
        known = {
            each.job.pk: each
            for sighting in sightings
            for each in self._known.get(sighting.job_id, ())
        }
        for some in chunks(sorted(known)):
            for attempt in Attempt.objects.filter(job__in=some).order_by("submit_at"):
                known[attempt.job_id].attempts.append(attempt)

    def _apply(self, sighting: Sighting) -> None:
        known = self._job_of(sighting)
        if known is None:
            self._begin_job(sighting)
            return
        job, attempts = known.job, known.attempts
        attempt = next((each for each in attempts if each.submit_at == sighting.submit_at), None)
        if attempt is None:
            attempt = Attempt(job=job, submit_at=sighting.submit_at)
            self.new_attempts.append(attempt)
            attempts.append(attempt)
            attempts.sort(key=lambda each: each.submit_at)
        self.edits.set(attempt, _facts_in(sighting, attempt, job.in_queue))
        if sighting.accounted:
            self.edits.set(attempt, {"accounted": True, "alloc_tres": sighting.alloc_tres})
        newest = attempts[-1]
        self._number(attempts, sighting.restarts if attempt is newest else None)
        if newest.submit_at != job.submit_at:  # the next attempt begins without a past
            no_plan = {"slurm_start_at": None, "slurm_start_seen_at": None}
            self.edits.set(job, no_plan | {"is_final": False})
        if attempt is newest:
            self.edits.set(job, self._description_in(sighting, job))
        mirrored = {name: getattr(newest, name) for name in ("submit_at", *_EMPTY_FACTS)}
        self.edits.set(job, mirrored | {"first_submit_at": attempts[0].submit_at})

    def _job_of(self, sighting: Sighting) -> Known | None:
        """The job of this attempt; None where the id was given to a job not known yet."""
        for known in reversed(self._known[sighting.job_id]):
            job = known.job
            if sighting.submit_at > job.submit_at:
                follows = _is_requeue(job.user, job.end_at, sighting, sighting.submit_at)
                return known if follows else None
            if sighting.submit_at >= job.first_submit_at:
                return known
            if _is_requeue(job.user, sighting.end_at, sighting, job.first_submit_at):
                return known
        return None

    def _begin_job(self, sighting: Sighting) -> None:
        plan: dict[str, object] = {}
        if sighting.planned_start_at is not None:
            plan["slurm_start_at"] = sighting.planned_start_at
            plan["slurm_start_seen_at"] = self.seen_at
        identity = {
            "cluster_id": self.cluster.pk,
            "job_id": sighting.job_id,
            "first_submit_at": sighting.submit_at,
            "submit_at": sighting.submit_at,
            "first_seen_at": self.seen_at,
            "changed_at": self.seen_at,
        }
        job = made(Job, identity | sighting.facts | sighting.job | plan)
        incarnation = {
            "number": attempt_numbers([None], sighting.restarts)[0],
            "submit_at": sighting.submit_at,
            "accounted": sighting.accounted,
            "alloc_tres": sighting.alloc_tres,
        }
        attempt = made(Attempt, incarnation | sighting.facts)
        attempt.job = job
        self.new_jobs.append(job)
        self.new_attempts.append(attempt)
        known = self._known[sighting.job_id]
        known.append(Known(job, [attempt]))
        known.sort(key=lambda each: each.job.submit_at)

    def _description_in(self, sighting: Sighting, job: Job) -> dict[str, object]:
        """What the sighting tells of the job itself. While the queue holds it, the queue does."""
        waits = sighting.from_queue and sighting.rank is not Rank.ENDED
        if not waits and (job.in_queue or sighting.from_queue):
            return {}
        told = sighting.job
        if job.name and not sighting.from_queue:
            # slurmdbd's tables are latin1 on many a site: it knows "???" where the queue had a name
            told = {name: value for name, value in told.items() if name != "name"}
        planned = sighting.planned_start_at
        if planned is None or planned == job.slurm_start_at:  # N/A is no news
            return told
        return told | {"slurm_start_at": planned, "slurm_start_seen_at": self.seen_at}

    def _number(self, attempts: list[Attempt], restarts: int | None) -> None:
        known = [None if each.pk is None else each.number for each in attempts]
        numbers = attempt_numbers(known, restarts)
        for attempt, number in zip(attempts, numbers, strict=True):
            if attempt.pk is not None and attempt.number != number:
                self._renumbered.append(attempt.pk)
            self.edits.set(attempt, {"number": number})


def attempt_numbers(known: Sequence[int | None], restarts: int | None) -> list[int]:
    """Rising numbers for attempts in order of submission.

    ``restarts`` is the last one's where the queue tells it; an attempt that nobody saw is a gap.
    """
    numbers: list[int] = []
    for number in known:
        lowest = numbers[-1] + 1 if numbers else 0
        numbers.append(max(lowest, number or 0))
    if restarts is not None and restarts >= len(numbers) - 1:
        numbers[-1] = restarts
        for index in range(len(numbers) - 2, -1, -1):
            numbers[index] = min(numbers[index], numbers[index + 1] - 1)
    return numbers


def chunks(ids: Sequence[int], size: int = IDS_PER_QUERY) -> Iterable[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _facts_in(sighting: Sighting, row: Job | Attempt, in_queue: bool) -> dict[str, object]:
    """The facts that this sighting may set: accounting before queue, and nothing goes back."""
    reached = _reached(row)
    if reached is not None:
        if sighting.rank < reached or (reached is Rank.ENDED and not sighting.accounted):
            return {}
        if in_queue and not sighting.from_queue and sighting.rank == reached is not Rank.ENDED:
            return {}  # accounting lags behind a queue that holds the job
    return sighting.facts


def _reached(row: Job | Attempt) -> Rank | None:
    if not row.state:
        return None  # an attempt just made
    if row.state in REQUEUE_STATES and row.end_at is not None:
        return Rank.ENDED
    return rank_of(row.state)


def _is_requeue(
    job_user: str, ended_at: datetime | None, sighting: Sighting, next_submit_at: datetime
) -> bool:
    """Whether the attempt submitted next belongs to the job whose attempt ended at ``ended_at``."""
    if sighting.from_queue and sighting.restarts is not None:
        return sighting.restarts > 0
    if sighting.user and job_user and sighting.user != job_user:
        return False
    return ended_at is None or next_submit_at - ended_at <= REQUEUE_GAP
