"""The parent of the service's programs, with small programs in their place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import free_port, wait_until
from tests.tracker.processes import descendants, is_alive
from tracker.supervisor import answers

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import json, sys
from pathlib import Path
from tracker import supervisor
supervisor.GRACE_S, supervisor.FIRST_DELAY_S = 1.0, 0.1
programs = [supervisor.Program(**fields) for fields in json.loads(sys.argv[1])]
parent = supervisor.Supervisor(programs, Path.cwd())
parent.run(lambda: True, lambda: print("ready", flush=True))
"""
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
# Deaf to SIGTERM, with a child that has left its session.
DEAF = f"""
import signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen({SLEEP!r}, start_new_session=True)
time.sleep(600)
"""
STUBBORN = [sys.executable, "-c", DEAF]


class Parent:
    def __init__(self, folder: Path, *programs: dict[str, object]) -> None:
        self.errors = folder / "stderr"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PARENT, json.dumps(programs)],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    @property
    def programs(self) -> list[int]:
        return descendants(self.process.pid)


@pytest.fixture
def parents() -> Iterator[list[Parent]]:
    started: list[Parent] = []
    yield started
    for parent in started:
        for pid in [parent.process.pid, *parent.programs]:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        parent.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_end_even_the_stubborn_and_what_they_started(
    tmp_path: Path, parents: list[Parent], number: int
) -> None:
    stubborn, sleeper = {"name": "stubborn", "argv": STUBBORN}, {"name": "sleeper", "argv": SLEEP}
    parents.append(parent := Parent(tmp_path, stubborn, sleeper))
    wait_until(lambda: len(parent.programs) == 3, "both programs and a grandchild")
    pids = parent.programs
    parent.process.send_signal(number)
    assert parent.process.wait(20) == 0
    assert [pid for pid in pids if is_alive(pid)] == []


def test_programs_end_with_a_parent_that_is_killed(tmp_path: Path, parents: list[Parent]) -> None:
    parents.append(parent := Parent(tmp_path, {"name": "sleeper", "argv": SLEEP}))
    wait_until(lambda: len(parent.programs) == 1, "the program")
    (pid,) = parent.programs
    parent.process.kill()
    wait_until(lambda: not is_alive(pid), "the end of the program")


def test_a_program_that_dies_starts_again_later_each_time(
    tmp_path: Path, parents: list[Parent]
) -> None:
    starts = tmp_path / "starts"
    again = [sys.executable, "-c", f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(3)"]
    parents.append(parent := Parent(tmp_path, {"name": "weak", "argv": again}))
    wait_until(lambda: starts.exists() and len(starts.read_text()) >= 3, "three starts")
    told = parent.errors.read_text().splitlines()
    assert told[0].startswith("weak ended (exit code 3); it starts again in")


def test_a_program_that_runs_once_is_not_started_again(
    tmp_path: Path, parents: list[Parent]
) -> None:
    starts = tmp_path / "starts"
    once = [sys.executable, "-c", f"open({str(starts)!r}, 'a').write('x')"]
    weak = [sys.executable, "-c", "raise SystemExit(1)"]
    parents.append(
        parent := Parent(
            tmp_path,
            {"name": "once", "argv": once, "once": True},
            {"name": "weak", "argv": weak},
        )
    )
    wait_until(lambda: parent.errors.read_text().count("weak") >= 3, "three restarts of another")
    assert starts.read_text() == "x"


@pytest.mark.parametrize(
    "content", ["999999999", str(os.getpid()), ""], ids=["gone", "taken by another", "empty"]
)
def test_the_pid_file_of_a_killed_program_is_no_obstacle(
    tmp_path: Path, parents: list[Parent], content: str
) -> None:
    pid_file = tmp_path / "beat.pid"
    pid_file.write_text(content)
    script = f"open({str(pid_file)!r}, 'x').close(); import time; time.sleep(600)"
    picky = [sys.executable, "-c", script]
    parents.append(
        parent := Parent(tmp_path, {"name": "picky", "argv": picky, "pid_file": str(pid_file)})
    )
    wait_until(lambda: pid_file.exists() and pid_file.read_text() == "", "its own pid file")
    assert parent.errors.read_text() == ""


def test_a_free_port_does_not_answer() -> None:
    assert not answers("127.0.0.1", free_port())


def test_the_parent_stays_small_it_loads_neither_django_nor_celery() -> None:
    probe = "import sys, tracker.supervisor; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert not {"django", "celery", "numpy"} & set(done.stdout.split())


def test_the_orphans_of_a_program_leave_no_zombies(tmp_path: Path, parents: list[Parent]) -> None:
    orphan = tmp_path / "orphan"
    script = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        f"        open({str(orphan)!r}, 'w').write(str(os.getpid()))\n"
        "        time.sleep(0.5)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "time.sleep(600)\n"
    )
    parents.append(Parent(tmp_path, {"name": "daemon", "argv": [sys.executable, "-c", script]}))
    wait_until(lambda: orphan.exists() and orphan.read_text() != "", "the orphan")
    pid = int(orphan.read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the end of the orphan, reaped")
