"""Starts of a batch of replicas as bytes of a row: exact, and small for a minute's life."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

import numpy as np

from planner.ensemble import Starts

_QUICK = 1  # level of zlib: level 6 takes four times as long to save a fifth


def pack(starts: Starts) -> bytes:
    """Keys must be strings, as those of a snapshot's jobs are."""
    keys = json.dumps(starts.keys).encode()
    times = np.stack([starts.start_s, starts.end_s]).astype("<f8")
    return zlib.compress(len(keys).to_bytes(4, "little") + keys + times.tobytes(), _QUICK)


def unpack(packed: bytes) -> Starts:
    """The inverse of ``pack``."""
    raw = zlib.decompress(packed)
    size = int.from_bytes(raw[:4], "little")
    keys = tuple(json.loads(raw[4 : 4 + size]))
    times = np.frombuffer(raw, dtype="<f8", offset=4 + size)
    replicas = times.size // (2 * len(keys)) if keys else 0
    start_s, end_s = times.reshape(2, replicas, len(keys))
    return Starts(keys, start_s, end_s)


def of_same_jobs(batches: Sequence[Starts]) -> list[Starts]:
    """The first of them, and those that speak of its jobs.

    A poll that had been answered but was not stored yet when the first batch was begun makes the
    others speak of another queue.
    """
    return [starts for starts in batches if starts.keys == batches[0].keys]
