"""An experiment that can be started, and a Slurm that takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import make_cluster, make_experiment
from tests.tracker.fake_slurm import FakeSlurm
from tests.tracker.starting.start import SCRIPT
from tracker.models import Cluster, ClusterAccount, Experiment


@pytest.fixture
def slurm(tmp_path: Path) -> FakeSlurm:
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = FakeSlurm(folder)
    fake.write("sbatch", "/usr/bin/env > $0.env", "/bin/cat > $0.stdin", "echo 828")
    return fake


@pytest.fixture
def cluster(slurm: FakeSlurm, tmp_path: Path, people) -> Cluster:
    """A demo's: it may be asked by root and told a loopback address, and is a Slurm else."""
    cluster = make_cluster(
        is_demo=True, location=str(slurm.folder), submit_as="self", work_dir=str(tmp_path / "home")
    )
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="qc-alice")
    return cluster


@pytest.fixture
def experiment(people) -> Experiment:
    return make_experiment(people.alice, name="vit", batch_script=SCRIPT)
