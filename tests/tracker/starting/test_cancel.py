"""Cancel: a wish at once, scancel as the job's own user, and Slurm's word for the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from tests.factories import make_job
from tests.tracker.fake_slurm import FakeSlurm
from tests.tracker.starting.start import Wish, begin, nobody_rings
from tracker import submission
from tracker.models import Actor, JobHint, Run
from tracker.recording import ConflictError

pytestmark = pytest.mark.django_db


def ask(run: Run, user) -> None:
    submission.ask_cancel(
        run,
        actor=Actor(user),
        now=timezone.now(),
        ring=lambda: submission.send_cancels(timezone.now()),
    )


def cancelled(slurm: FakeSlurm) -> list[str]:
    return [call for call in slurm.calls if call.startswith("scancel")]


@pytest.fixture(autouse=True)
def scancel(slurm: FakeSlurm, tmp_path: Path) -> None:
    slurm.write("scancel", "exit 0")


def test_it_gives_scancel_the_job_and_looks_it_up(experiment, cluster, slurm):
    begin(experiment, cluster)
    run = Run.objects.get()
    ask(run, experiment.owner)
    run.refresh_from_db()
    assert cancelled(slurm) == ["scancel -- 828"]
    assert run.cancel_sent_at is not None
    assert run.status == "PENDING"  # until Slurm says so
    assert JobHint.objects.get().job_id == 828


def test_of_an_array_it_cancels_the_one_task(experiment, cluster, slurm):
    begin(experiment, cluster, Wish(seeds=(1, 2, 3)))
    ask(Run.objects.get(array_task_id=1), experiment.owner)
    assert cancelled(slurm) == ["scancel -- 828_1"]


def test_an_array_that_goes_as_a_whole_is_one_id(experiment, cluster, slurm):
    begin(experiment, cluster, Wish(seeds=(1, 2, 3)))
    submission.ask_cancel_all(
        Actor(experiment.owner),
        cluster,
        now=timezone.now(),
        ring=lambda: submission.send_cancels(timezone.now()),
    )
    assert cancelled(slurm) == ["scancel -- 828"]
    assert Run.objects.filter(cancel_sent_at=None).count() == 0


def test_nobody_cancels_anothers_job(experiment, cluster, slurm, people):
    begin(experiment, cluster)
    with pytest.raises(ConflictError, match="add your unix name"):
        ask(Run.objects.get(), people.bob)
    assert not cancelled(slurm)


def test_what_has_ended_is_told(experiment, cluster, slurm):
    begin(experiment, cluster)
    Run.objects.update(status="COMPLETED")
    with pytest.raises(ConflictError, match="has ended already"):
        ask(Run.objects.get(), experiment.owner)


def test_without_an_answer_it_is_asked_again(experiment, cluster, slurm):
    begin(experiment, cluster)
    slurm.fails("scancel", "scancel: error: Unable to contact slurm controller")
    ask(Run.objects.get(), experiment.owner)
    assert Run.objects.get().cancel_sent_at is None
    slurm.write("scancel", "exit 0")
    submission.send_cancels(timezone.now())
    assert Run.objects.get().cancel_sent_at is not None


def test_a_refusal_is_told_on_the_run(experiment, cluster, slurm):
    begin(experiment, cluster)
    slurm.fails("scancel", "scancel: error: Kill job error on job id 828: Access/permission denied")
    ask(Run.objects.get(), experiment.owner)
    run = Run.objects.get()
    assert "Access/permission denied" in run.message
    assert run.cancel_asked_at is None


def test_a_job_that_has_ended_meanwhile_is_no_error(experiment, cluster, slurm):
    begin(experiment, cluster)
    slurm.fails("scancel", "scancel: error: Kill job error on job id 828: Invalid job id specified")
    ask(Run.objects.get(), experiment.owner)
    assert Run.objects.get().cancel_sent_at is not None


def test_all_mine_is_one_call_with_my_jobs_and_nobody_elses(
    experiment,
    cluster,
    slurm,
    people,
):
    begin(experiment, cluster, key="sent")
    begin(experiment, cluster, key="waits", ring=nobody_rings)
    theirs = make_job(cluster, 830, user="qc-bob")
    Run.objects.create(
        experiment=experiment, cluster=cluster, job=theirs, status="PENDING", config_sha256=""
    )
    count = submission.ask_cancel_all(
        Actor(people.alice),
        cluster,
        now=timezone.now(),
        ring=lambda: submission.send_cancels(timezone.now()),
    )
    assert count == 1
    assert cancelled(slurm) == ["scancel -- 828"]
    waited = Run.objects.get(submission__key="waits")
    assert waited.status == "CANCELLED"
