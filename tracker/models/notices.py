"""What people are told of: news of their runs, and of slots that they wait for."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from tracker.models.experiments import Experiment
from tracker.models.runs import Run
from tracker.models.submissions import Submission
from tracker.models.work import Work


class Notice(Work):
    """A sentence for one person, shown in the pages at once. The work is its e-mail, which is done
    from the start where none is to be sent.

    ``tracker.recording.notices`` is the only writer, but for the e-mail: ``tracker.mailing``.
    """

    class Kind(models.TextChoices):
        STARTED = "started", "a run starts"
        FAILED = "failed", "a run fails"
        ENDED = "ended", "a run ends well, or is cancelled"
        BETTER_SLOT = "better_slot", "a better slot opens for a watch"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices"
    )
    kind = models.CharField(max_length=16, choices=Kind)
    made_at = models.DateTimeField()
    title = models.CharField(max_length=500)
    body = models.TextField(blank=True)  # what an e-mail says besides
    path = models.CharField(max_length=300)  # of the page that tells more
    read_at = models.DateTimeField(null=True)
    mail_to = models.EmailField(blank=True)  # empty: no e-mail
    # Of news of runs: those of one start are told of together.
    experiment = models.ForeignKey(
        Experiment, null=True, on_delete=models.CASCADE, related_name="notices"
    )
    submission = models.ForeignKey(
        Submission, null=True, on_delete=models.CASCADE, related_name="notices"
    )
    runs = models.PositiveIntegerField(default=0)
    out_of = models.PositiveIntegerField(null=True)  # runs of the start, where it was ours

    class Meta:
        ordering = ["-made_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "-made_at"]),
            models.Index(fields=["state", "made_at"], name="notice_mail"),
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="notice_to_read"),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk} for {self.user}"


class NoticedRun(models.Model):
    """That somebody was told of this: once for each kind of news of each attempt."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="noticed")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="noticed")
    attempt = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=Notice.Kind)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "attempt", "kind"], name="news_told_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of run {self.run_id}, attempt {self.attempt}"


class NoticeWishes(models.Model):
    """What a person wants to be told of, and how. Who has no row has the defaults."""

    class Way(models.TextChoices):
        NOTHING = "nothing", "not at all"
        PAGE = "page", "in the pages"
        MAIL = "mail", "pages and e-mail"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="notice_wishes",
    )
    started = models.CharField(max_length=8, choices=Way, default=Way.PAGE)
    failed = models.CharField(max_length=8, choices=Way, default=Way.PAGE)
    ended = models.CharField(max_length=8, choices=Way, default=Way.NOTHING)
    # Whoever begins a watch has asked to be told, and soon.
    better_slot = models.CharField(max_length=8, choices=Way, default=Way.MAIL)

    class Meta:
        verbose_name_plural = "notice wishes"

    def __str__(self) -> str:
        return f"notice wishes of {self.user}"

    def way(self, kind: str) -> str:
        way: str = getattr(self, kind)
        return way
