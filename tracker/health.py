"""For load balancers and Prometheus: alive, ready, and the numbers of the service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from tracker.api.plain import answers_problems, signed_in
from tracker.models import Cluster, Job, JobHint, Poll, Run, StartEstimate

READY_POLL_AGE_S = 600  # twenty missed polls of the queue


@answers_problems("GET", "HEAD")
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers. Touches neither the database nor anything else."""
    return HttpResponse("ok\n", content_type="text/plain")


@answers_problems("GET", "HEAD")
def readyz(_request: HttpRequest) -> HttpResponse:
    """200 when the database answers and each polled cluster was heard of lately, else 503."""
    now = timezone.now()
    try:
        paused = dict(Cluster.objects.values_list("name", "polling_paused"))
        heard_at = last_good_polls()
    except DatabaseError as error:
        return JsonResponse({"ready": False, "database": type(error).__name__}, status=503)
    clusters = {}
    for name, is_paused in paused.items():
        age_s = min((age(now, at) for (c, _), at in heard_at.items() if c == name), default=None)
        late = not is_paused and (age_s is None or age_s > READY_POLL_AGE_S)
        clusters[name] = {"last_good_poll_age_s": age_s, "paused": is_paused, "late": late}
    ready = not any(cluster["late"] for cluster in clusters.values())
    body = {"ready": ready, "database": "ok", "clusters": clusters}
    return JsonResponse(body, status=200 if ready else 503)


@answers_problems("GET", "HEAD")
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for staff and their tokens of scope read or user."""
    if not signed_in(request).is_staff:
        raise PermissionDenied("The service's metrics are for staff.")
    registry = CollectorRegistry()
    registry.register(ServiceNumbers(timezone.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_1_0_0)


class ServiceNumbers:
    """Gauges read from the database at the moment of the scrape: the same from every process."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        polls = gauge("poll_age_seconds", "Age of the last good poll", "cluster", "command")
        for (cluster, command), at in last_good_polls().items():
            polls.add_metric([cluster, command], age(self.now, at))
        yield polls

        jobs = gauge("queue_jobs", "Jobs in the queue at the last poll", "cluster", "state")
        queue = Job.objects.filter(in_queue=True).order_by().values_list("cluster__name", "state")
        for cluster, state, count in queue.annotate(Count("pk")):
            jobs.add_metric([cluster, state], count)
        yield jobs

        runs = gauge("open_runs", "Runs that have not ended", "status")
        opened = Run.objects.filter(status__in=Run.OPEN).order_by().values_list("status")
        for status, count in opened.annotate(Count("pk")):
            runs.add_metric([status], count)
        yield runs

        forecasts = gauge("forecast_age_seconds", "Age of the newest start estimate", "cluster")
        newest = StartEstimate.objects.filter(is_newest=True).order_by()
        for cluster, at in newest.values_list("job__cluster__name").annotate(Max("issued_at")):
            forecasts.add_metric([cluster], age(self.now, at))
        yield forecasts

        hints = gauge("waiting_hints", "Webhook hints still to be looked up")
        hints.add_metric([], JobHint.objects.filter(checked_at=None).count())
        yield hints


def gauge(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"queuecast_{name}", what, labels=labels)


def last_good_polls() -> dict[tuple[str, str], datetime]:
    """When the newest good poll of each (cluster, command) was started."""
    good = Poll.objects.filter(ok=True).order_by().values_list("cluster__name", "command")
    return {(cluster, command): at for cluster, command, at in good.annotate(Max("started_at"))}


def age(now: datetime, at: datetime) -> float:
    return round((now - at).total_seconds(), 3)
