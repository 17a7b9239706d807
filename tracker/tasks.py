"""What beat rings: each task is safe to run twice, late, or beside another worker."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from tracker import polling
from tracker.models import Cluster, JobHint, StartEstimate

logger = logging.getLogger(__name__)


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
    polling.check_hints(_followed(), timezone.now())


@shared_task
def prune() -> None:
    before = timezone.now() - timedelta(days=settings.POLL_KEEP_DAYS)
    polling.prune(before)
    JobHint.objects.filter(checked_at__lt=before).delete()
    said_before = timezone.now() - timedelta(days=settings.ESTIMATE_KEEP_DAYS)
    StartEstimate.objects.filter(issued_at__lt=said_before, is_newest=False).delete()


def _poll_all(kind: str) -> None:
    for cluster in _followed():
        try:
            polling.poll(cluster, kind)
        except Exception:
            # told in its poll's row as well; the next cluster is not to blame
            logger.exception("poll of %s, %s", cluster, kind)


def _followed() -> list[Cluster]:
    return list(Cluster.objects.filter(polling_paused=False))
