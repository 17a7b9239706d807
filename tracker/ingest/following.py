"""Runs after their jobs have changed: one query finds the few jobs that anybody tracks."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from tracker.ingest.ledger import chunks
from tracker.models import Cluster, Job, Run
from tracker.recording import bind_runs, follow_job


def follow(cluster: Cluster, jobs: Iterable[Job]) -> None:
    by_id: dict[int, list[Job]] = {}
    for job in jobs:
        by_id.setdefault(job.job_id, []).append(job)
    for some in chunks(sorted(by_id)):
        told = Run.objects.filter(Q(cluster=cluster) | Q(cluster=None), slurm_job_id__in=some)
        for job_id in told.values_list("slurm_job_id", flat=True).distinct():
            for job in sorted(by_id[job_id], key=lambda each: each.first_submit_at):
                bind_runs(job)
                follow_job(job)
