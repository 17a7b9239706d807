"""What beat rings: each task is safe to run twice, late, or beside another worker."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from celery import Task, shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from tracker import mailing, polling, recording, submission
from tracker.files import event_files
from tracker.models import Cluster, JobHint

logger = logging.getLogger(__name__)
SECOND_LOOK_S = 1.0
EVENT_FILES_TURN_S = 20.0  # of a worker's thread in a minute, at most


def ring(task: Task, *args: object) -> None:
    """Have a task done soon, once what is being stored is committed. A broker that is away costs
    one interval, a line in the log, and no one's request: beat rings for what is left."""
    transaction.on_commit(lambda: task.apply_async(args, retry=False), robust=True)


@shared_task
def poll_queue() -> None:
    _poll_all("queue")


@shared_task
def poll_nodes() -> None:
    _poll_all("nodes")


@shared_task
def poll_accounting() -> None:
    _poll_all("accounting")


@shared_task
def poll_configuration() -> None:
    _poll_all("configuration")


@shared_task
def check_hinted_jobs() -> None:
    """A job is often still completing when its hook calls: such are looked at twice."""
    if polling.check_hints(_followed(), timezone.now()):
        time.sleep(SECOND_LOOK_S)
        polling.check_hints(_followed(), timezone.now())


def ring_for_hints() -> None:
    """Have hints looked up now and not at the next beat; the first of a second rings for all."""
    if cache.add("hints-bell", 1, timeout=1):
        ring(check_hinted_jobs)


@shared_task
def send_submission(pk: int) -> None:
    if cluster := submission.send(pk):
        polling.read_queue_soon(cluster, timezone.now())


def ring_for_submission(pk: int) -> None:
    ring(send_submission, pk)


@shared_task
def send_cancels() -> None:
    submission.send_cancels(timezone.now())
    ring_for_hints()


def ring_for_cancels() -> None:
    ring(send_cancels)


@shared_task
def look_after_submissions() -> None:
    """What a lost bell or a crash has left: sent, found again, or shown as unclear."""
    now = timezone.now()
    submission.recover(now, ring_for_submission)
    submission.send_cancels(now)


@shared_task
def read_event_files() -> None:
    """TensorBoard's files of the runs whose were not looked at for longest."""
    began_s = time.monotonic()
    for run in event_files.runs_to_look_at(timezone.now()):
        try:
            event_files.read_run(run, timezone.now())
        except Exception:
            logger.exception("event files of run %s", run)  # the next run is not to blame
        if time.monotonic() - began_s > EVENT_FILES_TURN_S:
            return


@shared_task
def mail_notices() -> None:
    mailing.send_due(timezone.now())


@shared_task
def seal_points() -> None:
    recording.seal_points(timezone.now())


@shared_task
def prune() -> None:
    now = timezone.now()
    before = now - timedelta(days=settings.POLL_KEEP_DAYS)
    polling.prune(before)
    recording.revoke_idle_tokens(before, now)
    recording.prune_notices(now)
    JobHint.objects.filter(checked_at__lt=before).delete()
    recording.prune_estimates(now, keep=timedelta(days=settings.ESTIMATE_KEEP_DAYS))
    recording.purge_runs(now - timedelta(days=settings.DELETED_RUN_KEEP_DAYS))


def _poll_all(kind: str) -> None:
    for cluster in _followed():
        try:
            polling.poll(cluster, kind)
        except Exception:
            # told in its poll's row as well; the next cluster is not to blame
            logger.exception("poll of %s, %s", cluster, kind)


def _followed() -> list[Cluster]:
    return list(Cluster.objects.filter(polling_paused=False))
