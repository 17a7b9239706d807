"""What a worker remembers from one question to the next is no other test's."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def nothing_kept_from_other_tests() -> Iterator[None]:
    """Primary keys and recorded times are the same in every test."""
    if grounds := sys.modules.get("planner.asking.grounds"):
        grounds.forget()
    yield
