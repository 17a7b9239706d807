"""A service that is away, busy or refuses: training goes on, and everything arrives once."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.client.node import Node
from tests.client.service import RUN, Service, serving
from tests.services import free_port, wait_until

LOGS_30 = """
queuecast.init()
for step in range(30): queuecast.log({"loss": step}, step=step); time.sleep(0.02)
print("trained", flush=True)
queuecast.finish()
"""


class Refusing:
    """Answers with a status to what the path holds, so many times."""

    def __init__(self, status: int, times: int, path: str = "/metrics", **headers: str) -> None:
        self.status, self.times, self.path = status, times, path
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __call__(self, _method: str, path: str, _body: Any) -> tuple[int, dict[str, str]] | None:
        if self.path not in path or self.times < 1:
            return None
        self.times -= 1
        return self.status, self.headers


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_service_that_fails_for_a_while_gets_every_point_once(
    node: Node, service: Service, status: int
) -> None:
    service.refuse = Refusing(status, 1, Retry_After="1")
    ended = node.run(LOGS_30)
    assert (ended.returncode, ended.stdout) == (0, "trained\n")
    assert service.values("loss") == list(range(30))
    assert node.left() == []


def test_an_answer_that_is_lost_does_not_make_points_twice(node: Node, service: Service) -> None:
    def keep_and_fail(method: str, path: str, body: Any) -> tuple[int, dict[str, str]] | None:
        if path.endswith("/metrics") and not service.points:
            service.answer(method, path, body)
            return 502, {}
        return None

    service.refuse = keep_and_fail
    node.run(LOGS_30)
    assert service.values("loss") == list(range(30))
    assert service.received > 30


def test_outside_of_slurm_a_create_whose_answer_is_lost_makes_one_run(
    node: Node, service: Service
) -> None:
    def create_and_fail(method: str, path: str, body: Any) -> tuple[int, dict[str, str]] | None:
        if method == "POST" and path.endswith("/runs") and not service.runs:
            service.answer(method, path, body)
            return 502, {}
        return None

    service.refuse = create_and_fail
    node.run(LOGS_30)
    assert len(service.runs) == 1
    assert service.values("loss") == list(range(30))


def test_while_nobody_answers_the_spool_keeps_all_and_sync_brings_it_once(tmp_path: Path) -> None:
    service = Service(port=free_port())
    node = Node(tmp_path, {"TRACKER_API": service.address, "EXPERIMENT_ID": "7"})
    ended = node.run(LOGS_30, SLURM_JOB_ID="828")
    assert (ended.returncode, ended.stdout) == (0, "trained\n")
    away, later = ended.stderr.splitlines()
    assert "does not answer (" in away
    assert away.endswith("what is logged waits in the spool")
    assert later.endswith(f"python3 queuecast.py sync {node.spool}")
    assert "secret" not in "".join(path.read_text() for path in node.spool.iterdir())
    assert {path.stat().st_mode & 0o777 for path in node.spool.iterdir()} == {0o600}
    with serving(service):
        told = node.command("sync", "--json")
        assert list(json.loads(told.stdout)["files"].values()) == ["sent"]
        assert node.command("sync").stdout == "nothing waits to be sent\n"
    assert service.values("loss") == list(range(30))
    assert service.statuses() == ["RUNNING", "COMPLETED"]
    assert node.left() == []


def test_a_service_that_comes_back_gets_what_was_logged_meanwhile(tmp_path: Path) -> None:
    service = Service(port=free_port())
    node = Node(tmp_path, {"TRACKER_API": service.address, "EXPERIMENT_ID": "7"})
    with node.start(LOGS_30.replace("queuecast.finish()", "time.sleep(60)")) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.stderr is not None
        assert "does not answer" in process.stderr.readline()
        with serving(service):
            assert process.stderr.readline() == "queuecast: the service answers again\n"
            process.kill()
    assert service.values("loss") == list(range(30))


def test_what_a_killed_training_left_is_brought_once_by_several_syncs_at_a_time(
    node: Node, service: Service
) -> None:
    service.refuse = Refusing(503, 10**6, "/")
    script = LOGS_30.replace("queuecast.finish()", "time.sleep(60)")
    with node.start(script, SLURM_JOB_ID="828") as process:
        assert process.stdout is not None
        process.stdout.readline()
        wait_until(lambda: written(node) == 30, "the spool", 10)
        process.send_signal(signal.SIGKILL)
    service.refuse = Refusing(0, 0)
    syncs = [node.begin(["queuecast.py", "sync"], {}) for _ in range(2)]
    told = [sync.communicate(timeout=30) for sync in syncs]
    assert [sync.returncode for sync in syncs] == [0, 0], told
    assert "sent so far: its process goes on" in told[0][0]
    assert service.values("loss") == list(range(30))
    assert len(service.runs) == 1
    [path] = node.spool.iterdir()
    long_ago = time.time() - 700
    os.utime(path, (long_ago, long_ago))
    assert "sent\n" in node.command("sync").stdout
    assert node.left() == []
    assert service.values("loss") == list(range(30))


def written(node: Node) -> int:
    lines = [line for path in node.spool.iterdir() for line in path.read_text().splitlines()]
    return sum('"m":' in line for line in lines)


def test_a_folder_that_is_not_there_is_told(node: Node) -> None:
    told = node.command("sync", "/shared/spoool")
    assert (told.returncode, told.stderr) == (1, "queuecast: /shared/spoool is not there\n")


def test_half_a_line_of_a_killed_process_is_left_out(node: Node, service: Service) -> None:
    header = {"run": {"experiment": "7", "create": {"slurm_job_id": 1}, "attempt": 0}}
    lines = [header, {"t": 1.5, "s": 0, "m": {"loss": 1}}, {"t": 2.5, "s": 1, "m": {"loss": 2}}]
    node.spool.mkdir(parents=True)
    text = "\n".join(json.dumps(line) for line in lines)
    (node.spool / "job1-1.jsonl").write_text(text)
    assert node.command("sync").returncode == 0
    assert service.values("loss") == [1]


def test_one_point_that_is_refused_is_kept_aside_and_the_others_arrive(
    node: Node, service: Service
) -> None:
    def refuse(_method: str, path: str, body: Any) -> tuple[int, dict[str, str]] | None:
        is_bad = path.endswith("/metrics") and any(point["value"] == 17 for point in body)
        return (400, {}) if is_bad else None

    service.refuse = refuse
    ended = node.run(LOGS_30)
    assert service.values("loss") == [step for step in range(30) if step != 17]
    [aside] = node.spool.iterdir()
    assert aside.name.endswith(".refused")
    assert json.loads(aside.read_text())["m"] == {"loss": 17}
    assert ended.stderr == f"queuecast: refused, and kept in {aside}: No.\n"


@pytest.mark.parametrize(
    ("status", "path"), [(404, "/metrics"), (409, "/metrics"), (403, "/metrics"), (400, "7/runs")]
)
def test_a_run_that_is_gone_is_told_once_and_its_points_are_kept(
    node: Node, service: Service, status: int, path: str
) -> None:
    service.refuse = Refusing(status, 10**6, path)
    ended = node.run(LOGS_30, SLURM_JOB_ID="828")
    assert (ended.returncode, ended.stdout) == (0, "trained\n")
    first, _later = ended.stderr.splitlines()
    assert first == "queuecast: No.; what is logged waits in the spool"
    told = node.command("sync")
    assert told.returncode == 1
    assert "No." in told.stderr
    assert service.points == []
    [kept] = node.spool.iterdir()
    assert kept.name.endswith(".jsonl" if status == 403 else ".jsonl.refused")
    service.refuse = Refusing(0, 0)
    assert node.command("sync", str(kept)).returncode == 0  # restored meanwhile, say
    assert service.values("loss") == list(range(30))


def test_a_requeued_job_brings_what_its_earlier_attempt_left_and_goes_on_with_its_run(
    node: Node, service: Service
) -> None:
    service.refuse = Refusing(503, 10**6, "/")
    script = "queuecast.init(config={'from': sys.argv[0] * 0 + '%s'}, seed=1)\n%s"
    logs = "queuecast.log({'loss': %d}, step=%d)"
    node.run(script % ("nothing", logs % (1, 0)), SLURM_JOB_ID="828")
    service.refuse = Refusing(0, 0)
    environ = {"SLURM_JOB_ID": "828", "SLURM_RESTART_COUNT": "1"}
    node.run(script % ("checkpoint 1", logs % (2, 1)), **environ)
    assert service.values("loss") == [1, 2]
    assert [point["attempt"] for point in service.points] == [0, 1]
    assert len(service.runs) == 1
    assert node.left() == []


def test_a_word_about_an_earlier_attempt_does_not_end_the_later_one(
    node: Node, service: Service
) -> None:
    service.runs.append({"run_id": RUN, "attempt": 1, "slurm_job_id": 828, "seed": None})
    node.run(f"queuecast.init(run_id={RUN!r})\nqueuecast.finish()", SLURM_JOB_ID="828")
    assert service.statuses() == []


def test_without_a_service_at_all_everything_waits_for_sync(node: Node, service: Service) -> None:
    ended = node.run(LOGS_30, TRACKER_API="")
    assert ended.stdout == "trained\n"
    assert "nobody said where the service is" in ended.stderr
    assert service.requests == []
    assert node.command("sync").returncode == 0
    assert service.values("loss") == list(range(30))


def test_of_several_clusters_the_jobs_own_is_named(node: Node, service: Service) -> None:
    def refuse(_method: str, path: str, body: Any) -> tuple[int, dict[str, str]] | None:
        return (409, {}) if path.endswith("7/runs") and body["cluster"] is None else None

    service.refuse = refuse
    environ = {"SLURM_JOB_ID": "828", "SLURM_CLUSTER_NAME": "lab"}
    assert node.run("queuecast.init()\nqueuecast.log({'loss': 1})", **environ).stderr == ""
    assert [run["cluster"] for run in service.runs] == ["lab"]
    assert service.values("loss") == [1]


@pytest.mark.parametrize(
    ("seed", "environ", "is_same"),
    [("None", {}, True), ("3", {"SEED": "3"}, True), ("4", {"SEED": "3"}, False)],
)
def test_a_started_run_whose_node_is_offline_gets_its_points_by_sync(
    node: Node, service: Service, seed: str, environ: dict[str, str], is_same: bool
) -> None:
    environ |= {"SLURM_JOB_ID": "828", "RUN_ID": RUN, "TRACKER_API": ""}
    service.runs.append({"run_id": RUN, "attempt": 0, "slurm_job_id": 828, "seed": 3})
    node.run(f"queuecast.init(seed={seed})\nqueuecast.log({{'loss': 1}})", **environ)
    assert node.command("sync").returncode == 0
    assert service.values("loss") == [1]
    assert len(service.runs) == (1 if is_same else 2)


def test_where_no_file_can_be_written_points_are_kept_in_memory(
    node: Node, service: Service
) -> None:
    blocked = node.home / "file"
    blocked.write_text("")
    ended = node.run(LOGS_30, HOME=str(blocked), QUEUECAST_SPOOL=str(blocked), TMPDIR=str(blocked))
    assert ended.stdout == "trained\n"
    assert service.values("loss") == list(range(30))
