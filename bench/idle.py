"""What a running service costs while nobody looks: CPU and memory of its whole process tree.

    python bench/idle.py PID [SECONDS]

PID is that of ``manage.py up``. CPU counts children that came and went (the Slurm commands of the
poller); memory is the proportional set size, so that shared pages count once. Linux only.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The process and all below it."""
    below = [
        int(child)
        for children in Path(f"/proc/{pid}/task").glob("*/children")
        for child in children.read_text().split()
    ]
    return [pid, *(found for child in below for found in tree(child))]


def cpu_s(pid: int) -> float:
    """User and system time of the process and of the children it has waited for."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(ticks) for ticks in after_name[11:15]) / TICKS_PER_S


def pss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def command_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return " ".join(word.rpartition("/")[2] for word in words)[:60]


def main() -> int:
    if len(sys.argv) < 2 or not sys.argv[1].isdigit():
        sys.stderr.write("usage: python bench/idle.py PID [SECONDS]\n")
        return 2
    root, seconds = int(sys.argv[1]), float(sys.argv[2] if len(sys.argv) > 2 else 300)
    before_s = {pid: cpu_s(pid) for pid in tree(root)}
    started = time.monotonic()
    time.sleep(seconds)
    lasted_s = time.monotonic() - started
    rows = [
        (100 * (cpu_s(pid) - before_s.get(pid, 0.0)) / lasted_s, pss_mib(pid), command_of(pid))
        for pid in tree(root)
    ]
    for share, mib, command in rows:
        print(f"{share:6.2f} % of a core {mib:7.1f} MiB  {command}")
    share, mib = sum(row[0] for row in rows), sum(row[1] for row in rows)
    print(f"{share:6.2f} % of a core {mib:7.1f} MiB  in all, over {lasted_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
