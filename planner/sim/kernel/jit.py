"""numba's decorator with types that the checker understands, in two kinds."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar, cast

import numba

_HERE = Path(__file__).parent
_SOURCES = b"".join(file.read_bytes() for file in sorted(_HERE.glob("*.py")))
# numba looks at the file of a function and not at those of the functions it calls: after a change
# of one of them it would go on with machine code of old. So each state of the sources has a folder.
numba.config.CACHE_DIR = str(  # type: ignore[attr-defined]
    _HERE / "__pycache__" / f"compiled-{blake2b(_SOURCES, digest_size=8).hexdigest()}"
)

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """The function in machine code, kept on disk: compiled once a machine."""
    return _compiled(function, counts=True)


def bare(function: _Function) -> _Function:
    """The same for a function that makes no arrays: references to those that it is given are not
    counted, which took half of a walk. If it answers a tuple of some, only bare ones may call it.
    """
    return _compiled(function, counts=False)


def _compiled(function: _Function, *, counts: bool) -> _Function:
    # Told to both kinds: a function that is told nothing is compiled as the one that calls it.
    decorator = numba.njit(  # type: ignore[call-overload]
        cache=True, error_model="numpy", _nrt=counts
    )
    return cast(_Function, decorator(function))
