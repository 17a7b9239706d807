"""Event files of runs become curves: once, while they are written, by attempt, within bounds."""

from __future__ import annotations

import os
import pwd
from datetime import timedelta
from pathlib import Path

import pytest
from tensorboardX import SummaryWriter

from tests.factories import NOW, make_cluster, make_experiment, make_job
from tracker import tasks
from tracker.files import event_files
from tracker.metrics.series import read_curve
from tracker.models import Actor, Attempt, Cluster, ClusterAccount, EventReading, Job, Run
from tracker.recording import NewPoint, add_artifact, append_points

pytestmark = pytest.mark.django_db
ME = pwd.getpwuid(os.geteuid()).pw_name  # whose files the test can make
START_S = NOW.timestamp()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "exp-001"
    (folder / "logs/tensorboard").mkdir(parents=True)
    (folder / "checkpoints").mkdir()
    return folder


@pytest.fixture
def run(people, tmp_path: Path, folder: Path) -> Run:
    cluster = make_cluster(log_roots=[str(tmp_path)])
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name=ME)
    job = make_job(cluster, 828, user=ME, state="RUNNING", start_at=NOW, work_dir=str(tmp_path))
    Attempt.objects.filter(job=job).update(start_at=NOW)
    return Run.objects.create(
        experiment=make_experiment(people.alice),
        cluster=cluster,
        job=job,
        slurm_job_id=828,
        status="RUNNING",
        config_sha256="",
        created_by=people.alice,
        folder=str(folder),
    )


def write(folder: Path, tag: str, values: list[float], *, at_s: float = START_S + 60) -> Path:
    """One file with a point a second; the writer's own first record is dated back to them."""
    before = set(folder.glob("*tfevents*"))
    with SummaryWriter(str(folder), filename_suffix=f".{len(before)}") as writer:
        for step, value in enumerate(values):
            writer.add_scalar(tag, value, step, walltime=at_s + step)
    [path] = set(folder.glob("*tfevents*")) - before
    return path


def look(run: Run, now=NOW) -> int:
    return event_files.read_run(Run.objects.get(pk=run.pk), now)


def curve(run: Run, name: str) -> list[tuple[int, float]]:
    found = read_curve(run.series.get(name=name))
    return list(zip(found.step.tolist(), found.value.tolist(), strict=True))


def names(run: Run) -> list[str]:
    return sorted(run.series.values_list("name", flat=True))


def test_scalars_become_curves_with_the_writers_own_times(run, folder):
    write(folder / "logs/tensorboard", "loss/train", [4, 2, 1])
    assert look(run) == 3
    assert curve(run, "tb/loss/train") == [(0, 4.0), (1, 2.0), (2, 1.0)]
    times = read_curve(run.series.get()).time_s.tolist()
    assert times == [START_S + 60, START_S + 61, START_S + 62]


def test_folders_tell_curves_of_the_same_tag_apart(run, folder):
    for place in ("logs/tensorboard/train", "logs/tensorboard/validation", "lightning/v0", "."):
        (folder / place).mkdir(parents=True, exist_ok=True)
        write(folder / place, "loss", [1])
    look(run)
    assert names(run) == ["tb/lightning/v0/loss", "tb/loss", "tb/train/loss", "tb/validation/loss"]


def test_a_metric_that_the_run_logs_itself_stays_as_it_is(run, folder):
    append_points(run, [NewPoint("loss", 0, 9.0)], now=NOW)
    write(folder, "loss", [1])
    look(run)
    assert (curve(run, "loss"), curve(run, "tb/loss")) == ([(0, 9.0)], [(0, 1.0)])


def test_looking_again_stores_nothing_twice_and_goes_on_as_the_file_grows(run, folder):
    path = write(folder, "loss", [4, 2, 1])
    data = path.read_bytes()
    path.write_bytes(data[:-10])  # its last record is being written
    assert (look(run), look(run)) == (2, 0)
    path.write_bytes(data)
    assert (look(run), look(run)) == (1, 0)
    assert curve(run, "tb/loss") == [(0, 4.0), (1, 2.0), (2, 1.0)]
    assert run.event_files.get().points == 3


def test_a_crash_between_storing_and_remembering_stores_nothing_twice(run, folder):
    write(folder, "loss", [4, 2, 1])
    look(run)
    run.event_files.update(offset=0)
    assert look(run) == 0
    assert run.series.get().count == 3


def test_a_file_begun_anew_is_read_from_its_beginning(run, folder):
    path = write(folder, "loss", [4, 2, 1])
    look(run)
    other = write(folder, "loss", [8], at_s=START_S + 90)
    other.replace(path)
    assert look(run) == 1


def test_the_files_of_a_requeued_job_belong_to_its_attempts(run, folder, monkeypatch):
    monkeypatch.setattr("tensorboardX.event_file_writer.time.time", lambda: START_S + 60)
    write(folder, "loss", [4, 2, 1])
    again = NOW + timedelta(hours=1)
    Attempt.objects.create(job=run.job, number=1, submit_at=again, start_at=again, state="RUNNING")
    Run.objects.update(attempt=1)
    monkeypatch.setattr("tensorboardX.event_file_writer.time.time", lambda: START_S + 3_700)
    write(folder, "loss", [3], at_s=START_S + 3_700)
    look(run)
    # of each step its newest attempt
    assert curve(run, "tb/loss") == [(0, 3.0), (1, 2.0), (2, 1.0)]


def test_what_is_damaged_is_told_and_what_lies_before_it_kept(run, folder):
    path = write(folder, "loss", [4, 2, 1])
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)
    assert look(run) == 2
    assert "damaged" in run.event_files.get().problem


def test_values_that_are_not_finite_are_kept(run, folder):
    write(folder, "loss", [float("nan"), float("inf"), 1])
    look(run)
    assert run.series.get().non_finite_count == 2


def test_a_tag_that_no_metric_can_be_called_is_left_out(run, folder):
    write(folder, "x" * 300, [1])
    assert (look(run), names(run)) == (0, [])


def test_files_behind_links_and_among_checkpoints_are_not_read(run, folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere", "loss", [1])
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    write(folder / "checkpoints", "loss", [1])
    assert (look(run), names(run)) == (0, [])


def test_a_told_folder_or_file_is_read_too(people, run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    path = write(tmp_path / "elsewhere", "loss", [1])
    add_artifact(run, actor=Actor(people.alice), kind="tensorboard", path=str(path.parent))
    assert (look(run), names(run)) == (1, ["tb/loss"])
    Run.objects.update(folder="")
    run.artifacts.update(path=str(path))
    assert (look(run), names(run)) == (0, ["tb/loss"])


def test_a_folder_told_by_somebody_who_is_not_the_jobs_user_is_not_read(people, run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere", "loss", [1])
    add_artifact(run, actor=Actor(people.bob), kind="tensorboard", path=str(tmp_path / "elsewhere"))
    assert look(run) == 0


def test_a_told_folder_that_is_not_there_is_a_problem_and_a_run_without_folder_is_none(
    people, run, folder
):
    folder.rename(folder.parent / "gone")
    look(run)
    assert EventReading.objects.get().problem == ""
    add_artifact(run, actor=Actor(people.alice), kind="tensorboard", path=f"{folder}/tb")
    look(run)
    assert "is not there" in EventReading.objects.get().problem


def test_a_look_reads_its_share_and_the_next_goes_on(run, folder, monkeypatch):
    monkeypatch.setattr(event_files, "MAX_BYTES", 2_000)
    monkeypatch.setattr(event_files, "STRETCH_BYTES", 500)
    write(folder, "loss", list(map(float, range(200))))
    looks = 0
    while look(run):
        looks += 1
    assert looks > 3
    assert len(curve(run, "tb/loss")) == 200


def test_open_runs_are_looked_at_again_and_again_and_ended_ones_once_more(run, folder):
    due = lambda now=NOW: list(event_files.runs_to_look_at(now))  # noqa: E731
    look(run)
    assert due() == [run]
    Run.objects.update(status="COMPLETED", ended_at=NOW)
    assert due() == []  # what was written last may not be seen yet
    later = NOW + timedelta(minutes=5)
    assert due(later) == [run]
    look(run, later)
    assert due(later) == []
    Run.objects.update(attempt=1)  # requeued, and ended again
    assert due(later) == [run]


@pytest.mark.parametrize(
    "change", [{"folder": ""}, {"deleted_at": NOW}, {"job": None}, {"created_by": None}], ids=str
)
def test_runs_without_files_to_see_are_not_looked_at(run, change):
    Run.objects.update(**change)
    assert not event_files.runs_to_look_at(NOW)


def test_a_job_that_has_not_started_is_not_looked_at(run):
    Job.objects.update(start_at=None)
    assert not event_files.runs_to_look_at(NOW)


def test_the_run_unseen_for_longest_comes_first(people, run):
    other = Run.objects.get(pk=run.pk)
    other.pk = "f" * 32
    other.create_key = None
    other.save(force_insert=True)
    look(run)
    assert list(event_files.runs_to_look_at(NOW)) == [other, run]


def test_the_task_goes_on_after_a_run_that_cannot_be_read(run, folder, caplog):
    write(folder, "loss", [1])
    Cluster.objects.update(log_roots=[])
    tasks.read_event_files()
    assert EventReading.objects.count() == 1
    Cluster.objects.update(log_roots=[str(folder.parent)])
    tasks.read_event_files()
    assert names(run) == ["tb/loss"]


def test_files_that_were_read_take_nothing_of_the_share_of_new_ones(run, folder, monkeypatch):
    monkeypatch.setattr(event_files, "MAX_FILES", 2)
    for number in range(5):
        write(folder, "loss", [1], at_s=START_S + number)
    assert [look(run) for _ in range(4)] == [2, 2, 1, 0]


def test_an_unreadable_place_hides_no_other(people, run, folder):
    add_artifact(run, actor=Actor(people.alice), kind="tensorboard", path="/etc")
    add_artifact(run, actor=Actor(people.alice), kind="tensorboard", path=f"{folder}-2")
    (folder.parent / "exp-001-2").mkdir()
    write(folder.parent / "exp-001-2", "loss", [1])
    assert (look(run), names(run)) == (1, ["tb/loss"])
    assert "outside" in EventReading.objects.get().problem
