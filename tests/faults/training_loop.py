"""A training loop of 50 ms steps, run beside ``queuecast.py``: ``training_loop.py logging|plain``.

A number on standard input is how many steps to take; the answer is the seconds that it took, of
the clock and of this process's CPU. ``flush`` is answered by the run's id once all is delivered.
The end of input ends the training.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

WAITS_S = 0.045  # for the GPU; the rest is Python's own work
ADDS = 150_000


def trained(steps: range, log: Callable[[int], None]) -> str:
    started_s, cpu_s = time.perf_counter(), time.process_time()
    for step in steps:
        time.sleep(WAITS_S)
        sum(range(ADDS))
        log(step)
    return f"{time.perf_counter() - started_s} {time.process_time() - cpu_s}"


def main() -> None:
    run, step = None, 0
    if sys.argv[1] == "logging":
        import queuecast

        run = queuecast.init(config={"lr": 0.1}, seed=1)

    def log(step: int) -> None:
        if run:
            queuecast.log({"loss": 1 / (1 + step), "accuracy": 1 - 1 / (2 + step)}, step=step)

    for line in sys.stdin:
        if line.strip() == "flush":
            answer = run.id if run.flush(within_s=300) else "not delivered"
        else:
            steps = range(step, step + int(line))
            answer, step = trained(steps, log), steps.stop
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


main()
