"""A node with queuecast.py in a folder of its own, where training scripts run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.client.onefile import FILE

FASTER = """
queuecast.TICK_S, queuecast.SEND_EVERY_S, queuecast.FIRST_WAIT_S = 0.02, (0.05, 0.05), 0.05
"""


@dataclass
class Node:
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.home / "queuecast.py").write_bytes(FILE.read_bytes())

    @property
    def spool(self) -> Path:
        return self.home / ".queuecast/spool"

    def left(self) -> list[str]:
        """The ends of the names of what stands in the spool."""
        return sorted(path.name.split(".", 1)[1] for path in self.spool.glob("*.*"))

    def start(self, script: str, **environ: str) -> subprocess.Popen[str]:
        path = self.home / "train.py"
        path.write_text(f"import os, signal, sys, time\nimport queuecast\n{FASTER}{script}\n")
        return self.begin([str(path)], environ)

    def run(self, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return _ended(self.start(script, **environ))

    def command(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return _ended(self.begin(["queuecast.py", *words], environ))

    def begin(self, words: list[str], environ: dict[str, str]) -> subprocess.Popen[str]:
        own = {"PATH": os.environ["PATH"], "HOME": str(self.home), **self.environ, **environ}
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self.home,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def _ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    with process:
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
