from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from tracker.models import Actor, Cluster, Experiment, ResourceRequest
from tracker.recording.audit import audit

Requests = Sequence[Mapping[str, object]]


def create_experiment(*, actor: Actor, requests: Requests = (), **fields: object) -> Experiment:
    """A new experiment of the actor. Each of ``requests`` names its ``cluster``."""
    with transaction.atomic():
        experiment = Experiment.objects.create(owner=actor.user, **fields)
        _set_requests(experiment, requests)
        audit(actor, "create", experiment, name=experiment.name)
        return experiment


def update_experiment(
    experiment: Experiment, *, actor: Actor, requests: Requests | None = None, **fields: object
) -> Experiment:
    """Change the named fields; ``requests``, if given, takes the place of all there were."""
    with transaction.atomic():
        for name, value in fields.items():
            setattr(experiment, name, value)
        experiment.save(update_fields=[*fields, "updated_at"])
        if requests is not None:
            experiment.requests.all().delete()
            _set_requests(experiment, requests)
        changed = sorted([*fields, *(["requests"] if requests is not None else [])])
        audit(actor, "update", experiment, fields=changed)
        return experiment


def archive_experiment(experiment: Experiment, *, actor: Actor, at: datetime) -> Experiment:
    """Put aside, with everything in it kept; a second call changes nothing."""
    return _set_archived(experiment, actor, "archive", at)


def restore_experiment(experiment: Experiment, *, actor: Actor) -> Experiment:
    return _set_archived(experiment, actor, "restore", None)


def delete_experiment(experiment: Experiment, *, actor: Actor) -> None:
    """Delete with its runs, metrics and tokens. Files on shared storage are not touched."""
    with transaction.atomic():
        audit(actor, "delete", experiment, name=experiment.name, runs=experiment.runs.count())
        experiment.delete()


def _set_archived(
    experiment: Experiment, actor: Actor, verb: str, at: datetime | None
) -> Experiment:
    with transaction.atomic():
        if (experiment.archived_at is None) != (at is None):
            experiment.archived_at = at
            experiment.save(update_fields=["archived_at", "updated_at"])
            audit(actor, verb, experiment)
        return experiment


def _set_requests(experiment: Experiment, requests: Requests) -> None:
    """One row per cluster; of two for the same cluster the later one counts."""
    by_cluster: dict[Cluster, Mapping[str, object]] = {r["cluster"]: r for r in requests}  # type: ignore[misc]
    ResourceRequest.objects.bulk_create(
        ResourceRequest(experiment=experiment, **request) for request in by_cluster.values()
    )
