"""By hand: ``python -m tests.cluster up|down [FOLDER]`` (make slurm-up, make slurm-down)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.cluster.configuration import Ports
from tests.cluster.lab import Lab

DEFAULT_HOME = Path(tempfile.gettempdir()) / "queuecast-slurm"


def main() -> int:
    words = sys.argv[1:]
    if not words or words[0] not in ("up", "down"):
        sys.stderr.write("usage: python -m tests.cluster up|down [FOLDER]\n")
        return 2
    lab = Lab(Path(words[1] if len(words) > 1 else DEFAULT_HOME), Ports(17_800))
    if words[0] == "down":
        lab.halt()
        return 0
    lab.boot()
    sys.stdout.write(f"export SLURM_CONF={lab.environment['SLURM_CONF']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
