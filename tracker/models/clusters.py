"""Clusters as last polled: partitions, nodes, QOS, associations, reservations, accounts."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

slurm_name = RegexValidator(
    r"^[A-Za-z0-9_.-]+$", "Give a name of letters, digits, dot, dash and underscore."
)


# Neither begins with a dash, so that no host is ever taken for an option.
host_name = RegexValidator(
    r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "Give a host name, or a name of the ssh configuration."
)
rest_address = RegexValidator(
    r"^https?://[A-Za-z0-9_.:\[\]-]+(/[A-Za-z0-9_./-]*)?$",
    "Give the address of slurmrestd, such as http://127.0.0.1:6820.",
)


def work_dir_of(template: str) -> None:
    _filled("work folder", template, user="alice")
    if not template.startswith("/"):
        raise ValidationError(f"“{template}” is no absolute path; give one such as /home/{{user}}.")


def run_folder_of(template: str) -> None:
    _filled("folder", template, user="alice", experiment="001", run="0" * 32, seed="1")


def _filled(what: str, template: str, **names: str) -> str:
    try:
        return template.format(**names)
    except (KeyError, IndexError, ValueError, AttributeError):
        known = ", ".join(f"{{{name}}}" for name in names)
        raise ValidationError(
            f"“{template}” is no {what}: it may hold {known} and no other braces."
        ) from None


class Cluster(models.Model):
    class Transport(models.TextChoices):
        LOCAL = "local", "commands on this host"
        SSH = "ssh", "commands on another host, over ssh"
        SLURMRESTD = "slurmrestd", "slurmrestd"
        CAPTURE = "capture", "a recorded capture folder"

    class SubmitAs(models.TextChoices):
        """How a job comes to be submitted as its own user, who is never root and never another."""

        NOBODY = "", "nobody: this cluster is only read"
        SELF = "self", "the service's own user, for whoever is that user"
        SUDO = "sudo", "the user, by sudo on this host"
        SSH = "ssh", "the user, over ssh"
        SLURMRESTD = "slurmrestd", "the user, by slurmrestd and the user's JWT"

    name = models.CharField(max_length=64, unique=True, validators=[slurm_name])
    transport = models.CharField(max_length=16, choices=Transport, default=Transport.LOCAL)
    submit_as = models.CharField(
        max_length=16, choices=SubmitAs, default=SubmitAs.NOBODY, blank=True
    )
    # local, ssh: folder of the Slurm commands, empty = PATH; capture: the capture folder
    location = models.CharField(max_length=500, blank=True)
    ssh_host = models.CharField(max_length=255, blank=True, validators=[host_name])
    rest_url = models.CharField(max_length=255, blank=True, validators=[rest_address])
    # as whom the service asks over ssh or slurmrestd
    service_user = models.CharField(max_length=64, blank=True, validators=[slurm_name])

    # Where jobs live there. {user} is the unix name, {experiment} the id (three digits at least).
    work_dir = models.CharField(max_length=500, default="/home/{user}", validators=[work_dir_of])
    run_folder = models.CharField(
        max_length=500, default="experiments/exp-{experiment}", validators=[run_folder_of]
    )
    job_output = models.CharField(max_length=500, default="jobs/%j.out")
    setup_lines = models.TextField(blank=True)  # before every script: module load, activate
    log_roots = models.JSONField(default=list, blank=True)  # folders whose files may be read
    is_demo = models.BooleanField(default=False, editable=False)
    polling_paused = models.BooleanField(default=False)
    slurm_version = models.CharField(max_length=32, blank=True, editable=False)
    # Slurm's PrivateData words (jobs, usage, nodes, ...), or set here to be stricter
    private_data = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def hides_jobs(self) -> bool:
        """Whether users may see only their own jobs (PrivateData=jobs); aggregates stay."""
        return "jobs" in self.private_data

    @property
    def is_being_made(self) -> bool:
        """Whether this is a demo that still lives through its past: its commands come last."""
        return self.is_demo and not self.location


class OfCluster(models.Model):
    """A named thing of one cluster, refreshed by polls; absent from a poll means deleted."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE)
    name = models.CharField(max_length=255)

    class Meta:
        abstract = True
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "name"], name="%(class)s_of_cluster")
        ]

    def __str__(self) -> str:
        return self.name


class Partition(OfCluster):
    state = models.CharField(max_length=16)
    is_default = models.BooleanField(default=False)
    node_list = models.TextField(blank=True)
    # null: UNLIMITED
    max_minutes = models.PositiveIntegerField(null=True)
    default_minutes = models.PositiveIntegerField(null=True)
    max_nodes = models.PositiveIntegerField(null=True)
    priority_tier = models.PositiveIntegerField(default=1)
    priority_job_factor = models.PositiveIntegerField(default=1)
    hidden = models.BooleanField(default=False)
    # null: all
    allow_accounts = models.JSONField(null=True)
    deny_accounts = models.JSONField(default=list)
    allow_qos = models.JSONField(null=True)
    deny_qos = models.JSONField(default=list)


class Node(OfCluster):
    state = models.CharField(max_length=120)  # as scontrol prints it: MIXED+DRAIN
    cpus = models.PositiveIntegerField()
    cpus_alloc = models.PositiveIntegerField()
    mem_mib = models.PositiveBigIntegerField()
    mem_alloc_mib = models.PositiveBigIntegerField()
    gpus = models.JSONField(default=dict)  # type ("" untyped) -> count
    gpus_alloc = models.JSONField(default=dict)
    features = models.JSONField(default=list)
    weight = models.PositiveBigIntegerField(default=1)
    partitions = models.JSONField(default=list)
    usable = models.BooleanField(default=True)  # may take new work now
    reason = models.TextField(blank=True)


class Qos(OfCluster):
    priority = models.PositiveBigIntegerField(default=0)
    max_wall_minutes = models.PositiveIntegerField(null=True)
    limits = models.JSONField(default=dict)  # the limits that are set, in Slurm's own names

    class Meta(OfCluster.Meta):
        verbose_name = verbose_name_plural = "QOS"


class Reservation(OfCluster):
    start_at = models.DateTimeField(null=True)
    end_at = models.DateTimeField(null=True)
    node_list = models.TextField(blank=True)
    flags = models.JSONField(default=list)
    users = models.JSONField(default=list)
    accounts = models.JSONField(default=list)
    state = models.CharField(max_length=16)


class Association(models.Model):
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE)
    account = models.CharField(max_length=255)
    user = models.CharField(max_length=255, blank=True)  # "": the account itself
    partition = models.CharField(max_length=255, blank=True)
    parent_account = models.CharField(max_length=255, blank=True)
    shares = models.PositiveIntegerField(null=True)  # null: parent
    qos = models.JSONField(default=list)
    default_qos = models.CharField(max_length=255, blank=True)
    limits = models.JSONField(default=dict)
    raw_usage = models.FloatField(null=True)
    fair_share = models.FloatField(null=True)

    class Meta:
        ordering = ["account", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "account", "user", "partition"], name="association_of_cluster"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account}/{self.user}" if self.user else self.account


class ClusterAccount(models.Model):
    """Which unix user somebody is on a cluster: set by staff or sign-in, never by the user."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE)
    unix_name = models.CharField(max_length=64, validators=[slurm_name])

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "cluster"], name="one_account_per_cluster")
        ]

    def __str__(self) -> str:
        return f"{self.unix_name} on {self.cluster}"
