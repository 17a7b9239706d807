"""The tracker's tests run on a database file of their own: threads lock it as in production."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections

# Two test runs at once must not meet in one folder.
FOLDER = Path(tempfile.mkdtemp(prefix="queuecast-tracker-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
if connections["default"].vendor == "sqlite":
    connections["default"].settings_dict["TEST"]["NAME"] = FOLDER / "test.sqlite3"
if "FileBased" in settings.CACHES["default"]["BACKEND"]:
    settings.CACHES["default"]["LOCATION"] = FOLDER / "cache"
# WhiteNoise warns where collectstatic has not made it, and warnings are errors.
settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture(autouse=True)
def no_rates_from_other_tests() -> Iterator[None]:
    """Request rates are counted by primary key, and keys are the same in every test."""
    cache.clear()
    yield
