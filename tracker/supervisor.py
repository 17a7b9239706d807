"""A parent and its programs: started, restarted when they die, and all ended with the parent.

``manage.py up`` prepares a plan and becomes this program. It lives as long as the service, so it
imports the standard library only: 10 MiB instead of Django's 130.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

GRACE_S = 7.0  # from SIGTERM to SIGKILL; all is over within 10 s
TICK_S = 0.25
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0
HEALTHY_AFTER_S = 60.0  # a program that has lived so long starts again at once when it dies
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Program:
    name: str
    argv: Sequence[str]
    once: bool = False  # its end is no accident
    pid_file: str | None = None  # one it left when it was killed is removed before it starts


@dataclass(frozen=True)
class Plan:
    """All that the parent has to know. ``link`` is a secret: it is in no argv and no variable."""

    programs: Sequence[Program]
    folder: str
    host: str
    port: int
    link: str
    opens_browser: bool
    lock_fd: int  # held open, and thereby locked, until the end


@dataclass
class Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    due_s: float = 0.0  # monotonic clock
    delay_s: float = FIRST_DELAY_S


class Supervisor:
    """Runs ``programs`` in this process's own environment."""

    def __init__(self, programs: Sequence[Program], folder: Path) -> None:
        self.children = [Child(program) for program in programs]
        self.folder = folder
        self._stops = False

    def run(self, is_ready: Callable[[], bool], announce: Callable[[], None]) -> None:
        """Keep the programs running until SIGINT or SIGTERM; ``announce`` once ``is_ready``."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what a killed program leaves behind becomes ours
        announced = False
        try:
            while not self._stops:
                for child in self.children:
                    self._look_after(child, time.monotonic())
                self._reap_left_behind()
                if not announced and is_ready():
                    announce()
                    announced = True
                time.sleep(TICK_S)
        finally:
            self.end()

    def end(self) -> None:
        """SIGTERM to all at once; what is left after the grace, and all they started, is killed."""
        running = [child.process for child in self.children if child.process]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline and any(p.poll() is None for p in running):
            time.sleep(0.05)
        for process in running:
            _kill(os.killpg, process.pid)
            process.wait()
        for pid in _children_of_this_process():
            _kill(os.kill, pid)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._stops = True

    def _look_after(self, child: Child, now_s: float) -> None:
        if child.process is None:
            if now_s >= child.due_s:
                self._start(child, now_s)
            return
        code = child.process.poll()
        if code is None:
            return
        # What a dead program has started would run beside what the next one starts.
        _kill(os.killpg, child.process.pid)
        child.process = None
        if child.program.once:
            child.due_s = float("inf")
            return
        if now_s - child.started_s > HEALTHY_AFTER_S:
            child.delay_s = FIRST_DELAY_S
        child.due_s = now_s + child.delay_s
        sys.stderr.write(
            f"{child.program.name} ended ({_how(code)}); it starts again in {child.delay_s:.0f} s\n"
        )
        child.delay_s = min(child.delay_s * 2, LONGEST_DELAY_S)

    def _start(self, child: Child, now_s: float) -> None:
        if child.program.pid_file:
            _drop_stale(Path(child.program.pid_file))
        parent = os.getpid()
        child.process = subprocess.Popen(
            list(child.program.argv),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # the terminal's Ctrl-C reaches the parent only
            preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509 (this parent has no threads)
        )
        child.started_s = now_s

    def _reap_left_behind(self) -> None:
        """Take note of the ends of processes that are ours because their parents are gone."""
        own = {child.process.pid for child in self.children if child.process}
        for pid in set(_children_of_this_process()) - own:
            os.waitpid(pid, os.WNOHANG)


def become(plan: Plan, environment: dict[str, str]) -> NoReturn:
    """Replace this process by the parent of the plan's programs, with this environment."""
    read_fd, write_fd = os.pipe()
    with os.fdopen(write_fd, "w") as pipe:  # a plan is far smaller than a pipe holds
        json.dump(asdict(plan), pipe)
    for descriptor in (read_fd, plan.lock_fd):
        os.set_inheritable(descriptor, True)
    os.chdir(plan.folder)
    argv = [sys.executable, "-m", "tracker.supervisor", str(read_fd)]
    os.execve(sys.executable, argv, environment)  # noqa: S606 (no shell is meant)


def main() -> None:
    with os.fdopen(int(sys.argv[1])) as pipe:
        fields = json.load(pipe)
    programs = [Program(**program) for program in fields.pop("programs")]
    plan = Plan(programs=programs, **fields)
    os.set_inheritable(plan.lock_fd, False)  # a child would hold the lock longer than we live

    def announce() -> None:
        text = f"\nQueuecast runs. This link signs you in, once:\n\n  {plan.link}\n\n"
        sys.stdout.write(text)
        sys.stdout.flush()
        if plan.opens_browser:
            webbrowser.open(plan.link)

    Supervisor(programs, Path(plan.folder)).run(lambda: answers(plan.host, plan.port), announce)


def answers(host: str, port: int) -> bool:
    """Whether something listens there."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    family = socket.AF_INET6 if ":" in here else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((here, port)) == 0


def _drop_stale(pid_file: Path) -> None:
    """A program that was killed leaves its file, and its number may be another's by now."""
    if not pid_file.exists():
        return
    command_line = Path(f"/proc/{pid_file.read_text().strip()}/cmdline")
    is_its = command_line.exists() and str(pid_file).encode() in command_line.read_bytes()
    if not is_its:
        pid_file.unlink()


def _die_with(parent: int) -> None:
    """In the child: SIGTERM when the parent dies in whatever way, also before this call."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _prctl(option: int, value: int) -> None:
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)


def _kill(how: Callable[[int, int], None], target: int) -> None:
    try:
        how(target, signal.SIGKILL)
    except ProcessLookupError:
        return  # it had ended by itself


def _children_of_this_process() -> list[int]:
    """Those that were left to us by programs that are gone; empty where /proc does not tell."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(word) for word in listed.read_text().split()] if listed.exists() else []


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


if __name__ == "__main__":
    main()
