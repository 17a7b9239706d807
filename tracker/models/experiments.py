"""Experiments, what they ask of each cluster, and the groups that share them."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse

from tracker.models.clusters import Cluster


class ResearchGroup(models.Model):
    name = models.CharField(max_length=120, unique=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership")

    class Meta:
        ordering = ["name"]
        verbose_name = "research group"

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner"
        MEMBER = "member"
        READER = "reader"

    group = models.ForeignKey(ResearchGroup, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "user"], name="one_role_per_member")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.group}"


def validate_tags(value: object) -> None:
    if not isinstance(value, list) or not all(
        isinstance(t, str) and 0 < len(t) <= 64 for t in value
    ):
        raise ValidationError('Give a list of words of at most 64 characters, such as ["vit"].')


class Experiment(models.Model):
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=list, blank=True, validators=[validate_tags])
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    group = models.ForeignKey(ResearchGroup, null=True, blank=True, on_delete=models.PROTECT)
    cluster = models.ForeignKey(Cluster, null=True, blank=True, on_delete=models.PROTECT)
    batch_script = models.TextField(blank=True)
    # where its runs keep configuration, checkpoints and logs, on storage shared with the cluster
    folder = models.CharField(max_length=500, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("experiment", args=[self.pk])


class ResourceRequest(models.Model):
    """What an experiment asks for on one cluster: names are not portable between clusters."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="requests")
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE)
    partition = models.CharField(max_length=255, blank=True, help_text="one, or several: a,b")
    nodes = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    ntasks = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    cpus_per_task = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    mem = models.CharField(max_length=32, blank=True, help_text="per node, such as 64G")
    gres = models.CharField(
        max_length=120, blank=True, help_text="per node: gpu:2, or typed: gpu:a100:2"
    )
    time_limit_minutes = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    account = models.CharField(max_length=255, blank=True)
    qos = models.CharField(max_length=255, blank=True)
    constraint = models.CharField(max_length=255, blank=True)
    job_name = models.CharField(
        max_length=200, blank=True, help_text="empty: the experiment's own name"
    )
    output = models.CharField(
        max_length=500, blank=True, help_text="such as jobs/%j.out; empty: as the site has it"
    )
    error = models.CharField(
        max_length=500, blank=True, help_text="empty: together with the output"
    )
    array = models.CharField(
        max_length=255, blank=True, help_text="a run a task: 0-9, or two at a time: 0-9%2"
    )
    dependency = models.CharField(max_length=500, blank=True, help_text="such as afterok:828")
    begin = models.CharField(
        max_length=64, blank=True, help_text="such as now+2hours or 2026-11-24T08:00"
    )
    mail_type = models.CharField(max_length=120, blank=True, help_text="such as END,FAIL")
    mail_user = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "cluster"], name="one_request_per_cluster"
            )
        ]

    def __str__(self) -> str:
        return f"{self.experiment} on {self.cluster}"
