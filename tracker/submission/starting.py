"""Start: the runs and their submission as rows, and a bell for the worker that sends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError

from tracker import recording
from tracker.env import is_loopback
from tracker.models import Actor, Cluster, Experiment, Run, Submission
from tracker.models.runs import new_run_id
from tracker.reach import why_closed
from tracker.recording import ConflictError
from tracker.slurm.batch import BatchOptions
from tracker.slurm.door import submit_argv
from tracker.submission.planning import Plan, Wish, plan_start

# What the job finds in its environment besides its run's own, which the script exports.
VARIABLES = ("TRACKER_API", "EXPERIMENT_ID")


def why_not_start(experiment: Experiment, cluster: Cluster, actor: Actor) -> str:
    """Why this actor cannot start it there, with the cure; empty where nothing stands against."""
    if experiment.archived_at:
        return "The experiment is archived: restore it first."
    if why := why_closed(cluster, actor.unix_name(cluster)):
        return why
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    if not cluster.is_demo and (not host or is_loopback(host)):
        return (
            f"Jobs on {cluster} would be told to report to {settings.PUBLIC_URL or 'no address'}, "
            "which is their own machine and not this one. Ask staff to start the service with "
            "--public-url and an address that compute nodes reach."
        )
    return ""


def cluster_to_start_on(experiment: Experiment, named: Cluster | None) -> Cluster:
    """The one named, else the experiment's, else the only one; ConflictError else."""
    if chosen := named or experiment.cluster:
        return chosen
    clusters = list(Cluster.objects.all()[:2])
    if len(clusters) == 1:
        return clusters[0]
    names = ", ".join(Cluster.objects.values_list("name", flat=True))
    raise ConflictError("cluster", f"is not named: give {names}" if names else "none is known yet")


def start(
    experiment: Experiment,
    *,
    actor: Actor,
    cluster: Cluster,
    wish: Wish,
    key: str,
    ring: Callable[[int], None],
) -> tuple[Submission, bool]:
    """The submission, and whether it is new: the same key again changes nothing.

    ``ring`` is given its id once the rows are committed. Raises ConflictError, and nothing is
    stored, where it cannot be started.
    """
    if known := Submission.objects.filter(experiment=experiment, key=key).first():
        return known, False
    if why := why_not_start(experiment, cluster, actor):
        raise ConflictError("cluster", why)
    unix_name = actor.unix_name(cluster) or ""
    plan = plan_start(experiment, cluster, unix_name, wish, new_run_id)
    try:
        submission = recording.record_start(
            experiment,
            actor=actor,
            cluster=cluster,
            unix_name=unix_name,
            key=key,
            frozen=_frozen(plan),
            runs=[
                {
                    "id": run.run_id,
                    "seed": run.seed,
                    "config": run.config,
                    "array_task_id": run.task_id,
                    "folder": run.folder,
                }
                for run in plan.runs
            ],
        )
    except IntegrityError:  # the same key, pressed twice at once
        return Submission.objects.get(experiment=experiment, key=key), False
    ring(submission.pk)
    return submission, True


def start_again(
    run: Run, *, actor: Actor, key: str, ring: Callable[[int], None]
) -> tuple[Submission, bool]:
    """A new run of the same seed and configuration, on the same cluster, with the options that
    the old one was started with; the script is the experiment's as it is now."""
    options = BatchOptions()
    if run.submission:
        options = options_of(run.submission)
        options = replace(options, array="", comment="")
    wish = Wish(
        seeds=() if run.seed is None else (run.seed,), configs=(run.config,), options=options
    )
    cluster = cluster_to_start_on(run.experiment, run.cluster)
    return start(run.experiment, actor=actor, cluster=cluster, wish=wish, key=key, ring=ring)


def options_of(submission: Submission) -> BatchOptions:
    """What was asked of Slurm, as it was frozen."""
    stored: dict[str, Any] = submission.request
    return BatchOptions(**stored | {"others": tuple(stored.get("others", ()))})


def _frozen(plan: Plan) -> dict[str, Any]:
    names = dict.fromkeys(VARIABLES, "")
    asked = {
        name: value for name, value in asdict(plan.options).items() if value not in ("", None, ())
    }
    return {
        "request": asked,
        "script": plan.script,
        "argv": submit_argv(plan.options, names),
        "mark": plan.mark,
    }
