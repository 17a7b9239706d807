"""Settings of the test run: a data folder of its own, and the people of the permission tests."""

from __future__ import annotations

import os
import tempfile

import pytest

# Read by tracker.settings at import, so it must stand before Django is set up.
os.environ["QUEUECAST_DATA_DIR"] = tempfile.mkdtemp(prefix="queuecast-test-")
os.environ.setdefault("SECRET_KEY", "of-the-tests-only-" + "x" * 40)


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    # Hashed file names need collectstatic; pages under test only need the plain ones.
    settings.STORAGES["staticfiles"]["BACKEND"] = (
        "django.contrib.staticfiles.storage.StaticFilesStorage"
    )
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def people(db: None) -> People:
    return make_people()


from tests.factories import People, make_people  # noqa: E402
