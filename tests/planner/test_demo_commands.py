"""The demo's text: read by the service's own adapter through real executables, and by people."""

from __future__ import annotations

import shutil
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.demo import server, site
from planner.demo.commands import NAMES
from tests.planner.demo import NOW_AT, DemoCluster
from tracker.slurm.client import Slurm
from tracker.slurm.errors import SlurmUnavailable
from tracker.slurm.records import QueuedJob
from tracker.slurm.transports import LocalTransport

DAYS = 3


@dataclass
class Served:
    """A demo cluster behind its socket, in a thread of its own; its clock stands still."""

    folder: Path
    stops: threading.Event = field(default_factory=threading.Event)
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def commands(self) -> Path:
        return self.folder / "bin"

    def live(self) -> None:
        demo = DemoCluster(self.folder, history_days=DAYS)
        demo.pass_time(120)
        path = self.folder / "slurm.sock"
        server.install_commands(self.commands, path)
        with server.listen(path) as listener:
            self.ready.set()
            now_at = demo.controller.now_at
            server.serve(demo.controller, listener, stops=self.stops.is_set, clock=lambda: now_at)
        demo.controller.stop()

    def run(self, *argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.commands / argv[0], *argv[1:]],
            input=stdin, capture_output=True, text=True, timeout=30, check=False,
            cwd=self.folder, env={"PATH": "/usr/bin:/bin", "TZ": "UTC"},
        )  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("served"))
    thread = threading.Thread(target=one.live)
    thread.start()
    assert one.ready.wait(60)
    yield one
    one.stops.set()
    thread.join(30)


@pytest.fixture(scope="module")
def slurm(served: Served) -> Slurm:
    return Slurm(LocalTransport(path=str(served.commands)))


@pytest.fixture(scope="module")
def queue(slurm: Slurm) -> list[QueuedJob]:
    return slurm.queue()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[DemoCluster]:
    cluster = DemoCluster(tmp_path)
    yield cluster
    cluster.controller.stop()


def test_the_queue_holds_running_and_waiting_jobs_with_reasons(queue: list[QueuedJob]) -> None:
    waiting = [job for job in queue if job.state == "PENDING"]
    running = [job for job in queue if job.state == "RUNNING"]
    assert len(waiting) > 10
    assert len(running) > 10
    assert {job.reason for job in waiting} >= {"Priority", "Resources"}
    assert all(job.reason and job.limit_minutes and job.priority is not None for job in waiting)
    assert all(job.node_list and job.start_at and job.tres_alloc.cpus for job in running)


def test_waiting_jobs_have_slurms_own_estimate(queue: list[QueuedJob]) -> None:
    planned = [job for job in queue if job.state == "PENDING" and job.scheduled_nodes]
    assert planned
    now = datetime.fromtimestamp(NOW_AT, UTC)
    assert all(job.start_at is not None and job.start_at >= now for job in planned)


def test_nodes_tell_what_the_running_jobs_hold(slurm: Slurm, queue: list[QueuedJob]) -> None:
    nodes = slurm.nodes()
    running = [job for job in queue if job.state == "RUNNING"]
    assert len(nodes) == 24
    assert sum(node.cpus_alloc for node in nodes) == sum(
        job.tres_alloc.cpus or 0 for job in running
    )
    assert sum(sum(node.gpus_alloc_by_type.values()) for node in nodes) == sum(
        job.tres_alloc.gpus or 0 for job in running
    )
    drained = [node for node in nodes if "DRAIN" in node.flags]
    assert [(node.name, node.reason) for node in drained] == list(site.DRAINED.items())


def test_sinfo_and_scontrol_agree_on_the_nodes(slurm: Slurm) -> None:
    def facts(nodes: list) -> set[tuple]:
        return {
            (n.name, n.base_state, n.flags, n.cpus, n.cpus_alloc, n.mem_mib, n.features, n.weight)
            for n in nodes
        }

    assert facts(slurm.sinfo()) == facts(slurm.nodes())


def test_partitions_read_back_as_the_site_describes_them(slurm: Slurm) -> None:
    read = {partition.name: partition for partition in slurm.partitions()}
    assert read.keys() == {partition.name for partition in site.PARTITIONS}
    assert read["h100"].allow_accounts == {"vision", "nlp", "demo"}
    assert read["debug"].priority_tier > read["gpu"].priority_tier
    assert [name for name, one in read.items() if one.is_default] == ["cpu"]
    assert read["gpu"].billing_weights == {"cpu": 1.0, "mem": 0.25, "gres/gpu": 16.0}


def test_maintenance_is_announced_for_tomorrow(slurm: Slurm) -> None:
    tomorrow = datetime.fromtimestamp(NOW_AT, UTC).date() + timedelta(days=1)
    windows = [r for r in slurm.reservations() if r.start_at and r.start_at.date() == tomorrow]
    assert len(windows) == 1
    assert "MAINT" in windows[0].flags


def test_configuration_and_limits_read_back(slurm: Slurm) -> None:
    config = slurm.config()
    assert (config.cluster_name, config.slurm_version) == ("demo", "23.11.10")
    assert config.priority_weights["fair_share"] == 10000
    assert config.enforce >= {"limits"}
    qos = {one.name: one for one in slurm.qos()}
    assert qos["normal"].max_tres_per_user.gpus == 20
    assert qos["high"].max_jobs_per_user == 4
    associations = slurm.associations()
    assert ("demo", "ada") in {(a.account, a.user) for a in associations}
    teaching = next(a for a in associations if (a.account, a.user) == ("teaching", None))
    assert teaching.grp_tres.gpus == 8


def test_shares_and_priorities_read_back(slurm: Slurm, queue: list[QueuedJob]) -> None:
    shares = {(one.account, one.user): one for one in slurm.shares()}
    assert shares["demo", "ada"].fair_share == 1.0  # nobody has used less
    assert shares["nlp", "amara"].depth == 3
    used = [one.raw_usage for one in shares.values() if one.user]
    assert sum(usage or 0 for usage in used) > 0
    by_id = {job.job_id: job for job in queue}
    factors = slurm.priorities()
    assert factors
    for one in factors:
        assert one.priority == by_id[one.job_id].priority
        parts = [one.age, one.fair_share, one.job_size, one.partition_factor, one.qos]
        assert abs(one.priority - sum(part or 0 for part in parts)) <= len(parts)


def test_accounting_tells_every_attempt_of_the_days_lived(slurm: Slurm) -> None:
    since = datetime.fromtimestamp(NOW_AT, UTC) - timedelta(days=DAYS + 1)
    attempts = slurm.accounting(since)
    assert len(attempts) > 150
    assert {one.state for one in attempts} >= {"COMPLETED", "FAILED", "RUNNING"}
    cancelled = [one for one in attempts if one.state == "CANCELLED"]
    assert all(one.cancelled_by_uid for one in cancelled)
    one = next(one for one in attempts if one.state == "COMPLETED")
    assert slurm.accounting(None, [one.job_id]) == [one]


def test_the_controller_says_how_loaded_it_is(slurm: Slurm, queue: list[QueuedJob]) -> None:
    diagnostics = slurm.diagnostics()
    assert diagnostics.agent_queue_size == 0
    assert diagnostics.jobs_running == sum(job.state == "RUNNING" for job in queue)


def test_people_get_slurms_usual_columns(served: Served) -> None:
    assert served.run("squeue").stdout.splitlines()[0] == (
        "             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)"
    )
    assert served.run("sinfo").stdout.startswith(
        "PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST\n"
    )
    assert served.run("sacct").stdout.startswith(
        "JobID           JobName  Partition    Account  AllocCPUS      State ExitCode \n"
        "------------ ---------- ---------- ---------- ---------- ---------- -------- \n"
    )
    assert served.run("squeue", "--version").stdout == "slurm 23.11.10\n"


def test_a_script_on_standard_input_is_submitted(served: Served) -> None:
    said = served.run("sbatch", "--hold", stdin="#!/bin/sh\ntrue\n")
    assert said.stdout.startswith("Submitted batch job ")
    job_id = said.stdout.split()[-1]
    assert job_id in served.run("squeue", "--me").stdout
    served.run("scancel", job_id)
    assert job_id not in served.run("squeue", "--me").stdout


def test_a_refusal_comes_with_its_exit_code_and_on_stderr(served: Served) -> None:
    said = served.run("squeue", "-j", "99999999")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "slurm_load_jobs error: Invalid job id specified\n"


def test_only_this_user_may_use_the_socket_and_the_commands(served: Served) -> None:
    modes = [
        stat.S_IMODE(path.stat().st_mode)
        for path in (served.folder / "slurm.sock", *(served.commands / name for name in NAMES))
    ]
    assert modes == [0o600, *[0o700] * len(NAMES)]


def test_a_second_server_on_the_same_socket_is_refused(served: Served) -> None:
    with pytest.raises(server.AlreadyRunningError, match="already runs"):
        server.listen(served.folder / "slurm.sock")


def test_what_is_no_question_does_not_stop_the_server(served: Served) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as rude:
        rude.connect(str(served.folder / "slurm.sock"))
        rude.sendall(b"\xff[")
    assert served.run("sinfo").returncode == 0


def test_a_socket_left_behind_by_a_dead_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "slurm.sock"
    server.listen(path).close()
    assert path.exists()
    with server.listen(path) as listener:
        assert listener.fileno() >= 0


def test_without_a_server_the_commands_fail_as_slurms_do(tmp_path: Path) -> None:
    server.install_commands(tmp_path / "bin", tmp_path / "slurm.sock")
    slurm = Slurm(LocalTransport(path=str(tmp_path / "bin")))
    with pytest.raises(SlurmUnavailable, match="Unable to contact slurm controller"):
        slurm.queue()


def test_filters_and_formats_choose_rows_and_columns(demo: DemoCluster) -> None:
    job_id = demo.submit("true", "--hold", "-J", "mine", "-p", "debug", "-t", "60")
    demo.pass_time(1)
    assert demo.ask("squeue", "-h", "-u", "ada", "-o", "%i|%.6j|%l|%r").stdout == (
        f"{job_id}|  mine|1:00:00|JobHeldUser\n"
    )
    assert demo.ask("squeue", "-h", "-n", "other", "-t", "all").stdout == ""
    said = demo.ask("sacct", "-n", "-P", "-j", str(job_id), "-o", "jobid,state,timelimit")
    assert said.stdout == f"{job_id}|PENDING|01:00:00\n"
    shown = demo.ask("scontrol", "-o", "show", "job", str(job_id)).stdout
    assert shown.count("\n") == 1
    assert f"JobId={job_id} JobName=mine UserId=ada(1000)" in shown


def test_epochs_and_zones_are_as_the_caller_asks(demo: DemoCluster) -> None:
    job_id = demo.submit("true", "--hold")
    ask = ("squeue", "-h", "-j", str(job_id), "-o", "%V")
    assert demo.ask(*ask, SLURM_TIME_FORMAT="%s").stdout == f"{NOW_AT}\n"
    assert demo.ask(*ask, TZ="UTC").stdout == "2026-11-23T12:30:14\n"
    assert demo.ask(*ask, TZ="Asia/Tokyo").stdout == "2026-11-23T21:30:14\n"


def test_nothing_but_its_own_words_are_understood(demo: DemoCluster) -> None:
    for command, *arguments in (
        ("squeue", "--nonsense"), ("squeue", "stray"), ("squeue", "-o", "%&"),
        ("squeue", "-O", "Nonsense"), ("sacct", "-S", "someday"), ("sacct", "-o", "Nonsense"),
        ("scontrol", "show", "nonsense"), ("scontrol",), ("scontrol", "show", "node", "a[1-"),
        ("sacctmgr", "add", "user"), ("scancel",), ("scancel", "99999999"), ("srun",),
    ):  # fmt: skip
        answer = demo.ask(command, *arguments)
        assert answer.rc != 0, (command, arguments)
        assert answer.stderr


@given(
    command=st.sampled_from(NAMES),
    arguments=st.lists(
        st.one_of(
            st.text(max_size=12),
            st.from_regex(r"-[a-zA-Z]{1,2}", fullmatch=True),
            st.sampled_from(["show", "node", "job", "qos", "assoc", "format=Name", "hold", "1001"]),
        ),
        max_size=5,
    ),
)
@settings(max_examples=200, deadline=None)
def test_any_arguments_get_an_answer(
    shared: DemoCluster, command: str, arguments: list[str]
) -> None:
    answer = shared.ask(command, *arguments, stdin="#!/bin/sh\n")
    assert answer.rc == 0 or answer.stderr


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoCluster]:
    cluster = DemoCluster(tmp_path_factory.mktemp("shared"))
    yield cluster
    cluster.controller.stop()
    shutil.rmtree(cluster.folder)
