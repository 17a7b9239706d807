"""News of runs for whoever made them, told once for each run, attempt and kind.

Written in the transaction that changes the run. The runs of one start share a notice for an hour,
or until it is read: a sweep of a thousand that ends at once is one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from tracker.models import Actor, Notice, NoticedRun, NoticeWishes, Run
from tracker.recording.pruning import delete_in_batches

Kind = Notice.Kind
Status = Run.Status
TOGETHER = timedelta(hours=1)
KEEP = timedelta(days=30)
CLOCKS_APART = timedelta(minutes=1)  # at most, those of the cluster and of this service
_NEWS = {
    Status.RUNNING: Kind.STARTED,
    Status.COMPLETED: Kind.ENDED,
    Status.CANCELLED: Kind.ENDED,
    **dict.fromkeys(
        (
            Status.FAILED,
            Status.TIMEOUT,
            Status.OUT_OF_MEMORY,
            Status.NODE_FAIL,
            Status.PREEMPTED,
            Status.BOOT_FAIL,
            Status.DEADLINE,
        ),
        Kind.FAILED,
    ),
}
_DID = {Kind.STARTED: "started", Kind.FAILED: "failed", Kind.ENDED: "ended"}


def tell_of(runs: Iterable[Run], at: datetime) -> None:
    """What the present status of these runs, just changed and locked, is news of, if it is any and
    wanted by who made them."""
    for run in runs:
        if (kind := _news_of(run)) is not None:
            _tell(run, kind, at)


def tell(user: Any, kind: str, at: datetime, *, title: str, **fields: Any) -> Notice | None:
    """A notice of that kind, as the person wishes; None where she wishes none."""
    way = wishes_of(user).way(kind)
    if way == NoticeWishes.Way.NOTHING:
        return None
    mail_to = user.email if way == NoticeWishes.Way.MAIL and settings.EMAIL_HOST else ""
    return Notice.objects.create(
        user=user,
        kind=kind,
        made_at=at,
        title=title[:500],
        mail_to=mail_to,
        state=Notice.State.QUEUED if mail_to else Notice.State.DONE,
        **fields,
    )


def notices_of(actor: Actor) -> QuerySet[Notice]:
    return Notice.objects.filter(user=actor.user)


def unread(actor: Actor) -> QuerySet[Notice]:
    return notices_of(actor).filter(read_at=None)


def mark_read(notices: QuerySet[Notice], at: datetime) -> int:
    return notices.filter(read_at=None).update(read_at=at)


def set_wishes(user: Any, ways: dict[str, str]) -> None:
    """``ways`` by kind."""
    NoticeWishes.objects.update_or_create(user=user, defaults=ways)


def wishes_of(user: Any) -> NoticeWishes:
    """The defaults, not saved, of who has not said."""
    return NoticeWishes.objects.filter(user=user).first() or NoticeWishes(user=user)


def prune_notices(now: datetime) -> int:
    return delete_in_batches(Notice.objects.filter(made_at__lt=now - KEEP))


def _news_of(run: Run) -> Notice.Kind | None:
    kind = _NEWS.get(Status(run.status))
    if run.deleted_at is not None:
        return None
    if kind == Kind.STARTED and run.slurm_job_id is None and run.submission_id is None:
        return None  # on one's own machine one sees that it starts
    made_after = run.ended_at is not None and run.ended_at < run.created_at - CLOCKS_APART
    return None if made_after else kind  # a run made for a job that was over is no news


def _tell(run: Run, kind: Notice.Kind, at: datetime) -> None:
    user = run.created_by
    if user is None or not user.is_active:
        return
    with transaction.atomic(savepoint=False):
        if NoticedRun.objects.filter(run=run, attempt=run.attempt, kind=kind).exists():
            return
        notice = _joined(run, kind, at) or tell(
            user,
            kind,
            at,
            title=f"{_name(run)} of {run.experiment} {_DID[kind]}{_how(run)}",
            body=_body(run),
            path=run.get_absolute_url(),
            experiment=run.experiment,
            submission=run.submission,
            runs=1,
            out_of=run.submission.runs.count() if run.submission else None,
        )
        if notice is not None:
            told = NoticedRun(notice=notice, run=run, attempt=run.attempt, kind=kind)
            # Who told it at the same moment was first: the run's change is not lost for that.
            NoticedRun.objects.bulk_create([told], ignore_conflicts=True)


def _joined(run: Run, kind: Notice.Kind, at: datetime) -> Notice | None:
    """The notice of others of the same start, or else of the experiment, with this one added."""
    alike = Notice.objects.filter(
        user=run.created_by_id,
        kind=kind,
        experiment=run.experiment_id,
        submission=run.submission_id,
        read_at=None,
        made_at__gt=at - TOGETHER,
    )
    others = alike.exclude(noticed__run=run)  # its next attempt is news of its own
    notice = others.select_for_update().first()
    if notice is None:
        return None
    notice.runs += 1
    of_all = f" of {notice.out_of}" if notice.out_of else ""
    notice.title = f"{notice.runs}{of_all} runs of {run.experiment} {_DID[kind]}"[:500]
    notice.path = reverse("experiment", args=[run.experiment_id])
    if run.submission_id:
        notice.path += f"?submission={run.submission_id}"
    notice.save(update_fields=["runs", "title", "path"])
    return notice


def _name(run: Run) -> str:
    return f"Run {run.name or run.pk[-8:]}"


def _how(run: Run) -> str:
    if run.status == Status.RUNNING:
        return f", attempt {run.attempt + 1}" if run.attempt else ""
    if run.status == Status.FAILED:
        return f" with exit code {run.exit_code}" if run.exit_code else ""
    return "" if run.status == Status.COMPLETED else f": {run.status.replace('_', ' ').lower()}"


def _body(run: Run) -> str:
    job = f"job {run.slurm_job_id}" if run.slurm_job_id else "no Slurm job"
    where = f" on {run.cluster}" if run.cluster else ""
    lines = [f"Run {run.pk}, {job}{where}, attempt {run.attempt + 1}."]
    if run.message:
        lines.append(run.message[:500])
    return "\n".join(lines)
