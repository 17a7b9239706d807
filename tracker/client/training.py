"""What a training script calls, and what is done when its process ends."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from functools import lru_cache, partial
from types import FrameType, TracebackType
from typing import Any, Callable, Iterable, Mapping  # noqa: UP035 (Python 3.8)

from tracker.client.beginning import Wish, begin_run
from tracker.client.run import Run
from tracker.client.terminal import tell, tell_once

SIGNAL_WITHIN_S = 5.0  # Slurm sends SIGKILL 30 s after SIGTERM, by default
# The first that is set counts: of torchrun, of Open MPI and others, of srun.
RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")
_RUNS: list[Run] = []  # the present one


def init(
    experiment: int | str | None = None,
    config: Any = None,
    *,
    seed: int | None = None,
    name: str | None = None,
    tags: Mapping[str, str] | Iterable[str] | None = None,
    key: str | None = None,
    run_id: str | None = None,
    cluster: str | None = None,
    all_ranks: bool = False,
) -> Run:
    """Begin the run that log() and the others go to; one before it is finished.

    A requeued job goes on with its run. ``key`` tells apart runs of one job that have the same seed
    and configuration; ``run_id`` goes on with that run. Of many ranks only the first logs, unless
    ``all_ranks``. It never raises, and waits for nobody.
    """
    if _RUNS and _RUNS[-1].is_open:
        _RUNS[-1].finish()
    run = Run(None)
    try:
        ranks = (os.environ[name] for name in RANKS if os.environ.get(name))
        if all_ranks or next(ranks, "0") == "0":
            wish = Wish(experiment, config, seed, name, tags, key, run_id, cluster, not _RUNS)
            run = begin_run(wish, os.environ)
            _watch_for_the_end()
    except Exception as error:
        tell(f"nothing is logged: {error}")
    _RUNS[:] = [run]
    return run


def log(metrics: Mapping[str, Any], step: int | None = None) -> None:
    """Numbers by name. Without a step it is the one after the last."""
    _run().log(metrics, step)


def log_artifact(path: str | os.PathLike[str], kind: str = "artifact") -> None:
    """Tells where a file or folder lies on shared storage."""
    _run().log_artifact(path, kind)


def finish(status: str = "COMPLETED", exit_code: int | None = 0) -> None:
    """The run's last word. Waits some seconds for what is not delivered yet."""
    _run().finish(status, exit_code)


def _run() -> Run:
    if not _RUNS:
        tell_once("init", "call init() before log(): nothing is logged")
        return Run(None)
    return _RUNS[-1]


@lru_cache(maxsize=1)  # once in a process
def _watch_for_the_end() -> None:
    atexit.register(_at_exit)
    sys.excepthook = partial(_on_exception, sys.excepthook)
    if threading.current_thread() is threading.main_thread():  # no other may set handlers
        for number in (signal.SIGTERM, signal.SIGUSR1):
            previous = signal.getsignal(number)
            if previous not in (None, signal.SIG_IGN):
                signal.signal(number, partial(_on_signal, previous))


def _at_exit() -> None:
    for run in _RUNS:
        run.end()


def _on_exception(
    previous: Callable[..., object],
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    with suppress(Exception):  # of its own text, for example
        for run in _RUNS:
            run.fail(kind, error)
    previous(kind, error, trace)


def _on_signal(previous: Any, number: int, frame: FrameType | None) -> None:
    """Deliver what there is, and then let happen what would have happened."""
    if callable(previous):
        for run in _RUNS:
            run.flush(SIGNAL_WITHIN_S)
        previous(number, frame)
        return
    for run in _RUNS:
        run.interrupt(signal.Signals(number).name, SIGNAL_WITHIN_S)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
