"""Starting, as tests do it: at once and in this process, unless the bell is lost."""

from __future__ import annotations

from tracker import submission
from tracker.models import Actor

SCRIPT = "#!/bin/bash\n#SBATCH --time=10\npython train.py\n"
Wish = submission.Wish


def begin(experiment, cluster, wish=None, *, key="k1", ring=submission.send):
    return submission.start(
        experiment,
        actor=Actor(experiment.owner),
        cluster=cluster,
        wish=wish or Wish(),
        key=key,
        ring=ring,
    )


def nobody_rings(_pk: int) -> None:
    """A bell that is lost."""
