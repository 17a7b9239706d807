"""How a training's process ends, and what its run is told of it."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.client.node import Node
from tests.client.service import Service

IN_JOB = {"SLURM_JOB_ID": "828"}
# Python 3.12 warns the script that forks beside threads.
OF_FORKS = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}
BEGIN = "queuecast.init()\nqueuecast.log({'loss': 1})\n"
# Not one long sleep: beside other threads CPython may note a signal only at its end.
TRAINS = """
print("on", flush=True)
for _ in range(6_000): time.sleep(0.01)
"""


def told(service: Service) -> dict[str, Any]:
    """The last word about its status."""
    return [words for words in service.words if "status" in words][-1]


@pytest.mark.parametrize("environ", [{}, IN_JOB])
def test_an_exception_that_nobody_catches_is_the_runs_last_word(
    node: Node, service: Service, environ: dict[str, str]
) -> None:
    ended = node.run(BEGIN + "raise ValueError('loss is gone')", **environ)
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    message = "ValueError: loss is gone"
    assert told(service) == {"status": "FAILED", "exit_code": 1, "message": message}
    assert service.values("loss") == [1]


def test_without_finish_slurm_tells_how_a_job_ends_and_elsewhere_the_end_of_the_script_does(
    node: Node, service: Service
) -> None:
    node.run(BEGIN, **IN_JOB)
    assert service.statuses() == ["RUNNING"]
    node.run(BEGIN)
    assert service.statuses() == ["RUNNING", "RUNNING", "COMPLETED"]
    assert service.values("loss") == [1, 1]


@pytest.mark.parametrize(
    ("inside", "status", "exit_code"),
    [
        ("run.log({'loss': 1})", "COMPLETED", 0),
        ("sys.exit()", "COMPLETED", 0),
        ("sys.exit(3)", "FAILED", 3),
        ("raise KeyboardInterrupt", "CANCELLED", 130),
        ("1 / 0", "FAILED", 1),
    ],
)
def test_a_with_block_tells_how_it_was_left(
    node: Node, service: Service, inside: str, status: str, exit_code: int
) -> None:
    node.run(f"with queuecast.init() as run: {inside}", **IN_JOB)
    assert (told(service)["status"], told(service)["exit_code"]) == (status, exit_code)


@pytest.mark.parametrize(
    ("number", "environ", "statuses"),
    [
        (signal.SIGTERM, IN_JOB, ["RUNNING"]),
        (signal.SIGUSR1, IN_JOB, ["RUNNING"]),
        (signal.SIGTERM, {}, ["RUNNING", "CANCELLED"]),
        (signal.SIGINT, {}, ["RUNNING", "CANCELLED"]),
    ],
)
def test_a_signal_delivers_what_there_is_and_ends_the_process_as_it_would_have(
    node: Node,
    service: Service,
    number: signal.Signals,
    environ: dict[str, str],
    statuses: list[str],
) -> None:
    with node.start(BEGIN + TRAINS, **environ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        process.communicate(timeout=20)
    assert process.returncode == -number
    assert service.values("loss") == [1]
    assert service.statuses() == statuses
    assert node.left() == []


def test_a_handler_that_was_there_is_called_after_the_points_are_delivered(
    node: Node, service: Service
) -> None:
    script = """
def save(number, frame):
    queuecast.log({"saved": 1})
    os.write(1, b"saved\\n")
    sys.exit(7)
signal.signal(signal.SIGUSR1, save)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
queuecast.init()
assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
queuecast.log({"loss": 1})
"""
    with node.start(script + TRAINS, **IN_JOB) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGUSR1)
        assert process.communicate(timeout=20)[0] == "saved\n"
    assert process.returncode == 7
    assert service.values("loss") == service.values("saved") == [1]


def test_children_of_the_training_send_nothing_and_end_nothing(
    node: Node, service: Service
) -> None:
    ended = node.run(
        BEGIN
        + """
from multiprocessing import get_context
def work(number): queuecast.log({"of a worker": number}); queuecast.finish(); return number
with get_context("fork").Pool(2) as pool: print(pool.map(work, range(4)), flush=True)
if os.fork() == 0: sys.exit(5)
os.wait()
queuecast.log({"loss": 2})
queuecast.finish()
""",
        **OF_FORKS,
    )
    assert ended.stdout == "[0, 1, 2, 3]\n"
    assert set(ended.stderr.splitlines()) == {
        "queuecast: only the process that called init() logs, not its children"
    }
    assert service.values("loss") == [1, 2]
    assert service.received == 2
    assert service.statuses() == ["RUNNING", "COMPLETED"]


def test_a_child_that_begins_its_own_run_logs_to_it(node: Node, service: Service) -> None:
    ended = node.run(
        BEGIN
        + """
if os.fork() == 0:
    queuecast.init(seed=2)
    queuecast.log({"child": 1})
    queuecast.finish()
    os._exit(0)
os.wait()
""",
        **OF_FORKS,
    )
    assert ended.stderr == ""
    assert {run["seed"] for run in service.runs} == {None, 2}
    assert service.values("child") == service.values("loss") == [1]
