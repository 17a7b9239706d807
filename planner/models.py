"""What the planner is asked for, one row each, and what came of it."""

from __future__ import annotations

import shlex
from datetime import datetime

from django.conf import settings
from django.db import models

from tracker.models import Cluster, Experiment, Notice, StartEstimate
from tracker.models import work as tracker_work


class Work(tracker_work.Work):
    """Made from the facts of one moment."""

    snapshot_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Forecast(Work):
    """Made in batches of replicas, and published once no batch is open. One that is done and has
    no batch found nothing new: what the one before said still holds.

    Written by ``forecast_queue`` and ``forecast_batches`` of ``planner.forecasting`` and by
    ``planner.record.replay`` only.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="forecasts")
    requested_at = models.DateTimeField()
    replicas = models.PositiveIntegerField(default=1)  # wanted; fewer once their quantiles agree
    seed = models.PositiveBigIntegerField(default=0)
    horizon_s = models.PositiveIntegerField(default=86_400)
    jobs = models.PositiveIntegerField(default=0)
    cpu_s = models.FloatField(null=True)  # of all its batches, and of publishing
    as_of = models.DateTimeField(null=True)  # a replay of the polls stored by then; null: live
    # Its batches know what was known here by then, whenever they are computed: set once, when the
    # first is begun.
    facts_at = models.DateTimeField(null=True)
    facts_digest = models.CharField(max_length=64, blank=True)  # see planner.forecasting.news
    input_ages_s = models.JSONField(default=dict)  # by command, when the forecast was issued

    class Meta:
        ordering = ["-requested_at"]
        indexes = [models.Index(fields=["cluster", "state", "-requested_at"])]

    def __str__(self) -> str:
        return f"forecast for {self.cluster}, {self.state}"

    @classmethod
    def newest_made(cls, cluster: Cluster) -> Forecast | None:
        """The live one whose estimates hold now."""
        made = ForecastBatch.objects.filter(forecast=models.OuterRef("pk"))
        live = cls.objects.filter(cluster=cluster, as_of=None, state=cls.State.DONE)
        return live.filter(models.Exists(made)).first()


class ForecastBatch(Work):
    """Some replicas of a forecast, made by one worker. Replica r is the same in any batch."""

    forecast = models.ForeignKey(Forecast, on_delete=models.CASCADE, related_name="batches")
    first_replica = models.PositiveIntegerField()
    replicas = models.PositiveIntegerField()
    cpu_s = models.FloatField(null=True)
    # As planner.forecasting.stored_starts packs them, until they are published; null: none made.
    starts = models.BinaryField(null=True)
    # As planner.futures packs them; kept of the newest forecast of a cluster only.
    futures = models.BinaryField(null=True)

    class Meta:
        ordering = ["first_replica"]
        constraints = [
            models.UniqueConstraint(
                fields=["forecast", "first_replica"], name="one_batch_per_replica"
            )
        ]

    def __str__(self) -> str:
        last = self.first_replica + self.replicas - 1
        return f"replicas {self.first_replica} to {last} of {self.forecast}"


class Question(Work):
    """A hypothetical job that somebody asks about: answered by a worker, read by the page.

    ``request`` and ``answer`` are those of ``POST /api/v1/plan``; ``planner.asking.questions`` is
    the only writer.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="questions")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    request = models.JSONField()
    request_sha256 = models.CharField(max_length=64)  # of the canonical JSON: the same question
    asked_at = models.DateTimeField()
    answer = models.JSONField(null=True)

    class Meta:
        ordering = ["-asked_at"]
        indexes = [
            models.Index(fields=["asked_by", "cluster", "request_sha256", "-asked_at"]),
            models.Index(fields=["state", "asked_at"]),
        ]

    def __str__(self) -> str:
        return f"question {self.pk} on {self.cluster}, {self.state}"


class Watch(models.Model):
    """Somebody wants to be told when a job that she asked about would start sooner.

    Over once cancelled or expired, and kept for a while then. Written by ``watching`` and
    ``looking`` of ``planner.watches`` only.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watches"
    )
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="watches")
    request = models.JSONField()  # of the question, as is its digest
    request_sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    # What was promised when she asked: the start of the best option. A null time: past the horizon.
    promised_where = models.CharField(max_length=255)
    promised_p50_at = models.DateTimeField(null=True)
    promised_p90_at = models.DateTimeField(null=True)
    # What she wishes for: the one or the other.
    better_by_at = models.DateTimeField(null=True)
    within_minutes = models.PositiveIntegerField(null=True)
    # False: the promise was simulated, and looks fit: the first of them says what it comes to so.
    is_settled = models.BooleanField()

    # What the newest futures say, as of their snapshot; null times: no start in them.
    checked_at = models.DateTimeField()
    best_where = models.CharField(max_length=255, blank=True)
    best_p50_at = models.DateTimeField(null=True)
    best_p90_at = models.DateTimeField(null=True)
    told_p50_at = models.DateTimeField(null=True)  # the start last told of, while it is there

    class Meta:
        ordering = ["-made_at"]
        verbose_name_plural = "watches"
        indexes = [
            models.Index(fields=["user", "-made_at"]),
            models.Index(fields=["cluster", "expires_at"]),
        ]

    def __str__(self) -> str:
        return f"watch {self.pk} of {self.user} on {self.cluster}"

    def is_live(self, now: datetime) -> bool:
        return self.cancelled_at is None and self.expires_at > now


class BetterSlot(models.Model):
    """A slot that a watch has found, and the notice by which its user was told: made by
    ``planner.watches.looking``."""

    notice = models.OneToOneField(
        Notice, on_delete=models.CASCADE, primary_key=True, related_name="better_slot"
    )
    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="slots")
    snapshot_at = models.DateTimeField()
    where = models.CharField(max_length=255)
    p50_at = models.DateTimeField()
    p90_at = models.DateTimeField(null=True)  # null: past the horizon, or not known
    sbatch_args = models.JSONField(default=list)  # that ask for this slot

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.where}, found by {self.watch}"

    @property
    def sbatch(self) -> str:
        """The command, as a shell takes it."""
        return shlex.join(["sbatch", *self.sbatch_args, "SCRIPT.sh"])


class Promise(models.Model):
    """What the option said that somebody chose to start an experiment with.

    Its runs are those of the submission with its key, if it was sent. ``planner.watches.promises``
    is the only writer.
    """

    key = models.CharField(max_length=64, unique=True)
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="promises")
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="promises")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="promises"
    )
    chosen_at = models.DateTimeField()
    snapshot_at = models.DateTimeField()  # of the facts that the answer was made from
    horizon_s = models.PositiveIntegerField()
    option = models.JSONField()  # as ``POST /api/v1/plan`` tells it
    asks = models.JSONField()  # of sbatch, by field of tracker.slurm.batch.BatchOptions

    class Meta:
        ordering = ["-chosen_at"]
        indexes = [models.Index(fields=["chosen_at"])]

    def __str__(self) -> str:
        return f"promise {self.pk} for {self.experiment}"


class SelfCheck(Work):
    """The model held against Slurm on stored polls. ``result`` is that of ``simulate --check
    --json``; ``planner.check_queue`` is the only writer."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="self_checks")
    requested_at = models.DateTimeField()
    result = models.JSONField(null=True)

    class Meta:
        ordering = ["-requested_at"]
        indexes = [models.Index(fields=["cluster", "state", "-requested_at"])]

    def __str__(self) -> str:
        return f"self-check of {self.cluster}, {self.state}"


class StartFeatures(models.Model):
    """What the queue looked like when an estimate of the record was issued: see
    ``planner.learnt.start_features``, the only writer. Deleted with the estimate."""

    estimate = models.OneToOneField(
        StartEstimate, on_delete=models.CASCADE, primary_key=True, related_name="features"
    )
    names_digest = models.CharField(max_length=16)  # rows of one digest have the same columns
    values = models.BinaryField()  # float32, little endian; nan: unknown

    class Meta:
        verbose_name_plural = "start features"

    def __str__(self) -> str:
        return f"features of {self.estimate}"


class Learnt(Work):
    """Which part of the record a learner rests on, what was known at ``snapshot_at``, and how well
    it did. Its version is its key.

    The forest itself is grown from the record by whoever needs it.
    ``planner.learnt.learn_queue`` is the only writer.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="learnt")
    requested_at = models.DateTimeField()
    names_digest = models.CharField(max_length=16, blank=True)  # of the features that it knows
    starts = models.PositiveIntegerField(default=0)  # that it learnt from
    # By partition as asked for: {"n": starts judged, "learner": loss, "ensemble":, "history":}.
    losses = models.JSONField(default=dict)

    class Meta:
        ordering = ["-requested_at"]
        verbose_name_plural = "learnt"
        indexes = [models.Index(fields=["cluster", "state", "-requested_at"])]

    def __str__(self) -> str:
        return f"version {self.pk} learnt for {self.cluster}, {self.state}"
