"""Output into a pipe whose reader may go, as ``| head`` does."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper


@contextmanager
def reader_may_leave(out: OutputWrapper) -> Iterator[None]:
    """What is written within is for a reader who has seen enough when it closes the pipe."""
    try:
        yield
        out.flush()
    except BrokenPipeError:
        # What Python still flushes at its exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
