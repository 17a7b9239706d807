"""``python -m tests.cluster.scoring FOLDER``: the report on campaigns kept in FOLDER.

Scores them with the model of today, on the same rows as before; no Slurm is needed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django


def main() -> int:
    words = sys.argv[1:]
    campaigns = sorted(Path(words[0]).glob("*/truth")) if len(words) == 1 else []
    if not campaigns:
        sys.stderr.write("usage: python -m tests.cluster.scoring FOLDER, as make prove-3 kept it\n")
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")
    django.setup()
    # The forecasts' module needs models, and these the settings.
    from tests.cluster.record_report import Campaign, report

    sys.stdout.write(report([Campaign.read(truth.parent) for truth in campaigns]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
