"""Python's search for garbage in cycles, put off while what is made stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """A replica makes hundreds of thousands of objects that all live as long as it does: to walk
    them time and again took a tenth of its time. What it leaves behind is found once, after it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
