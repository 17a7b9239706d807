"""Attempts that have ended, as what they asked for and used, and the next request by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.db.models import QuerySet

from tracker.models import Actor, Attempt, Experiment, Job, Run
from tracker.slurm.durations import format_duration
from tracker.usage.next_request import NextRequest, Spent, suggest

RESTS_ON = 100  # the newest ended runs of an experiment


@dataclass(frozen=True, slots=True)
class Advice:
    """For the next job like this one."""

    job: Job
    next: NextRequest
    plan_query: str  # of the planning page: this request with what is suggested


def spent_by(attempt: Attempt) -> Spent:
    """Of an attempt with its job and, where it was read, its usage."""
    job, got = attempt.job, attempt.alloc_tres
    usage = getattr(attempt, "usage", None)
    ran = attempt.end_at - attempt.start_at if attempt.start_at and attempt.end_at else None
    elapsed_s = usage.elapsed_s if usage and usage.elapsed_s is not None else _seconds(ran)
    return Spent(
        state=attempt.state,
        nodes=got.get("nodes") or job.node_count or 1,
        cpus=got.get("cpus") or job.cpus,
        mem_mib=got.get("mem_mib") or job.mem_mib,
        gpus=sum((got.get("gpus") or job.gpus).values()),
        limit_minutes=job.limit_minutes,
        elapsed_s=elapsed_s,
        cpu_s=usage and usage.cpu_s,
        max_rss_mib=usage and usage.max_rss_mib,
        used_mem_mib=usage and usage.mem_mib,
        gpu_util_percent=usage and usage.gpu_util_percent,
        gpu_mem_mib=usage and usage.gpu_mem_mib,
    )


def ended_attempt(run: Run, actor: Actor) -> Attempt | None:
    """That of the run, where it has run and ended, and the actor may see its job."""
    job = run.job
    if job is None or not actor.jobs(job.cluster).filter(pk=job.pk).exists():
        return None
    ended = job.attempts.filter(start_at__isnull=False, end_at__isnull=False, number=run.attempt)
    return ended.select_related("job__cluster", "usage").first()


def advice_of(run: Run, attempt: Attempt, actor: Actor) -> Advice:
    """By the ended attempts of the experiment's runs that had the same nodes, CPUs and GPUs."""
    asked = spent_by(attempt)
    return _advice(actor, attempt, asked, ended_attempts(run.experiment, attempt.job, actor))


def advice_of_experiment(experiment: Experiment, actor: Actor) -> Advice | None:
    """For the request of its newest run that has ended; None where no job of it has."""
    runs = _ended_runs(experiment).select_related("job__cluster")
    for run in runs[:1]:
        attempts = ended_attempts(experiment, run.job, actor)
        newest = next((one for one in attempts if one.job_id == run.job_id), None)
        return newest and _advice(actor, newest, spent_by(newest), attempts)
    return None


def ended_attempts(experiment: Experiment, like: Job, actor: Actor) -> list[Attempt]:
    """The newest attempt of each job on the same cluster that the actor may see, newest first."""
    runs = _ended_runs(experiment).filter(job__cluster=like.cluster)
    visible = actor.jobs(like.cluster).filter(
        pk__in=list(runs.values_list("job", flat=True)[:RESTS_ON])
    )
    attempts = Attempt.objects.filter(job__in=visible, start_at__isnull=False, end_at__isnull=False)
    attempts = attempts.select_related("job", "usage").order_by("-job__job_id", "number")
    return list({attempt.job_id: attempt for attempt in attempts}.values())


def _ended_runs(experiment: Experiment) -> QuerySet[Run]:
    runs = Run.objects.filter(experiment=experiment, deleted_at=None, job__isnull=False)
    return runs.exclude(status__in=Run.OPEN).order_by("-pk")


def _advice(actor: Actor, attempt: Attempt, asked: Spent, attempts: Iterable[Attempt]) -> Advice:
    alike = [spent for one in attempts if _same_size(spent := spent_by(one), asked)]
    said = suggest(alike, asked)
    job = attempt.job
    is_own = actor.unix_name(job.cluster) == job.user
    return Advice(job, said, _plan_query(job, asked, said, is_own=is_own))


def _same_size(one: Spent, other: Spent) -> bool:
    return (one.nodes, one.cpus, one.gpus) == (other.nodes, other.cpus, other.gpus)


def _plan_query(job: Job, asked: Spent, said: NextRequest, *, is_own: bool) -> str:
    """The fields of the planning page's form; CPUs are for each task there, memory for a node.
    Another's account and QOS may not be the reader's, and are left open."""
    ntasks = max(job.ntasks or 0, asked.nodes)
    mem_mib = said.mem_mib_per_node or asked.mem_mib_per_node
    limit_minutes = said.limit_minutes or asked.limit_minutes
    gpu_types = [kind for kind in job.gpus if kind]
    fields = {
        "cluster": job.cluster.name,
        "ask": 1,
        "partition": job.partition,
        "account": job.account if is_own else None,
        "qos": job.qos if is_own else None,
        "nodes": asked.nodes,
        "ntasks": ntasks,
        "cpus": -(-(said.cpus or asked.cpus or ntasks) // ntasks),
        "mem": f"{mem_mib}M" if mem_mib else None,
        "gpus": asked.gpus,
        "gpu_type": gpu_types[0] if len(gpu_types) == 1 else None,
        "constraint": job.features,
        "time": format_duration(limit_minutes * 60) if limit_minutes else None,
    }
    query = urlencode({name: value for name, value in fields.items() if value})
    return f"?{query}#answer"


def _seconds(ran: timedelta | None) -> float | None:
    return None if ran is None else ran.total_seconds()
