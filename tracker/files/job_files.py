"""Whose files a run's are, by what we know of its job, and opening those alone."""

from __future__ import annotations

import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from django.conf import settings

from tracker.logs import Listing, Unreadable, entries_of, open_file, opened_folder
from tracker.logs.unreadable import shown, translated
from tracker.models import Actor, Cluster, Job, Run


@dataclass(frozen=True, slots=True)
class JobFiles:
    """What lies beneath the cluster's named folders and belongs to the job's user."""

    user: str
    owner_uid: int
    roots: Sequence[str]

    @classmethod
    def of(cls, run: Run, actor: Actor) -> JobFiles:
        """Raises Unreadable where the job is not known, or not this run's to show."""
        job, cluster = started_job(run)
        check_allowed(run, job, cluster, actor)
        return cls(job.user, _uid(job.user, cluster), cluster.log_roots)

    def open(self, path: PurePosixPath) -> BinaryIO:
        """To be closed by the caller. Raises Unreadable, with the reason in words."""
        file = open_file(path, roots=self.roots, owner_uid=self.owner_uid)
        if _is_the_services(file.fileno()):
            file.close()
            raise Unreadable("outside", f"{shown(path)} is a file of this service, and no job's.")
        return file

    def list(self, path: PurePosixPath) -> Listing:
        with opened_folder(path, roots=self.roots, owner_uid=self.owner_uid) as folder:
            if _is_the_services(folder):
                raise Unreadable("outside", f"{shown(path)} is a folder of this service.")
            with translated(path):
                return entries_of(folder, owner_uid=self.owner_uid)


def _is_the_services(descriptor: int) -> bool:
    """Where jobs run as the service's own user its keys are that user's files too. The demo's jobs
    live in the data folder, in a place of their own."""
    real = Path(f"/proc/self/fd/{descriptor}").readlink()
    data_dir = Path(settings.DATA_DIR)
    return real.is_relative_to(data_dir) and not real.is_relative_to(data_dir / "demo/home")


def started_job(run: Run) -> tuple[Job, Cluster]:
    if run.job is None:
        raise Unreadable(
            "absent", "Slurm has not shown the job of this run yet; its files come with it."
        )
    if run.job.start_at is None:
        raise Unreadable("absent", "The job has not started yet: it has written nothing so far.")
    return run.job, run.job.cluster


def check_allowed(run: Run, job: Job, cluster: Cluster, actor: Actor) -> None:
    """A run may name any job; only its owner's own word makes a job's files part of the run."""
    vouching = Actor(run.created_by).unix_name(cluster) if run.created_by else None
    if job.user not in (vouching, actor.unix_name(cluster)):
        raise Unreadable(
            "not_owner",
            f"The job is {job.user}'s, and the run was made by somebody who is not {job.user} on "
            f"{cluster}: only {job.user} sees its files here.",
        )
    if not actor.jobs(cluster).filter(pk=job.pk).exists():
        raise Unreadable(
            "not_owner",
            f"{cluster} shows a job to its own user only (PrivateData), and this one is "
            "another user's.",
        )


def _uid(name: str, cluster: Cluster) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise Unreadable(
            "not_owner",
            f"This service's host does not know the user {name} of {cluster}, so it cannot tell "
            "whose the file is. Give it the cluster's users (LDAP, sssd), or a mapping.",
        ) from None
