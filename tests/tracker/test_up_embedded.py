"""What ``up`` decides before anything runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.factories import make_cluster
from tests.tracker.fake_slurm import FakeSlurm
from tracker import embedded
from tracker.models import Cluster, ClusterAccount, Token
from tracker.slurm.errors import SlurmError

ROOT = Path(__file__).resolve().parents[2]


def test_the_service_gets_every_documented_setting_and_nothing_else_of_the_shell() -> None:
    table = re.findall(r"^\| (`.+?`) \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    documented = {name for cell in table for name in re.findall(r"`(\w+)`", cell)}
    shell = dict.fromkeys(documented, "x") | {"AWS_SECRET_ACCESS_KEY": "x", "PATH": "/bin"}
    passed = embedded.service_environment(
        shell, host="127.0.0.1", port=9000, public_url="http://127.0.0.1:9000"
    )
    assert len(documented) > 15 and passed.keys() >= documented | {"PATH"}
    assert "AWS_SECRET_ACCESS_KEY" not in passed
    assert passed["QUEUECAST_PORT"] == "9000"


LOADED = """
import sys
from tracker.celery import app
app.loader.import_default_modules()
print(*sys.modules)
"""


def test_workers_and_beat_load_no_view_nor_what_computes(tmp_path: Path) -> None:
    environment = embedded.service_environment(
        os.environ, host="127.0.0.1", port=9000, public_url="http://127.0.0.1:9000"
    )
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=ROOT,
        env=environment | {"QUEUECAST_DATA_DIR": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = set(done.stdout.split())
    assert {"tracker.tasks", "planner.tasks"} <= loaded
    assert not {"tracker.urls", "tracker.views", "tracker.api.urls", "numpy", "scipy"} & loaded


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("login1", False),
    ],
)
def test_loopback_addresses_are_known(host: str, expected: bool) -> None:
    assert embedded.is_loopback(host) is expected


def test_the_public_address_is_as_given_or_guessed() -> None:
    given = embedded.public_url("0.0.0.0", 8000, "https://queuecast.example.org/")  # noqa: S104
    assert given == "https://queuecast.example.org"
    assert embedded.public_url("::1", 8000, "") == "http://[::1]:8000"
    assert "0.0.0.0" not in embedded.public_url("0.0.0.0", 8000, "")  # noqa: S104


@pytest.mark.django_db
class TestChoiceOfTheCluster:
    @pytest.fixture(autouse=True)
    def bare_machine(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: object
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        settings.DATABASE_URL = ""  # type: ignore[attr-defined]

    def test_the_demo_is_played_where_nothing_is_real(self) -> None:
        assert embedded.wants_demo("127.0.0.1", asked=False)
        make_cluster("demo", is_demo=True)
        assert embedded.wants_demo("127.0.0.1", asked=False)

    def test_the_demo_needs_a_loopback_address(self) -> None:
        assert not embedded.wants_demo("0.0.0.0", asked=False)  # noqa: S104

    def test_a_real_cluster_or_a_database_server_excludes_the_demo(self, settings) -> None:
        settings.DATABASE_URL = "postgres://db/queuecast"
        assert not embedded.wants_demo("127.0.0.1", asked=False)
        settings.DATABASE_URL = ""
        make_cluster("lab")
        assert not embedded.wants_demo("127.0.0.1", asked=False)
        assert embedded.wants_demo("127.0.0.1", asked=True)

    def test_the_slurm_on_path_is_added_once_and_whoever_starts_is_known_there(
        self, tmp_path: Path
    ) -> None:
        FakeSlurm(tmp_path)
        assert not embedded.wants_demo("127.0.0.1", asked=False)
        admin = embedded.first_admin()
        cluster = embedded.add_local_cluster(admin)
        assert cluster is not None and cluster.name == "lab"
        assert ClusterAccount.objects.get().user == admin
        assert embedded.add_local_cluster(admin) is None
        assert Cluster.objects.count() == 1

    def test_client_packages_without_a_configuration_are_no_slurm(self, tmp_path: Path) -> None:
        slurm = FakeSlurm(tmp_path)
        slurm.fails("scontrol", "scontrol: fatal: Could not establish a configuration source")
        assert embedded.wants_demo("127.0.0.1", asked=False)

    def test_a_controller_that_is_down_is_no_reason_for_a_demo(self, tmp_path: Path) -> None:
        FakeSlurm(tmp_path).fails("scontrol", "scontrol: error: Connection refused")
        assert not embedded.wants_demo("127.0.0.1", asked=False)

    def test_a_slurm_that_does_not_answer_adds_no_cluster(self, tmp_path: Path) -> None:
        FakeSlurm(tmp_path).fails("scontrol", "scontrol: error: Connection refused")
        with pytest.raises(SlurmError, match="Connection refused"):
            embedded.add_local_cluster(embedded.first_admin())
        assert not Cluster.objects.exists()


@pytest.mark.django_db
def test_each_start_prints_a_new_link_and_the_old_one_dies() -> None:
    admin = embedded.first_admin()
    assert embedded.first_admin() == admin == User.objects.get()
    assert not admin.has_usable_password()
    first, second = embedded.sign_in_path(admin), embedded.sign_in_path(admin)
    assert first != second
    assert Token.find(first.partition("token=")[2]) is None
    token = Token.find(second.partition("token=")[2])
    assert token is not None and token.is_live(timezone.now())
    assert token.scope == Token.Scope.SIGNIN


def test_a_folder_is_locked_once(tmp_path: Path) -> None:
    with embedded.lock(tmp_path), pytest.raises(embedded.AlreadyRunsError, match="already runs on"):
        embedded.lock(tmp_path)
    embedded.lock(tmp_path).close()
