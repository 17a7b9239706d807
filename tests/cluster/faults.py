"""What goes wrong on a cluster: a controller or an accounting that is away, a node that dies."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.cluster.place import Place


class Faults(Place):
    def start_controller(self) -> None:
        self.start("slurmctld", user="slurm")
        self.wait(lambda: self.answers("scontrol", "ping"), "slurmctld")

    def stop_controller(self) -> None:
        self.stop("slurmctld")

    def start_dbd(self) -> None:
        self.start("slurmdbd", user="slurm")
        self.wait(lambda: self.answers("sacctmgr", "-n", "show", "cluster"), "slurmdbd")

    def stop_dbd(self) -> None:
        self.stop("slurmdbd")

    def start_node(self, name: str) -> None:
        """Ends when the node takes jobs again."""
        self.start("slurmd", "-N", name)
        self.wait(lambda: self._is_up(name), name)

    def kill_node(self, name: str) -> None:
        """As if its power were cut. Its jobs end as NODE_FAIL 32 to 45 s later, with SlurmdTimeout
        15 as with 20; a node that is back before that leaves them RUNNING for over a minute.
        """
        pid = self.pid_of(f"slurmd.{name}")
        kill([*([pid] if pid else []), *self.steps(name)])

    def steps(self, node: str = "*") -> list[int]:
        """The slurmstepd on a node of this cluster, each with all that runs below it."""
        log_files = {str(file) for file in self.home.glob(f"log/slurmd.{node}.log")}
        found = [pid for pid in _processes() if log_files & _open_files(pid)]
        return [process for pid in found for process in with_descendants(pid)]

    def rpc_counts(self) -> dict[str, int]:
        """How often each kind of request came to the controller since ``reset_rpc_counts``."""
        by_type = self.run("sdiag").partition("by message type")[2].partition("by user")[0]
        rows = re.findall(r"^\t(\w+) +\( *\d+\) count:(\d+)", by_type, re.MULTILINE)
        return {name: int(count) for name, count in rows}

    def reset_rpc_counts(self) -> None:
        self.run("sdiag", "--reset")

    def _is_up(self, node: str) -> bool:
        state = self.run("sinfo", "-h", "-N", "-n", node, "-o", "%T").split()[0]
        if state.startswith(("down", "drain")):
            self.answers("scontrol", "update", f"nodename={node}", "state=resume")
        return state in ("idle", "mixed", "allocated")


def kill(pids: list[int], number: int = signal.SIGKILL) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def with_descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(below for child in children for below in with_descendants(int(child)))]


def _processes() -> Iterator[int]:
    """Of slurmstepd."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "cmdline").read_bytes().startswith(b"slurmstepd"):
                yield int(folder.name)


def _open_files(pid: int) -> set[str]:
    """Empty of a process that has just ended."""
    files = set()
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            files.add(str(link.readlink()))
    return files
