"""What history alone says of a waiting job: from the waits of like jobs that have started."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from django.db.models import F, Q

from planner.baselines import PastWaits, Shape, recent_like
from planner.learnt.situating import StartedColumns
from planner.quantiles import Quantiles
from tracker.models import Cluster, Job
from tracker.slurm.records import QueuedJob

DAYS = 30
MOST = 20_000  # the newest of them: recent jobs are what a baseline looks at

Baseline = Callable[[PastWaits, Shape, float], Quantiles | None]


@dataclass(frozen=True)
class RecentWaits:
    """Of a cluster, as they were known at ``at``; read once, and only when first asked for."""

    cluster: Cluster
    at: datetime

    def left(
        self, record: QueuedJob, waited_s: float, *, method: Baseline = recent_like
    ) -> Quantiles | None:
        """Of what is left to wait for a job that has waited so long; None where too few are alike.

        A job that asked for several partitions starts in the quickest of them.
        """
        if record.cpus is None:
            return None
        limit_s = math.inf if record.limit_minutes is None else record.limit_minutes * 60.0
        codes = {self._codes.get(name) for name in record.partitions} - {None} or {None}
        shapes = [Shape(float(record.cpus), limit_s, code) for code in codes]
        said = [method(self._past, shape, waited_s) for shape in shapes]
        known = [quantiles for quantiles in said if quantiles is not None]
        return min(known, key=lambda quantiles: quantiles.p50_s or 0.0, default=None)

    @cached_property
    def started(self) -> StartedColumns:
        past = self._past
        return StartedColumns(
            start_s=past.start_s,
            wait_s=past.wait_s,
            procs=past.procs,
            partition=np.array([name for *_, name, _ in self._rows], dtype=np.str_),
            user=np.array([user for *_, user in self._rows], dtype=np.str_),
        )

    @cached_property
    def _rows(self) -> list[tuple[datetime, datetime, int, int | None, str, str]]:
        started = Job.objects.filter(
            cluster=self.cluster,
            start_at__lte=self.at,
            start_at__gt=self.at - timedelta(days=DAYS),
            cpus__isnull=False,
        )
        # Cancelled while pending, as sacct tells some of them: see planner.record.scoring.
        started = started.exclude(Q(node_list="") & Q(end_at=F("start_at")))
        columns = ("start_at", "submit_at", "cpus", "limit_minutes", "partition", "user")
        newest = started.order_by("-start_at", "-pk").values_list(*columns)[:MOST]
        return list(newest)[::-1]

    @cached_property
    def _codes(self) -> Mapping[str, int]:
        names = sorted({partition for *_, partition, _ in self._rows})
        return {name: code for code, name in enumerate(names)}

    @cached_property
    def _past(self) -> PastWaits:
        rows = self._rows
        start_s = np.array([start.timestamp() for start, *_ in rows])
        submit_s = np.array([submit.timestamp() for _, submit, *_ in rows])
        limits = (math.inf if limit is None else limit * 60.0 for _, _, _, limit, *_ in rows)
        return PastWaits(
            now_s=self.at.timestamp(),
            start_s=start_s,
            wait_s=start_s - submit_s,
            procs=np.array([cpus for _, _, cpus, *_ in rows], dtype=np.float64),
            limit_s=np.array(list(limits), dtype=np.float64),
            partition=np.array([self._codes[name] for *_, name, _ in rows], dtype=np.int64),
        )
