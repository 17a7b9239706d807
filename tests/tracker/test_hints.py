"""Webhooks name jobs; what is asked of Slurm then, and how little."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.factories import make_cluster, make_job
from tests.tracker.fake_slurm import FakeSlurm
from tracker import polling
from tracker.models import Cluster, Job, JobHint
from tracker.slurm.rows import SEPARATOR
from tracker.slurm.sacct import FIELDS

pytestmark = pytest.mark.django_db


@pytest.fixture
def slurm(tmp_path: Path) -> FakeSlurm:
    fake = FakeSlurm(tmp_path)
    fake.says("sacct", "")
    fake.says("squeue", "")
    return fake


@pytest.fixture
def cluster(slurm: FakeSlurm) -> Cluster:
    return make_cluster(location=str(slurm.folder))


def hint(cluster: Cluster | None, job_id: int, *, age_s: float = 0) -> JobHint:
    received = timezone.now() - timedelta(seconds=age_s)
    return JobHint.objects.create(cluster=cluster, job_id=job_id, received_at=received)


def accounted(job_id: int, state: str) -> str:
    now = int(timezone.now().timestamp())
    told = {
        "JobID": job_id, "JobIDRaw": job_id, "State": state, "ExitCode": "0:0", "User": "alice",
        "Submit": now - 60, "Eligible": now - 60, "Start": now - 30, "End": now - 1,
    }  # fmt: skip
    return SEPARATOR.join(str(told.get(field, "")) for field in FIELDS)


def asked(slurm: FakeSlurm, program: str) -> list[str]:
    return [call for call in slurm.calls if call.split()[0] == program]


def test_an_end_that_accounting_knows_costs_the_controller_nothing(cluster, slurm):
    slurm.write("sacct", f"/bin/cat {slurm.folder}/sacct.out")
    rows = f"{accounted(828, 'COMPLETED')}\n{accounted(829, 'TIMEOUT')}\n"
    slurm.write("sacct", *_answering(slurm, rows))
    hint(cluster, 828)
    hint(cluster, 829)
    assert not polling.check_hints([cluster], timezone.now())
    assert len(asked(slurm, "sacct")) == 1
    assert "-j 828,829" in asked(slurm, "sacct")[0]
    assert not asked(slurm, "squeue")
    assert Job.objects.filter(is_final=True).count() == 2
    assert not JobHint.objects.filter(checked_at=None).exists()


def test_a_failure_may_be_requeued_so_the_queue_is_read_too(cluster, slurm):
    slurm.write("sacct", *_answering(slurm, accounted(828, "FAILED") + "\n"))
    hint(cluster, 828)
    polling.check_hints([cluster], timezone.now())
    assert len(asked(slurm, "squeue")) == 1
    assert Job.objects.get().is_final


def test_what_accounting_does_not_know_yet_is_looked_up_again_within_seconds(cluster, slurm):
    one = hint(cluster, 828)
    assert polling.check_hints([cluster], timezone.now())
    one.refresh_from_db()
    assert (one.looks, one.checked_at) == (1, None)
    assert not polling.check_hints([cluster], timezone.now())  # not within the same second
    slurm.write("sacct", *_answering(slurm, accounted(828, "COMPLETED") + "\n"))
    assert not polling.check_hints([cluster], timezone.now() + timedelta(seconds=2))
    one.refresh_from_db()
    assert one.checked_at is not None


def test_an_unknown_job_is_left_to_the_regular_polls_after_some_looks(cluster, slurm):
    one = hint(None, 4_000_000)
    for _ in range(8):
        polling.check_hints([cluster], timezone.now() + timedelta(minutes=2))
    one.refresh_from_db()
    assert one.checked_at is not None
    assert len(asked(slurm, "sacct")) == 5


def test_a_thousand_ends_at_once_are_few_questions(cluster, slurm):
    for job_id in range(1, 1001):
        make_job(cluster, job_id=job_id, state="RUNNING", start_at=timezone.now())
        hint(cluster, job_id)
    for _ in range(10):
        polling.check_hints([cluster], timezone.now())
    assert 5 <= len(asked(slurm, "sacct")) <= 12  # of slurmdbd
    assert 1 <= len(asked(slurm, "squeue")) <= 3


def test_a_hint_waits_while_accounting_does_not_answer(cluster, slurm):
    hint(cluster, 828)
    slurm.fails("sacct", "sacct: error: Problem talking to the database: Connection refused")
    polling.check_hints([cluster], timezone.now())
    polling.check_hints([cluster], timezone.now())  # the failure rests
    assert len(asked(slurm, "sacct")) == 1
    assert JobHint.objects.get().checked_at is None


def _answering(slurm: FakeSlurm, rows: str) -> list[str]:
    """Shell lines that print rows with the delimiter that this call asks for."""
    (slurm.folder / "rows").write_text(rows)
    folder = slurm.folder
    return [
        'for word in "$@"; do',
        'case "$word" in --delimiter=*) mark="${word#--delimiter=}";; esac',
        "done",
        f'/bin/sed "s/{SEPARATOR}/$mark/g" {folder}/rows',
    ]
