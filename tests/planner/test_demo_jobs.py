"""Real jobs on the demo cluster: submitted, run on this host, ended, and told about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.demo.processes import started_ticks
from tests.planner.demo import DemoCluster


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[DemoCluster]:
    cluster = DemoCluster(tmp_path)
    yield cluster
    cluster.controller.stop()


def output(demo: DemoCluster, name: str) -> str:
    return (demo.folder / name).read_text()


def is_alive(process_id: int) -> bool:
    return started_ticks(process_id) is not None


def test_a_submitted_script_runs_and_completes_with_its_output(demo: DemoCluster) -> None:
    job_id = demo.submit("echo hello from $SLURM_JOB_ID on $SLURM_JOB_PARTITION")
    job = demo.wait_until_over(job_id)
    assert (job.state, job.exit_code) == ("COMPLETED", 0)
    assert output(demo, f"slurm-{job_id}.out") == f"hello from {job_id} on cpu\n"


def test_a_small_job_of_the_demo_user_starts_within_a_minute_in_a_full_cluster(
    tmp_path: Path,
) -> None:
    full = DemoCluster(tmp_path, history_days=3)
    job_id = full.submit("true", "--gres=gpu:1", "--partition=debug", "--time=5")
    submitted_at = full.job(job_id).submit_at
    full.pass_time(60)
    start_at = full.job(job_id).start_at
    assert start_at is not None
    assert start_at <= submitted_at + 60
    full.controller.stop()


def test_an_exit_code_makes_a_failed_job(demo: DemoCluster) -> None:
    job = demo.wait_until_over(demo.submit("exit 7"))
    assert (job.state, job.exit_code, job.exit_signal) == ("FAILED", 7, 0)


def test_a_script_past_its_limit_is_ended_as_timeout(demo: DemoCluster) -> None:
    job_id = demo.submit("sleep 600", "--time=2")
    running = demo.wait_until_running(job_id)
    demo.pass_time(121)
    job = demo.job(job_id)
    assert job.state == "TIMEOUT"
    assert job.start_at is not None
    assert job.end_at == job.start_at + 120
    assert running.process_id is not None
    demo.wait_for(lambda: not is_alive(running.process_id or 0))


def test_scancel_ends_the_whole_process_group(demo: DemoCluster) -> None:
    job_id = demo.submit("sleep 600 & echo $! > child; wait")
    demo.wait_until_running(job_id)
    demo.wait_for(lambda: (demo.folder / "child").exists() and output(demo, "child") != "")
    assert demo.ask("scancel", str(job_id)).rc == 0
    job = demo.job(job_id)
    assert (job.state, job.cancelled_by_uid) == ("CANCELLED", 1000)
    demo.wait_for(lambda: not is_alive(int(output(demo, "child"))))


def test_a_script_that_ignores_sigterm_is_killed_after_kill_wait(demo: DemoCluster) -> None:
    job_id = demo.submit("trap '' TERM; touch ready; while :; do sleep 0.1; done")
    process_id = demo.wait_until_running(job_id).process_id
    assert process_id is not None
    demo.wait_for((demo.folder / "ready").exists)
    demo.ask("scancel", str(job_id))
    assert is_alive(process_id)
    demo.pass_time(31)
    assert not is_alive(process_id)


def test_a_pending_job_is_cancelled_without_ever_running(demo: DemoCluster) -> None:
    job_id = demo.submit("true", "--begin=now+1hour")
    demo.ask("scancel", str(job_id))
    job = demo.job(job_id)
    assert (job.state, job.start_at, job.exit_signal) == ("CANCELLED", None, 0)


def test_a_held_job_waits_for_its_release(demo: DemoCluster) -> None:
    job_id = demo.submit("true", "--hold")
    demo.pass_time(300)
    assert "JobHeldUser" in demo.ask("squeue", "-j", str(job_id)).stdout
    demo.ask("scontrol", "release", str(job_id))
    assert demo.wait_until_over(job_id).state == "COMPLETED"


def test_a_requeued_job_keeps_its_id_and_counts_its_restarts(demo: DemoCluster) -> None:
    script = 'echo "restart $SLURM_RESTART_COUNT"; test "$SLURM_RESTART_COUNT" = 1 || sleep 600'
    job_id = demo.submit(script)
    demo.wait_until_running(job_id)
    demo.wait_for(lambda: "restart 0" in output(demo, f"slurm-{job_id}.out"))
    assert demo.ask("scontrol", "requeue", str(job_id)).rc == 0
    demo.pass_time(60)
    assert "BeginTime" in demo.ask("squeue", "-j", str(job_id)).stdout
    demo.wait_until_over(job_id)
    assert [(a.state, a.restarts) for a in demo.attempts(job_id)] == [
        ("REQUEUED", 0),
        ("COMPLETED", 1),
    ]
    assert output(demo, f"slurm-{job_id}.out") == "restart 0\nrestart 1\n"


def test_array_tasks_get_their_own_ids_and_keep_to_the_throttle(demo: DemoCluster) -> None:
    waits = "while test ! -e go; do sleep 0.05; done"
    script = f"echo task $SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_JOB_ID; {waits}"
    job_id = demo.submit(script, "--array=1-3%2")
    demo.wait_for(lambda: sum(a.state == "RUNNING" for a in demo.attempts(job_id)) == 2)
    demo.pass_time(60)
    shown = demo.ask("squeue", "-h", "-j", str(job_id), "-o", "%i %r").stdout
    assert f"{job_id}_[3%2] JobArrayTaskLimit" in shown
    (demo.folder / "go").touch()
    demo.wait_until_over(job_id)
    raw_ids = [attempt.job_id for attempt in demo.attempts(job_id)]
    assert len(set(raw_ids)) == 3
    assert raw_ids[-1] == job_id  # the last task keeps the array's id
    assert output(demo, f"slurm-{job_id}_2.out") == f"task 2 of {job_id}\n"


def test_a_dependent_job_starts_after_its_parent_succeeded(demo: DemoCluster) -> None:
    parent = demo.submit("while test ! -e go; do sleep 0.05; done")
    child = demo.submit("true", f"--dependency=afterok:{parent}")
    demo.wait_until_running(parent)
    demo.pass_time(120)
    assert "Dependency" in demo.ask("squeue", "-j", str(child)).stdout
    (demo.folder / "go").touch()
    job = demo.wait_until_over(child)
    assert job.state == "COMPLETED"
    assert job.eligible_at == demo.job(parent).end_at


def test_a_dependency_on_a_failed_parent_can_never_be_met(demo: DemoCluster) -> None:
    parent = demo.submit("exit 1")
    child = demo.submit("true", f"--dependency=afterok:{parent}")
    demo.wait_until_over(parent)
    demo.pass_time(120)
    assert "DependencyNeverSatisfied" in demo.ask("squeue", "-j", str(child)).stdout


def test_a_job_sees_only_the_environment_that_it_may(demo: DemoCluster) -> None:
    secrets = {"SECRET_KEY": "hidden", "WANTED": "yes", "TRACKER_API": "http://api"}
    plain = demo.submit("env", "-o", "plain", environment=secrets)
    named = demo.submit("env", "-o", "named", "--export=WANTED,MADE=up", environment=secrets)
    demo.wait_until_over(plain)
    demo.wait_until_over(named)
    assert "TRACKER_API=http://api" in output(demo, "plain")
    assert "hidden" not in output(demo, "plain")
    assert "WANTED=yes\n" in output(demo, "named")
    assert "MADE=up\n" in output(demo, "named")
    assert "hidden" not in output(demo, "named")
    assert "TRACKER_API" not in output(demo, "named")


def test_a_job_finds_the_systems_programs_whatever_its_submitters_path_was(
    demo: DemoCluster,
) -> None:
    job_id = demo.submit("mkdir -p made && ls", "-o", "out", environment={"PATH": "/nowhere"})
    assert demo.wait_until_over(job_id).state == "COMPLETED"
    assert "made" in output(demo, "out")


def test_what_a_job_was_passed_is_forgotten_when_it_ends(tmp_path: Path) -> None:
    demo = DemoCluster(tmp_path)
    job_id = demo.submit("true", "--export=TOKEN=very-secret-token")
    demo.wait_until_over(job_id)
    demo.controller.stop()
    kept = b"".join(path.read_bytes() for path in demo.folder.rglob("*") if path.is_file())
    assert b"very-secret-token" not in kept
    assert not list(demo.spool.iterdir())


def test_an_output_file_that_cannot_be_opened_fails_the_job(demo: DemoCluster) -> None:
    job = demo.wait_until_over(demo.submit("true", "-o", "no/such/folder/out"))
    assert (job.state, job.exit_code, job.exit_signal) == ("FAILED", 0, 53)


def test_an_interpreter_that_does_not_exist_fails_the_job(demo: DemoCluster) -> None:
    said = demo.ask("sbatch", "--parsable", stdin="#!/no/such/interpreter\n")
    job = demo.wait_until_over(int(said.stdout))
    assert (job.state, job.exit_code) == ("FAILED", 127)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("scancel", ()), ("scontrol", ("hold",)), ("scontrol", ("requeue",))],
)
def test_jobs_of_others_are_not_touched(
    demo: DemoCluster, command: str, arguments: tuple[str, ...]
) -> None:
    demo.pass_time(4 * 3600)
    other = next(iter(demo.controller.roster.active.values()))
    said = demo.ask(command, *arguments, str(other.base_id))
    assert said.rc == 1
    assert "Access/permission denied" in said.stderr
    assert other.is_active


def test_running_scripts_are_ended_at_a_stop_and_requeued_at_the_next_start(
    tmp_path: Path,
) -> None:
    first = DemoCluster(tmp_path)
    job_id = first.submit("test -e again || { touch again; sleep 600; }")
    process_id = first.wait_until_running(job_id).process_id
    first.wait_for((tmp_path / "again").exists)
    first.controller.stop()
    assert process_id is not None
    assert not is_alive(process_id)
    second = DemoCluster(tmp_path, now_at=first.controller.now_at + 3600)
    assert [(a.state, a.restarts) for a in second.attempts(job_id)] == [
        ("NODE_FAIL", 0),
        ("PENDING", 1),
    ]
    assert second.wait_until_over(job_id).state == "COMPLETED"
    second.controller.stop()


def test_a_script_orphaned_by_a_killed_server_is_ended_at_the_next_start(tmp_path: Path) -> None:
    killed = DemoCluster(tmp_path)
    job_id = killed.submit("sleep 600")
    process_id = killed.wait_until_running(job_id).process_id
    assert process_id is not None
    killed.pass_time(60)
    # As after kill -9: the journal is as the last commit left it, and the script runs on.
    second = DemoCluster(tmp_path, now_at=killed.controller.now_at + 60)
    assert second.attempts(job_id)[0].state == "NODE_FAIL"
    second.controller.stop()
    # The first server is the script's parent, and learns what became of it.
    killed.wait_for(lambda: job_id not in killed.controller.roster.active)
    ended = killed.controller.roster.recent[-1]
    assert (ended.job_id, ended.state, ended.exit_signal) == (job_id, "FAILED", 9)
    killed.controller.stop()
