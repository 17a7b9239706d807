"""What any test may ask for: the people of the permission tests, and request rates at zero."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import caches

from tests.factories import People, make_people


@pytest.fixture
def people(db: None) -> People:
    return make_people()


@pytest.fixture(autouse=True)
def no_rates_from_other_tests() -> Iterator[None]:
    """Request rates are counted by primary key, and keys are the same in every test."""
    for cache in caches.all():
        cache.clear()
    yield
