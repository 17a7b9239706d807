"""The adapter's own commands against a real Slurm with jobs of many kinds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from planner.forecasting.forecasts import forecast
from planner.snapshot import build, read_facts
from tests import services
from tests.cluster.lab import Lab
from tracker.slurm.capture import read_capture, write_capture
from tracker.slurm.client import Slurm
from tracker.slurm.records import QueuedJob
from tracker.slurm.transports import LocalTransport

pytestmark = pytest.mark.service
ODD_NAME = 'a|b "c" d\te\n7\x1fCOMPLETED\x1f'  # and what would be a row, if it could be


@pytest.fixture(scope="module")
def slurm(lab: Lab) -> Slurm:
    return Slurm(LocalTransport(slurm_conf=str(lab.home / "etc/slurm.conf")))


@pytest.fixture(scope="module")
def jobs(lab: Lab) -> Mapping[str, int]:
    """One job of each kind, by what it is."""

    def submit(*words: str, user: str = "qc-alice", sleep_s: int = 300) -> int:
        answer = lab.run(
            *("sbatch", "--parsable", "-o", "/dev/null", *words, "--wrap", f"sleep {sleep_s}"),
            user=user,
        )
        return int(answer.split(";")[0])

    gpus = ("-p", "gpu", "-t", "30", "-c", "4", "--mem=8G", "--gres=gpu:a100:4")
    jobs = {
        "odd": submit("-J", ODD_NAME, "-t", "2", sleep_s=1),
        "failed": submit("-t", "2", "-J", "fails", sleep_s=0, user="qc-bob"),
        "running": submit(*gpus),
        "held": submit("-t", "5", "--hold"),
        "array": submit("-t", "5", "-a", "1-6%2", user="qc-carol"),
        "later": submit("-t", "5", "--begin=now+1hour"),
        "two partitions": submit("-p", "cpu,highmem", "-t", "1-0", "-N", "2"),
    }
    jobs["dependent"] = submit("-t", "5", f"--dependency=afterok:{jobs['running']}")
    # the QOS allows a user 16 GPUs at a time
    for _ in range(8):
        jobs["over the QOS limit"] = submit(*gpus, user="qc-dave")
    return jobs


@pytest.fixture(scope="module")
def queue(slurm: Slurm, jobs: Mapping[str, int]) -> Mapping[int, QueuedJob]:
    """The queue once the scheduler has looked at every job."""

    def settled() -> bool:
        rows = {row.job_id: row for row in slurm.queue()}
        last = rows[jobs["over the QOS limit"]]
        return rows[jobs["running"]].state == "RUNNING" and last.reason == "QOSMaxGRESPerUser"

    services.wait_until(settled, "the queue", 60)
    return {row.job_id: row for row in slurm.queue()}


def test_every_kind_of_waiting_is_read(
    queue: Mapping[int, QueuedJob], jobs: Mapping[str, int]
) -> None:
    assert queue[jobs["held"]].reason == "JobHeldUser"
    assert queue[jobs["later"]].reason == "BeginTime"
    assert queue[jobs["dependent"]].reason == "Dependency"
    assert queue[jobs["over the QOS limit"]].limit_minutes == 30
    assert queue[jobs["running"]].tres_alloc.gpus_by_type == {"a100": 4}
    assert queue[jobs["running"]].node_list.startswith("gpu")


def test_an_arrays_rest_stays_one_row_with_its_throttle(
    queue: Mapping[int, QueuedJob], jobs: Mapping[str, int]
) -> None:
    rest = queue[jobs["array"]]
    assert rest.array_job_id == jobs["array"]
    assert rest.array_throttle == 2
    assert set(rest.array_tasks) <= set(range(1, 7))


def test_a_job_of_two_partitions_names_both(
    queue: Mapping[int, QueuedJob], jobs: Mapping[str, int]
) -> None:
    job = queue[jobs["two partitions"]]
    assert job.state == "RUNNING" or job.partitions == ("cpu", "highmem")


def test_accounting_tells_of_the_end_and_keeps_the_odd_name(
    slurm: Slurm, jobs: Mapping[str, int]
) -> None:
    def ended() -> bool:
        rows = slurm.accounting(datetime.now(UTC) - timedelta(hours=1))
        return any(row.job_id == jobs["odd"] and row.end_at for row in rows)

    services.wait_until(ended, "the end in accounting", 60)
    rows = slurm.accounting(datetime.now(UTC) - timedelta(hours=1))
    odd = next(row for row in rows if row.job_id == jobs["odd"])
    # the database turns a double quote into a backtick, the adapter a typed separator into U+241F
    kept = ODD_NAME.replace('"', "`").replace("\x1f", "\N{SYMBOL FOR UNIT SEPARATOR}")
    assert (odd.state, odd.exit_code, odd.name) == ("COMPLETED", 0, kept)


def test_the_cluster_is_read_whole(slurm: Slurm) -> None:
    assert len(slurm.nodes()) == 22
    assert {partition.name for partition in slurm.partitions()} == {
        "cpu",
        "gpu",
        "highmem",
        "debug",
    }
    assert {"normal", "high", "low"} <= {qos.name for qos in slurm.qos()}
    users = {row.user for row in slurm.associations()}
    assert {"qc-alice", "qc-frank"} <= users
    assert slurm.config().slurm_version.count(".") >= 1
    assert any(share.user == "qc-alice" for share in slurm.shares())
    assert slurm.diagnostics().server_threads is not None


def test_a_capture_of_it_is_forecast(slurm: Slurm, queue, tmp_path) -> None:
    """Every waiting job is answered: with a start, or with the reason why there is none."""
    write_capture(slurm.transport, tmp_path / "capture", 1, datetime.now(UTC))
    snapshot = build(read_facts(Slurm(read_capture(tmp_path / "capture").transport)))
    answers = forecast(snapshot, replicas=1, seed=0, horizon_s=86_400).jobs
    waiting = [row for row in queue.values() if row.state == "PENDING"]
    assert len(answers) >= len(waiting) > 5
    assert all(
        answer.p50_s is not None or answer.later_than_horizon or answer.why for answer in answers
    )
