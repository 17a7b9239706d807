"""Small worlds for tests: people and their group, a cluster, an experiment, a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.models import User

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class People:
    """alice owns the group and its experiments, bob is a member, rita a reader, mallory nobody."""

    alice: User
    bob: User
    rita: User
    mallory: User
    staff: User


def make_people() -> People:
    from tracker.models import Membership, ResearchGroup

    make = User.objects.create_user
    people = People(
        alice=make("alice"),
        bob=make("bob"),
        rita=make("rita"),
        mallory=make("mallory"),
        staff=make("staff", is_staff=True, is_superuser=True),
    )
    group = ResearchGroup.objects.create(name="vision")
    for user, role in ((people.alice, "owner"), (people.bob, "member"), (people.rita, "reader")):
        Membership.objects.create(group=group, user=user, role=role)
    return people


def make_cluster(name: str = "lab", **fields: object):
    from tracker.models import Cluster

    return Cluster.objects.create(name=name, **fields)


def make_experiment(owner: User, *, shared: bool = True, **fields: object):
    """An experiment of ``owner``, in the group "vision" if shared."""
    from tracker.models import Experiment, ResearchGroup

    fields.setdefault("name", "vit-small")
    if shared:
        fields.setdefault("group", ResearchGroup.objects.get(name="vision"))
    return Experiment.objects.create(owner=owner, **fields)


def make_job(cluster, job_id: int = 828, **fields: object):
    from tracker.models import Attempt, Job

    defaults: dict[str, object] = {
        "first_submit_at": NOW,
        "submit_at": NOW,
        "state": "PENDING",
        "user": "alice",
        "partition": "gpu",
        "name": "train",
        "in_queue": True,
        "first_seen_at": NOW,
        "changed_at": NOW,
    }
    job = Job.objects.create(cluster=cluster, job_id=job_id, **(defaults | fields))
    Attempt.objects.create(job=job, number=0, submit_at=job.submit_at, state=job.state)
    return job
