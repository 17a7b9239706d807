"""Jobs that use more memory than they asked for, where this machine can tell.

Slurm 22.05 limits memory through cgroup v1, or through v2 with systemd. Where v1 is mounted, each
cluster has a cgroup of its own, so that job 1 of two clusters are two jobs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import services
from tests.cluster.faults import kill
from tests.cluster.place import Place

MEMORY = Path("/sys/fs/cgroup/memory")


class Memory(Place):
    @property
    def limits_memory(self) -> bool:
        """A job over its --mem ends as OUT_OF_MEMORY; elsewhere nobody stops it."""
        return (MEMORY / "memory.limit_in_bytes").exists()

    def require_limited_memory(self) -> None:
        # A property of the kernel, which no package can add: skipped under CI=true, too.
        if not self.limits_memory:
            pytest.skip("cgroup v1 has no memory controller here")

    @property
    def task_plugin(self) -> str:
        return "task/cgroup" if self.limits_memory else "task/none"

    def lay_out_memory(self) -> None:
        if not self.limits_memory:
            return
        self._cgroup.mkdir(exist_ok=True)
        mounts = self.home / "cgroup"
        mounts.mkdir()
        (mounts / "memory").symlink_to(self._cgroup)
        words = ["CgroupPlugin=cgroup/v1", f"CgroupMountpoint={mounts}", "CgroupAutomount=no"]
        words += ["ConstrainRAMSpace=yes", ""]
        self.write("etc/cgroup.conf", "\n".join(words), 0o644)

    def clear_memory(self) -> None:
        """Once all daemons and jobs have been ended."""
        services.wait_until(self._is_gone, f"the end of {self._cgroup}")

    @property
    def _cgroup(self) -> Path:
        return MEMORY / f"queuecast-lab-{self.ports.base}"

    def _is_gone(self) -> bool:
        """A cgroup goes when its last process has, and those above it after it.

        A job whose slurmstepd was killed in the middle of a fork has a child that is nobody's now.
        """
        below = sorted(self._cgroup.rglob("*/"), key=lambda path: len(path.parts), reverse=True)
        try:
            for folder in (*filter(Path.is_dir, below), self._cgroup):
                kill([int(pid) for pid in (folder / "cgroup.procs").read_text().split()])
                folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True
