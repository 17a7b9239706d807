"""The OpenAPI schema: served, valid, and the committed copy up to date."""

from pathlib import Path

import pytest
from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

COMMITTED = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"


@pytest.fixture
def schema() -> dict:
    GENERATOR_STATS.reset()
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_schema_is_valid_and_leaves_nothing_to_guess(schema):
    validate_schema(schema)
    assert not GENERATOR_STATS


def test_the_committed_copy_is_the_schema_that_is_served(schema):
    text = OpenApiYamlRenderer().render(schema, renderer_context={}).decode()
    assert COMMITTED.read_text() == text, "manage.py spectacular --file docs/openapi.yaml"
