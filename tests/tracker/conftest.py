"""The tracker's tests run on a database file: threads then lock it as they do in production."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections

if connections["default"].vendor == "sqlite":
    connections["default"].settings_dict["TEST"]["NAME"] = settings.DATA_DIR / "test.sqlite3"


# WhiteNoise warns where collectstatic has not made it, and warnings are errors.
settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture(autouse=True)
def no_rates_from_other_tests() -> Iterator[None]:
    """Request rates are counted by primary key, and keys are the same in every test."""
    cache.clear()
    yield
