"""Where the recordings of a real Slurm 22.05 are; their README tells how they came about."""

from __future__ import annotations

from pathlib import Path

from tests.data.slurm.make_capture import recorded

FOLDER = Path(__file__).parent.parent / "data" / "slurm"
LOADED_CLUSTER = FOLDER / "22.05-capture"  # 22 nodes, 387 jobs in the queue
SMALL_CLUSTER = FOLDER / "22.05-poller"  # 3 nodes, the odd cases


def table(file: str) -> tuple[str, list[str]]:
    """Text below the header line, and the names in it, of a recording with ``|``."""
    header, text = recorded(file).split("\n", 1)
    return text, header.split("|")


__all__ = ["FOLDER", "LOADED_CLUSTER", "SMALL_CLUSTER", "recorded", "table"]
