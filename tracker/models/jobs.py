"""What Slurm ran: a job has attempts (a requeue starts the next one). A job is not a run."""

from __future__ import annotations

from django.db import models

from tracker.models.clusters import Cluster


class Job(models.Model):
    """One raw job id between its first submission and the reuse of that id.

    The facts of the newest attempt (state, times, nodes) are kept here too, for lists.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE)
    job_id = models.PositiveBigIntegerField()  # raw: tells array tasks apart
    first_submit_at = models.DateTimeField()
    array_job_id = models.PositiveBigIntegerField(null=True)
    array_task_id = models.PositiveBigIntegerField(null=True)
    array_tasks = models.JSONField(default=list)  # pending tasks not split off yet
    het_job_id = models.PositiveBigIntegerField(null=True)
    name = models.CharField(max_length=1024, blank=True)
    user = models.CharField(max_length=255, blank=True)
    account = models.CharField(max_length=255, blank=True)
    partition = models.CharField(
        max_length=1024, blank=True
    )  # as asked: a,b; the one used once started
    qos = models.CharField(max_length=255, blank=True)
    priority = models.BigIntegerField(null=True)
    limit_minutes = models.PositiveIntegerField(null=True)
    limit_unlimited = models.BooleanField(default=False)
    node_count = models.PositiveIntegerField(null=True)
    ntasks = models.PositiveIntegerField(null=True)
    cpus = models.PositiveIntegerField(null=True)
    mem_mib = models.PositiveBigIntegerField(null=True)  # in all
    gpus = models.JSONField(default=dict)  # in all: type ("" untyped) -> count
    features = models.CharField(max_length=1024, blank=True)
    dependency = models.TextField(blank=True)
    reservation = models.CharField(max_length=255, blank=True)
    comment = models.TextField(blank=True)
    work_dir = models.TextField(blank=True)
    command = models.TextField(blank=True)
    # Where its output goes, as Slurm's controller told it once; empty: nobody asked
    std_out = models.TextField(blank=True)
    std_err = models.TextField(blank=True)

    # of the newest attempt
    state = models.CharField(max_length=32)  # Slurm's word
    reason = models.CharField(max_length=255, blank=True)
    submit_at = models.DateTimeField()
    eligible_at = models.DateTimeField(null=True)
    start_at = models.DateTimeField(null=True)
    end_at = models.DateTimeField(null=True)
    node_list = models.TextField(blank=True)
    exit_code = models.IntegerField(null=True)
    exit_signal = models.IntegerField(null=True)
    # Slurm's own estimate while pending, and when it was read
    slurm_start_at = models.DateTimeField(null=True)
    slurm_start_seen_at = models.DateTimeField(null=True)

    in_queue = models.BooleanField(default=False)  # in the newest good poll of the queue
    is_final = models.BooleanField(default=False)  # ended, and accounting agrees
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-job_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "job_id", "first_submit_at"], name="job_identity"
            )
        ]
        indexes = [
            # The few in the queue, and the few not final: in the default order, so that SQLite
            # takes these and not the whole history in that order.
            models.Index(
                fields=["cluster", "-job_id"],
                condition=models.Q(in_queue=True),
                name="job_in_queue",
            ),
            models.Index(
                fields=["cluster", "-job_id"], condition=models.Q(is_final=False), name="job_open"
            ),
            models.Index(fields=["cluster", "user", "-job_id"]),
            models.Index(fields=["cluster", "start_at"]),
            models.Index(fields=["cluster", "array_job_id"]),
        ]

    def __str__(self) -> str:
        return self.shown_id

    @property
    def shown_id(self) -> str:
        """The id as Slurm's users write it: 12, 12_3, or 12_[4-9]."""
        if self.array_job_id is None:
            return str(self.job_id)
        if self.array_task_id is not None:
            return f"{self.array_job_id}_{self.array_task_id}"
        tasks = self.array_tasks
        return f"{self.array_job_id}_[{tasks[0]}-{tasks[-1]}]" if tasks else str(self.job_id)


class Attempt(models.Model):
    """One incarnation of a job, known by its own submit time."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()  # 0 first; Slurm's restart count
    submit_at = models.DateTimeField()
    eligible_at = models.DateTimeField(null=True)
    start_at = models.DateTimeField(null=True)
    end_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=32)
    reason = models.CharField(max_length=255, blank=True)
    exit_code = models.IntegerField(null=True)
    exit_signal = models.IntegerField(null=True)
    node_list = models.TextField(blank=True)
    alloc_tres = models.JSONField(default=dict)
    accounted = models.BooleanField(default=False)  # sacct has told of this incarnation's end

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_number"),
            models.UniqueConstraint(fields=["job", "submit_at"], name="attempt_submit"),
        ]

    def __str__(self) -> str:
        return f"{self.job}, attempt {self.number}"


class AttemptUsage(models.Model):
    """What an attempt used, by its steps in accounting: see ``tracker.slurm.usage``. Null: nothing
    was recorded. Read once, after the end, of jobs that have runs; ``ingest.usage`` writes it.
    """

    attempt = models.OneToOneField(
        Attempt, on_delete=models.CASCADE, primary_key=True, related_name="usage"
    )
    read_at = models.DateTimeField()
    elapsed_s = models.PositiveBigIntegerField(null=True)
    cpu_s = models.FloatField(null=True)
    max_rss_mib = models.PositiveBigIntegerField(null=True)  # of the largest task
    mem_mib = models.PositiveBigIntegerField(null=True)  # of all tasks of the largest step
    gpu_util_percent = models.PositiveBigIntegerField(null=True)
    gpu_mem_mib = models.PositiveBigIntegerField(null=True)

    class Meta:
        verbose_name_plural = "attempt usage"

    def __str__(self) -> str:
        return f"usage of {self.attempt}"


class JobHint(models.Model):
    """A webhook's word about a job id: a reason to look the job up, never its state.

    Unknown ids are kept: the epilog can beat the poll.
    """

    cluster = models.ForeignKey(Cluster, null=True, on_delete=models.CASCADE)
    job_id = models.PositiveBigIntegerField()
    said_status = models.CharField(max_length=32, blank=True)
    received_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    looks = models.PositiveIntegerField(default=0)  # how often it has been looked up
    checked_at = models.DateTimeField(null=True)  # null: still to be looked up

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            # repeats are counted on the one waiting hint
            models.UniqueConstraint(
                fields=["cluster", "job_id"],
                condition=models.Q(checked_at=None),
                name="one_waiting_hint_per_job",
            ),
            models.UniqueConstraint(
                fields=["job_id"],
                condition=models.Q(checked_at=None, cluster=None),
                name="one_waiting_hint_without_cluster",
            ),
        ]

    def __str__(self) -> str:
        return f"hint for {self.job_id}"
