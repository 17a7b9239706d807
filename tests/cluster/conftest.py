"""One real Slurm for the tests of this folder."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import services
from tests.cluster.configuration import Ports
from tests.cluster.lab import Lab


@pytest.fixture(scope="package")
def shared_lab() -> Iterator[Lab]:
    with booted() as lab:
        yield lab


@pytest.fixture(scope="module")
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """Whose queue is empty: what a file leaves behind is cancelled."""
    yield shared_lab
    shared_lab.empty()


@contextmanager
def booted() -> Iterator[Lab]:
    """One of its own, ended with all its jobs."""
    if os.geteuid() != 0:
        pytest.skip("a real Slurm needs root: its daemons run as several users")
    with services.folder("queuecast-slurm-") as folder:
        folder.chmod(0o755)  # the daemons run as four different users
        lab = Lab(folder / "lab", free_ports())
        try:
            lab.boot()
            yield lab
        finally:
            lab.halt()


def free_ports(count: int = 40) -> Ports:
    """A base below the ephemeral ports with ``count`` free ports behind it."""
    for base in random.sample(range(12_000, 30_000, 50), 100):
        if not any(services.answers(base + offset) for offset in range(count)):
            return Ports(base)
    raise RuntimeError("no free range of ports for a test cluster")
