"""``manage.py demo_cluster``: what the service learns of the demo, and how its server ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from planner.management.commands.demo_cluster import EXAMPLE, announce, introduce
from tests.tracker.processes import children
from tracker.models import Cluster, ClusterAccount, Experiment, Run


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("admin")


def test_the_first_start_makes_cluster_account_and_example(admin: User, tmp_path: Path) -> None:
    introduce(tmp_path / "bin", tmp_path / "home", "ada")
    cluster = Cluster.objects.get(name="demo")
    assert (cluster.is_demo, cluster.location) == (True, str(tmp_path / "bin"))
    assert ClusterAccount.objects.get(user=admin, cluster=cluster).unix_name == "ada"
    experiment = Experiment.objects.get(name=EXAMPLE)
    assert experiment.owner == admin
    assert f'export PATH="{tmp_path / "bin"}:$PATH"' in experiment.description
    assert f"cd {tmp_path / 'home'}" in experiment.description
    assert experiment.requests.get().partition == "debug"
    runs = Run.objects.filter(experiment=experiment)
    assert [run.status for run in runs] == ["COMPLETED", "COMPLETED"]
    assert {series.count for run in runs for series in run.series.all()} == {60}


def test_while_the_demo_is_made_pages_say_so_and_nobody_asks_it(
    admin: User, tmp_path: Path, client: Client
) -> None:
    client.force_login(admin)
    announce()
    assert Cluster.objects.get().polling_paused
    assert "lives through its first weeks" in client.get("/").text
    for path in ("/clusters/demo", "/plan"):
        page = client.get(path).text
        assert "The demo cluster is being made" in page
        assert "have paused" not in page
    introduce(tmp_path / "bin", tmp_path / "home", "ada")
    assert not Cluster.objects.get().polling_paused
    assert "lives through its first weeks" not in client.get("/").text
    assert Experiment.objects.filter(name=EXAMPLE).exists()


def test_a_later_start_changes_only_where_the_commands_are(admin: User, tmp_path: Path) -> None:
    introduce(tmp_path / "old", tmp_path / "home", "ada")
    Experiment.objects.all().delete()
    introduce(tmp_path / "new", tmp_path / "home", "ada")
    assert Cluster.objects.get().location == str(tmp_path / "new")
    assert not Experiment.objects.exists()


def test_the_example_script_is_accepted_by_the_demos_sbatch(admin: User, tmp_path: Path) -> None:
    from tests.planner.demo import DemoCluster

    introduce(tmp_path / "bin", tmp_path / "home", "ada")
    demo = DemoCluster(tmp_path)
    said = demo.ask("sbatch", "--hold", stdin=Experiment.objects.get().batch_script)
    assert said.stdout.startswith("Submitted batch job ")
    demo.controller.stop()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    environment = os.environ | {"QUEUECAST_DATA_DIR": str(tmp_path)}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, timeout=120)
    return tmp_path


@pytest.fixture
def process(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"QUEUECAST_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "manage.py", "demo_cluster", "--history-days", "1"]
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True
    ) as started:
        yield started
        started.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_its_scripts_cleanly(
    process: subprocess.Popen[str], data_dir: Path, number: signal.Signals
) -> None:
    assert process.stdout is not None
    assert "its commands are in" in process.stdout.readline()
    folder = data_dir / "demo"
    said = subprocess.run(
        [folder / "bin" / "squeue", "-h"], capture_output=True, text=True, check=True, timeout=30
    )
    assert said.stdout
    process.send_signal(number)
    assert process.wait(10) == 0
    assert not (folder / "slurm.sock").exists()


def test_the_server_keeps_nothing_of_the_days_that_were_lived_through(
    process: subprocess.Popen[str],
) -> None:
    """Nor the compiled search, which only time in a hurry asks for."""
    pytest.importorskip("numba")
    assert process.stdout is not None
    assert "its commands are in" in process.stdout.readline()
    assert children(process.pid) == []
    assert "llvmlite" not in Path(f"/proc/{process.pid}/maps").read_text()
