"""``python -m tests.cluster.fidelity FOLDER``: the report on runs kept in FOLDER.

Compares them with the model of today; no Slurm is needed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django


def main() -> int:
    words = sys.argv[1:]
    runs = sorted(Path(words[0]).glob("*/submissions.json")) if len(words) == 1 else []
    if len(runs) < 2:
        sys.stderr.write(
            "usage: python -m tests.cluster.fidelity FOLDER, with two runs or more in it as"
            " make prove-4 keeps them\n"
        )
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")
    django.setup()
    # What reads captures needs the settings.
    from tests.cluster.fidelity_comparison import Comparison
    from tests.cluster.fidelity_replay import Run
    from tests.cluster.fidelity_report import report

    sys.stdout.write(report(Comparison.of([Run.read(run.parent) for run in runs])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
