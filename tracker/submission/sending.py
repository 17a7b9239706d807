"""Send a submission to Slurm: claimed first, so that no second worker sends it too."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.utils import timezone

from tracker import recording
from tracker.models import Cluster, Submission
from tracker.reach import acting
from tracker.slurm.errors import SlurmRefused, SlurmUnavailable
from tracker.submission.planning import output_folders
from tracker.submission.starting import options_of

logger = logging.getLogger(__name__)


def send(pk: int) -> Cluster | None:
    """Ask sbatch once; the cluster that has taken it. Without an answer it stays claimed, and
    ``recover`` finds out."""
    submission = recording.claim(pk, timezone.now())
    if submission is None:
        return None
    options = options_of(submission)
    try:
        door = acting(submission.cluster, submission.unix_name)
        job_id = door.submit(
            submission.script, options, _variables(submission), output_folders(options)
        )
    except SlurmRefused as refused:
        recording.mark_refused(submission, str(refused), timezone.now())
        logger.warning("%s was refused: %s", submission, refused)
    except SlurmUnavailable as silence:
        recording.note_silence(submission, str(silence))
        logger.warning("%s got no answer: %s", submission, silence)
    else:
        recording.mark_sent(submission, job_id, timezone.now())
        return submission.cluster
    return None


def _variables(submission: Submission) -> dict[str, str]:
    """The job's way back to us. The secret stands in no row, no argv and no script."""
    secret = recording.token_for(submission, timezone.now())
    address = urlsplit(settings.PUBLIC_URL)
    api = urlunsplit(address._replace(netloc=f"token:{secret}@{address.netloc}"))
    return {"TRACKER_API": api, "EXPERIMENT_ID": str(submission.experiment_id)}
