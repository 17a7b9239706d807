"""What people and programs say about runs: names, notes, tags, parents; put aside, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from tracker.models import Actor, AuditEntry, Run, RunTag
from tracker.recording.audit import audit, audit_each
from tracker.recording.errors import ConflictError

PURGED_AT_ONCE = 1_000  # runs; the next time goes on
# Slurm may still have it. A run that never had a job has nobody to tell of its end.
_MAY_RUN = Q(status__in=Run.OPEN) & ~Q(slurm_job_id=None, submission=None)
ANCESTORS = 100


def describe_run(run: Run, *, actor: Actor, **fields: object) -> Run:
    """Change ``name``, ``notes``, ``parent`` or ``surroundings``: those that are given.

    ConflictError for a parent that would make a circle, or is a run of another experiment.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        changed = [name for name, value in fields.items() if getattr(run, name) != value]
        if "parent" in changed:
            _check_parent(run, fields["parent"])  # type: ignore[arg-type]
        if changed:
            for name in changed:
                setattr(run, name, fields[name])
            run.save(update_fields=[*changed, "updated_at"])
            audit(actor, "update", run, fields=sorted(changed))
        return run


def tag_runs(runs: Iterable[Run], tags: Mapping[str, str | None], *, actor: Actor) -> None:
    """Give each run these tags; None takes the tag of that name away. Other tags stay."""
    runs = list(runs)
    gone = [name for name, value in tags.items() if value is None]
    kept = {name: value for name, value in tags.items() if value is not None}
    with transaction.atomic():
        if gone:
            RunTag.objects.filter(run__in=runs, name__in=gone).delete()
        RunTag.objects.bulk_create(
            [
                RunTag(run=run, name=name, value=value)
                for run in runs
                for name, value in kept.items()
            ],
            update_conflicts=True,
            unique_fields=["run", "name"],
            update_fields=["value"],
        )
        audit_each(actor, "tag", runs, tags=dict(tags))


def archive_runs(runs: Iterable[Run], *, actor: Actor, at: datetime) -> int:
    """Put aside, with everything kept; how many were not yet."""
    return _set(runs, "archived_at", at, actor, "archive")


def unarchive_runs(runs: Iterable[Run], *, actor: Actor) -> int:
    return _set(runs, "archived_at", None, actor, "unarchive")


def delete_runs(runs: Iterable[Run], *, actor: Actor, at: datetime) -> int:
    """Hide from all, to be purged later; how many were not yet. All or none.

    ConflictError where the job of one has not ended: it would log to a deleted run.
    """
    return _set(runs, "deleted_at", at, actor, "delete")


def restore_runs(runs: Iterable[Run], *, actor: Actor) -> int:
    return _set(runs, "deleted_at", None, actor, "restore")


def purge_runs(deleted_before: datetime, *, most: int = PURGED_AT_ONCE) -> int:
    """Delete for good, each run with its points in a transaction of its own; how many."""
    doomed = Run.objects.filter(~_MAY_RUN, deleted_at__lt=deleted_before)
    purged = 0
    for pk in list(doomed.order_by("deleted_at").values_list("pk", flat=True)[:most]):
        with transaction.atomic():
            # asked again under a lock: it may just have been restored
            if run := doomed.select_for_update().filter(pk=pk).first():
                AuditEntry.objects.create(
                    verb="purge", kind="run", object_id=pk, detail={"experiment": run.experiment_id}
                )
                run.delete()
                purged += 1
    return purged


def _set(runs: Iterable[Run], field: str, at: datetime | None, actor: Actor, verb: str) -> int:
    with transaction.atomic():
        rows = Run.objects.select_for_update().filter(pk__in=[run.pk for run in runs])
        wanted = [run for run in rows.order_by("pk") if (getattr(run, field) is None) == bool(at)]
        if verb == "delete":
            _check_ended(rows)
        for run in wanted:
            setattr(run, field, at)
            run.save(update_fields=[field, "updated_at"])
        audit_each(actor, verb, wanted)
        return len(wanted)


def _check_ended(runs: QuerySet[Run]) -> None:
    still_open = list(runs.filter(_MAY_RUN).order_by("pk").values_list("pk", "status"))
    if still_open:
        [(pk, status), *more] = still_open
        many = f", and {len(more)} more have not ended" if more else ""
        raise ConflictError(
            "run", f"Run {pk[-8:]} is {status}{many}: cancel it first, or wait for its end"
        )


def _check_parent(run: Run, parent: Run | None) -> None:
    if parent is None:
        return
    if parent.experiment_id != run.experiment_id:
        raise ConflictError("parent", f"{parent.pk} is a run of another experiment")
    ancestor: str | None = parent.pk
    for _ in range(ANCESTORS):
        if ancestor == run.pk:
            raise ConflictError("parent", f"{parent.pk} is this run itself, or comes from it")
        ancestor = Run.objects.filter(pk=ancestor).values_list("parent", flat=True).first()
        if ancestor is None:
            return
    raise ConflictError("parent", f"{parent.pk} is nested {ANCESTORS} deep: take a run further up")
