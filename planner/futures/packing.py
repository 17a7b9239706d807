"""Futures as bytes of a row: compact, versioned, and nothing but numbers and names in them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.futures.future import Future
from planner.sim.cluster import IntArray
from planner.sim.occupancy import Allocation

VERSION = 1
_QUICK = 1  # level of zlib
_TIMES = ("submit_s", "start_s", "end_s", "limit_s")
_HELD = ("nodes", "cpus", "mem_mib", "gpus")


def pack(futures: Sequence[Future]) -> bytes:
    """Times lose less than a hundredth of a second within a day, a sixteenth within a week; which
    of two comes first they keep."""
    told = [[f.replica, f.horizon_s, f.known_until_s, f.keys, f.names] for f in futures]
    head = json.dumps({"version": VERSION, "futures": told}).encode()
    arrays: dict[str, Any] = {"head": np.frombuffer(head, dtype=np.uint8)}
    for place, future in enumerate(futures):
        arrays |= {f"{place}.{name}": array for name, array in _arrays(future).items()}
    stored = BytesIO()
    np.savez(stored, **arrays)
    return zlib.compress(stored.getvalue(), _QUICK)


def unpack(data: bytes) -> list[Future]:
    """The inverse of ``pack``. ValueError on bytes of another version."""
    with np.load(BytesIO(zlib.decompress(data)), allow_pickle=False) as stored:
        head = json.loads(stored["head"].tobytes())
        if head["version"] != VERSION:
            raise ValueError(
                f"these futures are of version {head['version']}, not {VERSION}; forecast anew"
            )
        return [_future(place, told, stored) for place, told in enumerate(head["futures"])]


def _arrays(future: Future) -> dict[str, NDArray[Any]]:
    sizes = np.bincount(future.row_of, minlength=len(future))
    return {
        **{name: getattr(future, name).astype("<f4") for name in _TIMES},
        "priority": future.priority,
        "for_nodes": future.for_nodes,
        "names_of": _small(future.names_of),
        "sizes": _small(sizes),
        **{name: _small(getattr(future.held, name)) for name in _HELD},
    }


def _small(counts: IntArray) -> NDArray[Any]:
    """In the fewest bytes that hold the largest."""
    return counts.astype(np.min_scalar_type(counts.max(initial=0)))


def _future(place: int, told: Sequence[Any], stored: Mapping[str, NDArray[Any]]) -> Future:
    def counts(name: str) -> IntArray:
        return stored[f"{place}.{name}"].astype(np.int64)

    replica, horizon_s, known_until_s, keys, names = told
    times = {name: stored[f"{place}.{name}"].astype(np.float64) for name in (*_TIMES, "priority")}
    sizes = counts("sizes")
    return Future(
        replica=replica,
        horizon_s=horizon_s,
        known_until_s=known_until_s,
        keys=tuple(keys),
        names=tuple(names),
        names_of=counts("names_of"),
        **times,
        for_nodes=stored[f"{place}.for_nodes"],
        row_of=np.repeat(np.arange(len(sizes)), sizes),
        held=Allocation(*(counts(name) for name in _HELD)),
    )
