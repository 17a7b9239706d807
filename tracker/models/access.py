"""Who is asking, and what they may see and touch: the one place that decides it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet

from tracker.models.clusters import Cluster, ClusterAccount, Node, Partition
from tracker.models.experiments import Experiment, Membership, ResearchGroup
from tracker.models.jobs import Job
from tracker.models.runs import Run
from tracker.models.tokens import Token

Role = Membership.Role
Scope = Token.Scope


@dataclass(frozen=True)
class Actor:
    """A signed-in user (no token), or a user by one of their tokens."""

    user: AbstractBaseUser | AnonymousUser
    token: Token | None = None

    @property
    def is_staff(self) -> bool:
        return bool(self.user.is_staff) and self.scope in (None, Scope.USER, Scope.READ)  # type: ignore[union-attr]

    @property
    def scope(self) -> str | None:
        return self.token.scope if self.token else None

    @property
    def may_write(self) -> bool:
        """Whether this actor may change anything beyond the runs of a run token."""
        return self.scope in (None, Scope.USER)

    # --- experiments and runs
    def experiments(self) -> QuerySet[Experiment]:
        """Those it may see."""
        if self.scope == Scope.WEBHOOK:
            return Experiment.objects.none()
        return self._with_role(*Role)

    def editable_experiments(self) -> QuerySet[Experiment]:
        """Those it may change: its own, and those of groups where it is owner or member."""
        if not self.may_write:
            return Experiment.objects.none()
        return self._with_role(Role.OWNER, Role.MEMBER)

    def owned_experiments(self) -> QuerySet[Experiment]:
        """Those it may delete or give to another group."""
        if not self.may_write:
            return Experiment.objects.none()
        return self._with_role(Role.OWNER)

    def runs(self) -> QuerySet[Run]:
        """Those it may see; deleted ones only ``deleted_runs`` has."""
        return self._runs_of_token().filter(deleted_at=None)

    def deleted_runs(self) -> QuerySet[Run]:
        """Those it would see, had they not been deleted: they can be restored until the purge."""
        return self._runs_of_token().filter(deleted_at__isnull=False)

    def editable_runs(self) -> QuerySet[Run]:
        """Those it may rename, tag, archive, delete and restore, deleted ones among them."""
        return Run.objects.filter(experiment__in=self.editable_experiments())

    def may_create_run(self, experiment: Experiment) -> bool:
        return self._open_to_runs().filter(pk=experiment.pk).exists()

    def may_log_to(self, run: Run) -> bool:
        """Each metric asks this: of the user's own experiment, where loaded, without a query."""
        if self.token and self.token.run_id not in (None, run.pk):
            return False
        if self.token and self.token.submission_id not in (None, run.submission_id):
            return False
        if run.experiment.owner_id == self.user.pk and self._is_for(run.experiment):
            return True
        return self._open_to_runs().filter(pk=run.experiment_id).exists()

    # --- groups
    def groups(self) -> QuerySet[ResearchGroup]:
        if self.scope in (Scope.RUN, Scope.WEBHOOK):
            return ResearchGroup.objects.none()
        if self.is_staff:
            return ResearchGroup.objects.all()
        return ResearchGroup.objects.filter(membership__user=self.user)

    def owned_groups(self) -> QuerySet[ResearchGroup]:
        if not self.may_write:
            return ResearchGroup.objects.none()
        if self.is_staff:
            return ResearchGroup.objects.all()
        return ResearchGroup.objects.filter(membership__user=self.user, membership__role=Role.OWNER)

    # --- clusters
    def clusters(self) -> QuerySet[Cluster]:
        if self.scope in (Scope.RUN, Scope.WEBHOOK):
            return Cluster.objects.none()
        return Cluster.objects.all()

    def partitions(self) -> QuerySet[Partition]:
        """Those it may see: hidden ones are for staff, as squeue and sinfo have it."""
        rows = Partition.objects.filter(cluster__in=self._open_clusters("partitions"))
        return rows if self.is_staff else rows.filter(hidden=False)

    def nodes(self) -> QuerySet[Node]:
        """Those it may see one by one."""
        return Node.objects.filter(cluster__in=self._open_clusters("nodes"))

    def sees(self, cluster: Cluster, word: str) -> bool:
        """Whether the cluster's PrivateData leaves this (nodes, reservations, …) open to it."""
        return self.is_staff or word not in cluster.private_data

    def unix_name(self, cluster: Cluster) -> str | None:
        """Whose jobs are this actor's own on a cluster; None where staff mapped nobody."""
        return (
            ClusterAccount.objects.filter(user=self.user, cluster=cluster)
            .values_list("unix_name", flat=True)
            .first()
        )

    def jobs(self, cluster: Cluster) -> QuerySet[Job]:
        """Jobs it may see one by one: all, or only its own where PrivateData says so."""
        jobs = Job.objects.filter(cluster=cluster)
        if self.scope in (Scope.RUN, Scope.WEBHOOK):
            return jobs.none()
        if self.is_staff or not cluster.hides_jobs:
            return jobs
        name = self.unix_name(cluster)
        return jobs.filter(user=name) if name else jobs.none()

    # --- inside
    def _runs_of_token(self) -> QuerySet[Run]:
        every = Run.objects.filter(experiment__in=self.experiments())
        if self.token and self.token.scope == Scope.RUN:
            if self.token.submission_id:
                return every.filter(submission=self.token.submission_id)
            if self.token.run_id:
                return every.filter(pk=self.token.run_id)
        return every

    def _open_clusters(self, word: str) -> list[Cluster]:
        """Clusters whose PrivateData does not name this, or does not bind this actor."""
        return [each for each in self.clusters() if self.sees(each, word)]

    def _with_role(self, *roles: str) -> QuerySet[Experiment]:
        """The user's own experiments and those of groups where the user has such a role (staff:
        all); through a run's token only that token's, and while the user still has the role."""
        rows = Experiment.objects.all()
        if not self.user.is_staff:  # type: ignore[union-attr]
            groups = Membership.objects.filter(user=self.user, role__in=roles).values("group")
            rows = rows.filter(Q(owner=self.user) | Q(group__in=groups))
        if self.token is None or self.scope != Scope.RUN:
            return rows
        if self.token.run_id:
            return rows.filter(runs=self.token.run_id)
        return rows.filter(pk=self.token.experiment_id)

    def _is_for(self, experiment: Experiment) -> bool:
        """Whether its token's scope lets it write to runs of this experiment."""
        if self.token and self.scope == Scope.RUN:
            return self.token.run_id is not None or self.token.experiment_id == experiment.pk
        return self.may_write

    def _open_to_runs(self) -> QuerySet[Experiment]:
        """Experiments that it may create runs in and log to."""
        if self.may_write or self.scope == Scope.RUN:
            return self._with_role(Role.OWNER, Role.MEMBER)
        return Experiment.objects.none()
