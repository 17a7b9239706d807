"""numba's decorator with a type that the checker understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """The function in machine code, kept on disk: compiled once a machine."""
    return cast(_Function, numba.njit(cache=True, error_model="numpy")(function))
