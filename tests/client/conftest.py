"""A node, and a service at its edge that does as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.node import Node
from tests.client.service import Service, serving


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    with serving(service):
        yield service


@pytest.fixture
def node(tmp_path: Path, service: Service) -> Node:
    return Node(tmp_path, {"TRACKER_API": service.address, "EXPERIMENT_ID": "7"})
