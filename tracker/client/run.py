"""The run that a training logs to."""

from __future__ import annotations

import os
import time
from typing import Any, Mapping  # noqa: UP035 (Python 3.8)

from tracker.client.recorder import Recorder
from tracker.client.terminal import tell, tell_once
from tracker.client.values import Logged, is_metric_name, json_value, stored_text

DELIVER_WITHIN_S = 10.0
MESSAGE_CHARS = 2_000


class Run:
    """Nothing of it raises. Without a recorder nothing is kept: the run of another rank than the
    first, or one that could not be begun."""

    def __init__(self, recorder: Recorder | None, *, in_job: bool = False) -> None:
        self._recorder, self._in_job = recorder, in_job
        self._pid = os.getpid()
        self._step = -1
        self._names: set[str] = set()
        self._is_closed = False
        self._id: str | None = None
        self._failure: dict[str, Any] | None = None

    @property
    def id(self) -> str | None:
        """32 hex digits; None until the service has told them."""
        if self._recorder:
            self._id = self._recorder.run_id or None
        return self._id

    @property
    def is_open(self) -> bool:
        return self._recorder is not None and self._pid == os.getpid()

    def log(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Numbers by name. Without a step it is the one after the last."""
        recorder = self._heard_by()
        if recorder is None:
            return
        try:
            self._step = self._step + 1 if step is None else int(step)
            values = self._numbers(metrics)
            recorder.put(Logged(round(time.time(), 6), self._step, values))
        except Exception as error:
            tell_once(f"log: {error!r}", f"log({metrics!r:.100}, {step!r:.40}): {error}")

    def log_artifact(self, path: str | os.PathLike[str], kind: str = "artifact") -> None:
        """Tells where a file or folder lies on shared storage: ``kind`` is artifact, checkpoint,
        log or tensorboard. Nothing is copied."""
        try:
            told = stored_text(os.path.abspath(os.fspath(path)))  # noqa: PTH100 (links stay)
            self._say("artifact", {"kind": str(kind), "path": told})
        except Exception as error:
            tell_once(f"artifact: {error!r}", f"log_artifact({path!r}) is not kept: {error}")

    def flush(self, within_s: float = DELIVER_WITHIN_S) -> bool:
        """Whether the service has acknowledged all that was logged."""
        recorder = self._heard_by()
        return recorder is not None and recorder.flush(within_s)

    def finish(self, status: str = "COMPLETED", exit_code: int | None = 0) -> None:
        """The run's last word. Waits some seconds for what is not delivered yet."""
        if self.is_open:
            self._say("status", {"status": str(status), "exit_code": json_value(exit_code)})
        self.close()

    def fail(self, kind: type[BaseException], error: BaseException | None) -> None:
        """Remember the exception that ends the process, to be the run's last word."""
        message = stored_text(f"{kind.__name__}: {error}")[:MESSAGE_CHARS]
        is_interrupt = issubclass(kind, KeyboardInterrupt)
        status, exit_code = ("CANCELLED", 130) if is_interrupt else ("FAILED", 1)
        self._failure = {"status": status, "exit_code": exit_code, "message": message}

    def end(self) -> None:
        """The process ends without finish(). In a job, Slurm tells how; elsewhere nobody would."""
        if not self.is_open:
            return
        if self._failure or not self._in_job:
            self._say("status", self._failure or {"status": "COMPLETED"})
        self.close()

    def interrupt(self, word: str, within_s: float) -> None:
        """A signal ends the process."""
        if self.is_open and not self._in_job:
            self._say("status", {"status": "CANCELLED", "message": f"ended by {word}"})
        self.close(within_s)

    def close(self, within_s: float = DELIVER_WITHIN_S) -> None:
        """Without a word about its end."""
        if not self.is_open or self._recorder is None:
            return
        recorder, self._recorder, self._is_closed = self._recorder, None, True
        recorder.flush(within_s)
        self._id = recorder.run_id or None
        if left := recorder.close():
            tell(f"not all is delivered; send it later: python3 queuecast.py sync {left[0].parent}")

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, _trace: object) -> None:
        if kind is SystemExit and error.code not in (None, 0):
            self.finish("FAILED", error.code if isinstance(error.code, int) else 1)
        elif kind is None or kind is SystemExit:
            self.finish()
        else:
            self.fail(kind, error)
            self.end()

    def _heard_by(self) -> Recorder | None:
        """None in a forked child: the threads and what they send stay with the parent."""
        if self._is_closed:
            tell_once("closed", "the run is finished: what is logged to it now is not kept")
        elif self._recorder and not self.is_open:
            tell_once("fork", "only the process that called init() logs, not its children")
        return self._recorder if self.is_open else None

    def _say(self, what: str, words: Mapping[str, Any]) -> None:
        if recorder := self._heard_by():
            recorder.put({what: words})

    def _numbers(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        """Those that are numbers; the first of each name that is none is told."""
        numbers = {}
        for name, value in metrics.items():
            try:
                if name not in self._names:
                    self._check(name)
                numbers[name] = float(value)
            except Exception as error:
                tell_once(f"metric {name!r:.100}", f"metric {name!r:.100} is not kept: {error}")
        return numbers

    def _check(self, name: object) -> None:
        if not is_metric_name(name):
            raise ValueError("give it a name of 1 to 250 characters")
        self._names.add(str(name))
