"""Runs of a started array: each follows its own task, whatever row of Slurm stands for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import NOW, make_cluster, make_experiment
from tracker.ingest import record_accounting, record_queue
from tracker.models import Actor, Cluster, Poll, Run
from tracker.recording import mark_sent, record_start
from tracker.slurm.records import AccountedJob, QueuedJob

pytestmark = pytest.mark.django_db
ARRAY = 900


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


@pytest.fixture
def runs(people, cluster) -> list[Run]:
    """Four tasks that Slurm has as array 900."""
    experiment = make_experiment(people.alice)
    submission = record_start(
        experiment,
        actor=Actor(people.alice),
        cluster=cluster,
        unix_name="alice",
        key="k",
        frozen={"request": {}, "script": "", "argv": [], "mark": "queuecast:" + "0" * 32},
        runs=[{"id": f"{k:032}", "seed": k, "config": {}, "array_task_id": k} for k in range(4)],
    )
    mark_sent(submission, ARRAY, NOW)
    return list(Run.objects.order_by("array_task_id"))


def rest(*tasks: int, state: str = "PENDING", **fields: object) -> QueuedJob:
    """The tasks not split off yet: one row under the array's own id."""
    return QueuedJob(
        job_id=ARRAY, state=state, user="alice", name="sweep", submit_at=NOW, restarts=0,
        array_job_id=ARRAY, array_tasks=tasks, **fields,
    )  # fmt: skip


def task(number: int, job_id: int, state: str = "RUNNING", user: str = "alice") -> QueuedJob:
    return QueuedJob(
        job_id=job_id, state=state, user=user, name="sweep", submit_at=NOW, restarts=0,
        start_at=NOW, array_job_id=ARRAY, array_task_id=number,
    )  # fmt: skip


def ended(number: int, job_id: int, state: str = "COMPLETED") -> AccountedJob:
    return AccountedJob(
        job_id=job_id, state=state, user="alice", name="sweep", submit_at=NOW, start_at=NOW,
        end_at=NOW + timedelta(minutes=1), exit_code=0, array_job_id=ARRAY, array_task_id=number,
    )  # fmt: skip


def states() -> list[str]:
    return list(Run.objects.order_by("array_task_id").values_list("status", flat=True))


def test_all_wait_while_one_row_stands_for_them(cluster, runs):
    record_queue(cluster, [rest(0, 1, 2, 3)], NOW)
    assert states() == ["PENDING"] * 4
    assert all(run.job is not None for run in Run.objects.all())


def test_a_task_that_is_split_off_runs_and_the_rest_waits(cluster, runs):
    record_queue(cluster, [rest(0, 1, 2, 3)], NOW)
    record_queue(cluster, [task(0, 901), task(1, 902), rest(2, 3)], NOW + timedelta(minutes=1))
    assert states() == ["RUNNING", "RUNNING", "PENDING", "PENDING"]
    ids = Run.objects.order_by("array_task_id").values_list("slurm_job_id", flat=True)
    assert list(ids) == [901, 902, None, None]


def test_the_last_task_keeps_the_arrays_own_id_and_the_others_their_ends(cluster, runs):
    record_queue(cluster, [task(0, 901), task(1, 902), rest(2, 3)], NOW)
    record_accounting(cluster, [ended(0, 901), ended(1, 902, "TIMEOUT")], NOW)
    record_queue(cluster, [task(2, 903), task(3, ARRAY)], NOW + timedelta(minutes=2))
    assert states() == ["COMPLETED", "TIMEOUT", "RUNNING", "RUNNING"]
    record_accounting(cluster, [ended(2, 903), ended(3, ARRAY)], NOW + timedelta(minutes=3))
    assert states() == ["COMPLETED", "TIMEOUT", "COMPLETED", "COMPLETED"]
    assert Run.objects.get(array_task_id=3).slurm_job_id == ARRAY


def test_tasks_cancelled_before_they_were_split_off_are_cancelled(cluster, runs):
    record_queue(cluster, [task(0, 901), rest(1, 2, 3)], NOW)
    record_accounting(
        cluster,
        [
            AccountedJob(
                job_id=ARRAY, state="CANCELLED", user="alice", name="sweep", submit_at=NOW,
                end_at=NOW + timedelta(minutes=1), array_job_id=ARRAY, array_tasks=(1, 2, 3),
            )
        ],
        NOW + timedelta(minutes=1),
    )  # fmt: skip
    record_queue(cluster, [task(0, 901)], NOW + timedelta(minutes=2))
    assert states() == ["RUNNING", "CANCELLED", "CANCELLED", "CANCELLED"]


def test_an_array_of_another_user_with_that_id_is_not_theirs(cluster, runs):
    record_queue(cluster, [task(0, 901, user="mallory")], NOW)
    assert states() == ["PENDING"] * 4


def accounting_read(cluster, minute: float, *argv: str) -> None:
    Poll.objects.create(
        cluster=cluster, command="sacct", started_at=NOW + timedelta(minutes=minute), seconds=0.1,
        ok=True, raw=b"", argv=list(argv),
    )  # fmt: skip


def vanish(cluster, *, minute: float) -> None:
    """Task 3 is in no queue any more, and was never split off."""
    record_queue(cluster, [rest(0, 1, 2, 3)], NOW)
    record_queue(cluster, [rest(0, 1, 2)], NOW + timedelta(minutes=minute))


def test_a_task_that_slurm_forgot_after_our_scancel_was_cancelled(cluster, runs):
    Run.objects.filter(array_task_id=3).update(cancel_sent_at=NOW + timedelta(minutes=1))
    accounting_read(cluster, 3, "-S", "x")
    vanish(cluster, minute=4)
    assert states() == ["PENDING", "PENDING", "PENDING", "CANCELLED"]
    assert Run.objects.get(array_task_id=3).reason == "CancelledWhileWaiting"


def test_one_that_it_forgot_by_itself_is_unknown_and_found_again(cluster, runs):
    accounting_read(cluster, 3, "-S", "x")
    vanish(cluster, minute=4)
    assert states()[3] == "UNKNOWN"
    record_queue(cluster, [rest(0, 1, 2), task(3, 903)], NOW + timedelta(minutes=5))
    assert states()[3] == "RUNNING"


@pytest.mark.parametrize("read", [[], [(0.5, "-S", "x")], [(3, "-j", "900")]])
def test_nothing_is_said_before_accounting_was_read_as_a_whole(cluster, runs, read):
    for minute, *argv in read:
        accounting_read(cluster, minute, *argv)
    vanish(cluster, minute=4)
    assert states() == ["PENDING"] * 4
