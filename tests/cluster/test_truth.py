"""How jobs end and go on, on a real Slurm: each run in its true state with the right attempt.

All jobs are started together, since some take Slurm minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import services
from tests.cluster.lab import Lab
from tests.cluster.service import Service, running

pytestmark = pytest.mark.service
LONG = "#!/bin/bash\nsleep 600\n"
HUNGRY = "#!/bin/bash\nexec python3 -c 'b = bytearray(400 << 20); print(len(b))'\n"
# a node to lose: nothing else runs there
LOST_NODE = "highmem02"


@pytest.fixture(scope="module")
def service(lab: Lab) -> Iterator[Service]:
    with running(lab) as service:
        yield service


@pytest.fixture(scope="module")
def runs(service: Service) -> dict[str, str]:
    """Run ids by what happens to their jobs."""
    busy = "#!/bin/bash\n#SBATCH --exclusive --nodelist=highmem01\nsleep 600\n"
    deadline = busy.replace("--exclusive", "--deadline=now+2minutes")
    lost = f"#!/bin/bash\n#SBATCH --nodelist={LOST_NODE}"
    texts = {
        "failed": ("#!/bin/bash\nexit 3\n", {}),
        "killed": ("#!/bin/bash\nkill -KILL $$\n", {}),
        "timeout": (LONG, {"time_limit_minutes": 1}),
        "cancelled running": (LONG, {}),
        "cancelled pending": (LONG, {"begin": "now+1hour"}),
        "requeued": (LONG, {}),
        "out of memory": (HUNGRY, {"mem": "60M"}),
        "held": (LONG.replace("\n", "\n#SBATCH --hold\n", 1), {}),
        "busy": (busy, {"partition": "highmem"}),  # so that the next has to wait
        "deadline": (deadline, {"partition": "highmem", "time_limit_minutes": 1}),
        "node lost": (f"{lost} --no-requeue\nsleep 600\n", {"partition": "highmem"}),
        "node lost, requeued": (f"{lost} --requeue\nsleep 600\n", {"partition": "highmem"}),
        "hopeless": (LONG, {}),  # its dependency is set below
    }
    ids = {}
    for what, (script, asked) in texts.items():
        experiment = service.experiment(script, "ssh", **asked)
        if what == "deadline":
            service.wait_for(ids["busy"], "RUNNING")
        if what == "hopeless":
            failed = service.wait_for(ids["failed"], "FAILED")
            wish = {"request": {"dependency": f"afterok:{failed['slurm_job_id']}"}}
            [ids[what]] = service.start(experiment, **wish)
        else:
            [ids[what]] = service.start(experiment)
    return ids


@pytest.fixture(scope="module")
def requeued(service: Service, runs: dict[str, str]) -> dict[str, Any]:
    """As it ran before it was: its second life begins two minutes later."""
    before = service.wait_for(runs["requeued"], "RUNNING")
    service.lab.run("scontrol", "requeue", str(before["slurm_job_id"]))
    return before


def test_a_requeued_job_is_the_same_run_in_its_next_attempt(
    service: Service, requeued: dict[str, Any]
):
    run = service.wait_for(requeued["run_id"], "PENDING", seconds=40)
    assert (run["attempt"], run["slurm_job_id"]) == (1, requeued["slurm_job_id"])


def test_failed_with_its_exit_code(service: Service, runs: dict[str, str]):
    run = service.wait_for(runs["failed"], "FAILED")
    assert (run["exit_code"], run["attempt"]) == (3, 0)


def test_killed_by_a_signal_is_failed(service: Service, runs: dict[str, str]):
    assert service.wait_for(runs["killed"], "FAILED")["attempt"] == 0


def test_out_of_memory(service: Service, runs: dict[str, str]):
    service.lab.require_limited_memory()
    assert service.wait_for(runs["out of memory"], "OUT_OF_MEMORY")["attempt"] == 0


def test_cancelled_while_running(service: Service, runs: dict[str, str]):
    service.wait_for(runs["cancelled running"], "RUNNING")
    service.ask("POST", f"runs/{runs['cancelled running']}/cancel")
    run = service.wait_for(runs["cancelled running"], "CANCELLED", seconds=30)
    assert run["started_at"] is not None


def test_cancelled_while_pending(service: Service, runs: dict[str, str]):
    service.wait_for(runs["cancelled pending"], "PENDING")
    service.ask("POST", f"runs/{runs['cancelled pending']}/cancel")
    run = service.wait_for(runs["cancelled pending"], "CANCELLED", seconds=30)
    assert run["started_at"] is None


def test_nobody_else_cancels_it(service: Service, runs: dict[str, str]):
    with pytest.raises(RuntimeError, match="404"):
        service.ask("POST", f"runs/{runs['requeued']}/cancel", who="qc-bob")


def test_a_held_job_waits_and_runs_when_it_is_released(service: Service, runs: dict[str, str]):
    run = service.wait_for(runs["held"], "PENDING")
    services.wait_until(
        lambda: service.run(runs["held"])["reason"] == "JobHeldUser", "the reason", 30
    )
    service.lab.run("scontrol", "release", str(run["slurm_job_id"]), user="qc-alice")
    service.wait_for(runs["held"], "RUNNING", seconds=40)


def test_a_dependency_that_can_never_be_met_waits_and_says_so(
    service: Service, runs: dict[str, str]
):
    service.wait_for(runs["hopeless"], "PENDING")
    services.wait_until(
        lambda: service.run(runs["hopeless"])["reason"] == "DependencyNeverSatisfied",
        "the reason",
        40,
    )
    assert service.run(runs["hopeless"])["status"] == "PENDING"


def test_a_lost_node_ends_the_job_or_starts_its_next_attempt(
    service: Service, runs: dict[str, str]
):
    for what in ("node lost", "node lost, requeued"):
        service.wait_for(runs[what], "RUNNING")
    service.lab.kill_node(LOST_NODE)
    try:
        run = service.wait_for(runs["node lost"], "NODE_FAIL", seconds=120)
        assert run["attempt"] == 0
        requeued = runs["node lost, requeued"]
        services.wait_until(lambda: service.run(requeued)["attempt"] == 1, "its next attempt", 60)
        # The latter on a busy machine, where two minutes may pass until the other's end is seen.
        assert service.run(requeued)["status"] in ("PENDING", "RUNNING")
    finally:
        service.lab.start_node(LOST_NODE)


def test_stopped_at_its_limit(service: Service, runs: dict[str, str]):
    run = service.wait_for(runs["timeout"], "TIMEOUT", seconds=120)
    assert run["attempt"] == 0


def test_stopped_at_its_deadline(service: Service, runs: dict[str, str]):
    run = service.wait_for(runs["deadline"], "DEADLINE", seconds=180)
    assert run["started_at"] is None


def test_a_requeued_job_runs_again_in_that_attempt(service: Service, requeued: dict[str, Any]):
    assert service.wait_for(requeued["run_id"], "RUNNING", seconds=200)["attempt"] == 1


def test_an_array_with_a_throttle_runs_two_at_a_time_to_each_tasks_own_end(service: Service):
    script = "#!/bin/bash\nsleep 6\nexit $SEED\n"
    experiment = service.experiment(script, "sudo")
    ids = service.start(experiment, seeds=[0, 1, 0, 4], at_once=2)
    most = 0

    def all_have_ended() -> bool:
        nonlocal most
        rows = service.ask("GET", f"experiments/{experiment}/runs")["results"]  # at one moment
        most = max(most, sum(row["status"] == "RUNNING" for row in rows))
        return all(row["status"] in ("COMPLETED", "FAILED") for row in rows)

    services.wait_until(all_have_ended, "the array", 120)
    rows = [service.run(run_id) for run_id in ids]
    assert [row["status"] for row in rows] == ["COMPLETED", "FAILED", "COMPLETED", "FAILED"]
    assert [row["exit_code"] for row in rows] == [0, 1, 0, 4]
    assert len({row["slurm_job_id"] for row in rows}) == 4
    assert 1 <= most <= 2


def test_one_task_of_an_array_is_cancelled_alone(service: Service):
    experiment = service.experiment(LONG, "slurmrestd", begin="now+1hour")
    ids = service.start(experiment, seeds=[1, 2, 3])
    for run_id in ids:
        service.wait_for(run_id, "PENDING")
    service.ask("POST", f"runs/{ids[1]}/cancel")
    # Slurm keeps no record of such a task: it takes accounting's silence to be sure
    service.wait_for(ids[1], "CANCELLED", seconds=150)
    assert [service.run(run_id)["status"] for run_id in ids] == ["PENDING", "CANCELLED", "PENDING"]
    assert service.ask("POST", "runs/cancel-mine", body={"cluster": "slurmrestd"})["runs"] == 2
    for run_id in ids:
        service.wait_for(run_id, "CANCELLED", seconds=40)


def test_a_job_submitted_by_hand_is_adopted_by_its_id_and_by_its_comment(service: Service):
    experiment = service.experiment(LONG, "ssh")
    submit = ("sbatch", "--parsable", "-o", "/dev/null", "-t", "2", "--wrap", "sleep 300")
    by_id = service.lab.run(*submit, user="qc-alice").strip()

    def adopted() -> bool:
        try:
            found.append(
                service.ask(
                    "POST", f"experiments/{experiment}/adopt", body={"slurm_job_id": by_id}
                )["run_id"]
            )
        except RuntimeError as error:
            assert "try again" in str(error), error
        return bool(found)

    found: list[str] = []
    services.wait_until(adopted, "the job", 30)
    service.wait_for(found[0], "RUNNING", seconds=30)
    comment = f"--comment=queuecast:{experiment}"
    service.lab.run(*submit[:2], comment, *submit[2:], user="qc-alice")
    listed = f"experiments/{experiment}/runs"
    services.wait_until(
        lambda: len(service.ask("GET", listed)["results"]) == 2, "the marked job's run", 30
    )
    with pytest.raises(RuntimeError, match="only its own user"):
        theirs = service.lab.run(*submit, user="qc-carol").strip()
        services.wait_until(
            lambda: service.ask("GET", f"jobs?job_id={theirs}&cluster=ssh")["results"],
            "their job",
            30,
        )
        service.ask("POST", f"experiments/{experiment}/adopt", body={"slurm_job_id": theirs})


def test_a_heterogeneous_job_is_one_run_to_its_end(service: Service):
    experiment = service.experiment(LONG, "ssh")
    mark = f"--comment=queuecast:{experiment}"
    words = ("sbatch", mark, "-t", "2", "-n", "1", "-o", "/dev/null", ":", mark, "-n", "2")
    service.lab.run(*words, "--wrap", "sleep 8; exit 4", user="qc-alice")
    listed = f"experiments/{experiment}/runs"
    services.wait_until(lambda: service.ask("GET", listed)["results"], "the run", 40)
    run_id = service.ask("GET", listed)["results"][-1]["run_id"]
    run = service.wait_for(run_id, "FAILED", seconds=60)
    assert run["exit_code"] == 4
    assert len(service.ask("GET", listed)["results"]) == 1
