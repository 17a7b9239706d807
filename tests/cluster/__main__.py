"""By hand: ``python -m tests.cluster up|down [FOLDER]`` (make slurm-up, make slurm-down)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.cluster.configuration import USERS, Ports
from tests.cluster.doors import SSH_HOST
from tests.cluster.hooks import HOOKS
from tests.cluster.lab import Lab
from tests.cluster.people import SERVICE

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
    sys.stdout.write(to_use(lab))
    return 0


def to_use(lab: Lab) -> str:
    """For a shell; what is no variable stands in comments."""
    as_service = f"runuser -u {SERVICE} -- sudo -n -u qc-bob {lab.commands}/sbatch"
    return f"""\
export SLURM_CONF={lab.environment["SLURM_CONF"]}
# commands  {lab.commands}
# ssh       ssh -F {lab.ssh_config} qc-bob@{SSH_HOST} {lab.commands}/squeue
# sudo      {as_service}
# REST      {lab.rest_url} (a token: scontrol token username=qc-bob)
# hooks     {lab.home}/hooks: {" ".join(HOOKS)}
# users     {" ".join(USERS)}
"""


if __name__ == "__main__":
    sys.exit(main())
