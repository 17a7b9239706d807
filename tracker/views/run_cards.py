"""The figures under a run's headline: how long it waited, ran, what is left, which attempt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.template.defaultfilters import pluralize
from django.utils.html import format_html

from tracker.models import Job, Run
from tracker.templatetags.queuecast import ago, duration, minutes, moment, since
from tracker.views.run_standing import Standing


@dataclass(frozen=True, slots=True)
class Card:
    """Texts, in which times are marked up so that they keep counting."""

    label: str
    value: str
    note: str


def cards_of(run: Run, standing: Standing) -> list[Card]:
    return [_waiting(run, standing), _running(run, standing), _end(run, standing), _attempts(run)]


def _waiting(run: Run, standing: Standing) -> Card:
    note = "no submit time known"
    if run.submitted_at:
        note = format_html("submitted {}", moment(run.submitted_at))
    if run.status == Run.Status.PENDING:
        return Card("Waiting for", since(run.submitted_at), note)
    return Card("Waited", duration(standing.waited_s), note)


def _running(run: Run, standing: Standing) -> Card:
    # Without a job it may well have begun: nobody but Slurm tells when.
    note = "not started" if run.job or run.submission else "no start time known"
    if run.started_at:
        note = format_html("started {}", moment(run.started_at))
    if run.status == Run.Status.RUNNING:
        return Card("Running for", since(run.started_at), note)
    return Card("Ran", duration(standing.ran_s), note)


def _end(run: Run, standing: Standing) -> Card:
    if run.ended_at:
        return Card("Ended", ago(run.ended_at), moment(run.ended_at))
    limit_at = standing.limit_at
    return Card("Left of its limit", since(limit_at), _limit_note(run.job, limit_at))


def _limit_note(job: Job | None, limit_at: datetime | None) -> str:
    if limit_at:
        return format_html("ends {} at the latest", moment(limit_at))
    if job and job.limit_minutes:
        return f"limit {minutes(job.limit_minutes)}"
    return "no limit" if job and job.limit_unlimited else "no limit known"


def _attempts(run: Run) -> Card:
    times = run.attempt
    note = f"requeued {times} time{pluralize(times)}" if times else "never requeued"
    return Card("Attempt", str(times + 1), note)
