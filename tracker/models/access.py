"""Who is asking, and what they may see and touch: the one place that decides it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet

from tracker.models.clusters import Cluster, ClusterAccount
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
        every = Experiment.objects.all()
        if self.scope == Scope.RUN:
            return every.filter(pk__in=self._token_experiments())
        if self.scope == Scope.WEBHOOK:
            return every.none()
        if self.is_staff:
            return every
        groups = Membership.objects.filter(user=self.user).values("group")
        return every.filter(Q(owner=self.user) | Q(group__in=groups))

    def editable_experiments(self) -> QuerySet[Experiment]:
        """Those it may change: its own, and those of groups where it is owner or member."""
        if not self.may_write:
            return Experiment.objects.none()
        if self.is_staff:
            return Experiment.objects.all()
        return Experiment.objects.filter(
            Q(owner=self.user) | Q(group__in=self._groups(Role.OWNER, Role.MEMBER))
        )

    def owned_experiments(self) -> QuerySet[Experiment]:
        """Those it may delete or give to another group."""
        if not self.may_write:
            return Experiment.objects.none()
        if self.is_staff:
            return Experiment.objects.all()
        return Experiment.objects.filter(Q(owner=self.user) | Q(group__in=self._groups(Role.OWNER)))

    def runs(self) -> QuerySet[Run]:
        """Those it may see."""
        every = Run.objects.filter(experiment__in=self.experiments())
        if self.token and self.token.scope == Scope.RUN and self.token.run_id:
            return every.filter(pk=self.token.run_id)
        return every

    def may_create_run(self, experiment: Experiment) -> bool:
        if self.token and self.token.scope == Scope.RUN:
            return experiment.pk in self._token_experiments()
        return self.editable_experiments().filter(pk=experiment.pk).exists()

    def may_log_to(self, run: Run) -> bool:
        if self.token and self.token.scope == Scope.RUN:
            if self.token.run_id:
                return run.pk == self.token.run_id
            return run.experiment_id == self.token.experiment_id
        return self.editable_experiments().filter(pk=run.experiment_id).exists()

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
    def _groups(self, *roles: str) -> QuerySet[Membership]:
        return Membership.objects.filter(user=self.user, role__in=roles).values("group")

    def _token_experiments(self) -> set[int]:
        token = self.token
        if token is None:
            return set()
        if token.run_id:
            return {Run.objects.values_list("experiment_id", flat=True).get(pk=token.run_id)}
        return {token.experiment_id} if token.experiment_id else set()
