"""Real scripts of the demo cluster, run on this host as children of the server.

Each has its own process group, a working folder, and limits on CPU time, file size and cores.
They run as the user that runs the service, who is the only one that may submit them.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from planner.demo.jobs import Attempt, Script
from planner.sim.jobs import Key

MAX_FILE_BYTES = 256 * 1024**2
NICENESS = 10  # the service itself comes first
CANNOT_OPEN_OUTPUT = 53  # the signal part of Slurm's exit code 0:53


class LaunchError(Exception):
    """The script could not be started; the job fails with ``exit_code`` and ``exit_signal``."""

    def __init__(self, message: str, exit_code: int, exit_signal: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.exit_signal = exit_signal


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    kill_at: float | None = None  # SIGTERM was sent; SIGKILL follows then


class Processes:
    """Scripts that run, by the key of their job; times are epoch seconds."""

    def __init__(self, spool: Path, search_path: str, kill_wait_s: float) -> None:
        self._spool = spool
        self._search_path = search_path  # of the demo's own commands, first on a job's PATH
        self._kill_wait_s = kill_wait_s
        self._children: dict[Key, _Child] = {}
        self._ending: list[_Child] = []

    def start(self, attempt: Attempt, script: Script) -> None:
        """Run the script and note its process in the attempt. Raises LaunchError."""
        request = attempt.request
        path = self._spool / f"job{attempt.job_id:05}"
        path.write_bytes(script.text.encode("utf-8", "surrogateescape"))
        path.chmod(0o700)
        work_dir = request.work_dir if Path(request.work_dir).is_dir() else self._spool
        try:
            with (
                _open(work_dir, expand(request.output, attempt)) as stdout,
                _open(work_dir, expand(request.error or request.output, attempt)) as stderr,
            ):
                process = subprocess.Popen(
                    [path, *script.arguments],
                    cwd=work_dir,
                    env=self._environment(attempt, script),
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                    preexec_fn=_limits(request.limit_minutes * 60 * request.cpus),  # noqa: PLW1509 (one thread)
                )
        except _OutputError as error:
            raise LaunchError(str(error), 0, CANNOT_OPEN_OUTPUT) from error
        except (OSError, subprocess.SubprocessError) as error:
            raise LaunchError(f"{request.name}: {error}", 127, 0) from error
        self._children[attempt.key] = _Child(process)
        attempt.process_id = process.pid
        attempt.process_started = started_ticks(process.pid)

    def _environment(self, attempt: Attempt, script: Script) -> dict[str, str]:
        environment = script.environment | slurm_environment(attempt)
        # The service looks for Slurm's commands in one folder; a node has its system's besides.
        path = [self._search_path, environment.get("PATH", ""), os.defpath]
        environment["PATH"] = os.pathsep.join(filter(None, path))
        return environment

    def finished(self) -> Iterator[tuple[Key, int, int]]:
        """Key, exit code and signal of each script that ended by itself since the last call."""
        for key, child in list(self._children.items()):
            status = child.process.poll()
            if status is not None:
                del self._children[key]
                _signal_group(child, signal.SIGKILL)  # what it left in the background
                yield (key, status, 0) if status >= 0 else (key, 0, -status)

    def stop(self, key: Key, now_at: float) -> None:
        """SIGTERM to the script's group now, SIGKILL after KillWait; nothing if it does not run."""
        child = self._children.pop(key, None)
        if child is not None:
            _signal_group(child, signal.SIGTERM)
            child.kill_at = now_at + self._kill_wait_s
            self._ending.append(child)

    def sweep(self, now_at: float) -> None:
        """Collect the stopped ones, and kill those whose time is up."""
        for child in list(self._ending):
            if child.process.poll() is not None or now_at >= (child.kill_at or 0):
                _signal_group(child, signal.SIGKILL)
                child.process.wait()
                self._ending.remove(child)

    def stop_all(self, grace_s: float = 2.0) -> None:
        """End everything before returning."""
        for key in list(self._children):
            self.stop(key, now_at=0.0)
        for child in self._ending:
            try:
                child.process.wait(grace_s)
            except subprocess.TimeoutExpired:
                grace_s = 0.0  # one grace for all of them
            _signal_group(child, signal.SIGKILL)
            child.process.wait()
        self._ending.clear()

    def forget_file(self, attempt: Attempt) -> None:
        (self._spool / f"job{attempt.job_id:05}").unlink(missing_ok=True)


class _OutputError(Exception):
    pass


def _open(work_dir: str | Path, name: str) -> BinaryIO:
    try:
        return (Path(work_dir) / name).open("ab")
    except (OSError, ValueError) as error:
        raise _OutputError(f"could not open output file {name}: {error}") from error


def _limits(cpu_s: int) -> Callable[[], None]:
    def apply() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s + 1, cpu_s + 60))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(NICENESS)

    return apply


def _signal_group(child: _Child, number: int) -> None:
    try:
        os.killpg(child.process.pid, number)
    except ProcessLookupError:
        return  # the whole group is gone


def started_ticks(process_id: int) -> int | None:
    """When a process started, in clock ticks since boot; None if there is none of that id."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold spaces; the start time is field 22 of proc(5).
    return int(stat.rpartition(")")[2].split()[19])


def end_orphan(attempt: Attempt) -> None:
    """Kill the script's group if a server that was killed left it behind."""
    pid = attempt.process_id
    if pid is not None and attempt.process_started == started_ticks(pid):
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def expand(pattern: str, attempt: Attempt) -> str:
    """sbatch's file name pattern: %j, %A, %a, %x, %u, %N, %%."""
    values = {
        "j": attempt.job_id,
        "J": attempt.job_id,
        "A": attempt.base_id,
        "a": attempt.task_id if attempt.task_id is not None else 4294967294,
        "x": attempt.request.name,
        "u": attempt.request.user,
        "N": (attempt.node_names or ("",))[0],
        "%": "%",
    }
    text, _, rest = pattern.partition("%")
    while rest:
        text += str(values.get(rest[0], f"%{rest[0]}"))
        more, _, rest = rest[1:].partition("%")
        text += more
    return text


def slurm_environment(attempt: Attempt) -> dict[str, str]:
    """The SLURM_* variables of a batch script."""
    request = attempt.request
    variables: dict[str, object] = {
        "SLURM_JOB_ID": attempt.job_id,
        "SLURM_JOBID": attempt.job_id,
        "SLURM_JOB_NAME": request.name,
        "SLURM_JOB_USER": request.user,
        "SLURM_JOB_ACCOUNT": request.account,
        "SLURM_JOB_PARTITION": attempt.partition,
        "SLURM_JOB_QOS": request.qos,
        "SLURM_JOB_NODELIST": ",".join(attempt.node_names),
        "SLURM_NODELIST": ",".join(attempt.node_names),
        "SLURM_JOB_NUM_NODES": len(attempt.shares),
        "SLURM_NNODES": len(attempt.shares),
        "SLURM_NTASKS": request.tasks,
        "SLURM_CPUS_PER_TASK": request.cpus_per_task,
        "SLURM_CPUS_ON_NODE": attempt.shares[0].cpus if attempt.shares else 0,
        "SLURM_SUBMIT_DIR": request.work_dir,
        "SLURM_CLUSTER_NAME": "demo",
        "SLURM_RESTART_COUNT": attempt.restarts,
        "SLURM_PROCID": 0,
    }
    if attempt.array_id is not None:
        variables["SLURM_ARRAY_JOB_ID"] = attempt.array_id
        variables["SLURM_ARRAY_TASK_ID"] = attempt.task_id
    gpus = sum(sum(share.gpus.values()) for share in attempt.shares[:1])
    if gpus:
        variables["SLURM_GPUS_ON_NODE"] = gpus
    return {name: str(value) for name, value in variables.items()}
