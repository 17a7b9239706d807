"""Runs after their jobs have changed: one query finds the few jobs that anybody tracks."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from tracker.ingest.ledger import chunks
from tracker.models import Cluster, Job, Run
from tracker.models.submissions import MARK
from tracker.recording import bind_marked, bind_runs, follow_job


def follow(cluster: Cluster, jobs: Iterable[Job]) -> None:
    by_id: dict[int, list[Job]] = {}
    arrays: dict[int, set[int]] = {}
    for job in jobs:
        if job.comment.startswith(MARK):
            bind_marked(job)
        by_id.setdefault(job.job_id, []).append(job)
        if job.array_job_id is not None:
            arrays.setdefault(job.array_job_id, set()).add(job.job_id)
    for job_id in sorted(_tracked(cluster, by_id) | _of_started_arrays(cluster, arrays)):
        for job in sorted(by_id[job_id], key=lambda each: each.first_submit_at):
            bind_runs(job)
            follow_job(job)


def _tracked(cluster: Cluster, job_ids: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for some in chunks(sorted(job_ids)):
        told = Run.objects.filter(Q(cluster=cluster) | Q(cluster=None), slurm_job_id__in=some)
        found.update(told.values_list("slurm_job_id", flat=True).distinct())
        bound = Run.objects.filter(job__cluster=cluster, job__job_id__in=some)
        found.update(bound.values_list("job__job_id", flat=True).distinct())
    return found


def _of_started_arrays(cluster: Cluster, arrays: dict[int, set[int]]) -> set[int]:
    """Rows of arrays that Queuecast submitted: their tasks get ids of their own later."""
    found: set[int] = set()
    for some in chunks(sorted(arrays)):
        started = Run.objects.filter(
            submission__cluster=cluster,
            submission__slurm_job_id__in=some,
            array_task_id__isnull=False,
        )
        for array_id in started.values_list("submission__slurm_job_id", flat=True).distinct():
            found |= arrays[array_id]
    return found
