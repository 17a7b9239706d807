from __future__ import annotations

from pathlib import Path

import pytest

from tracker.checks import data_folder_is_local, file_system_of, public_url_is_named

MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb1 /home/local ext4 rw 0 0
short
tmpfs /mnt/with\\040space tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/queuecast", "ext4"),
        ("/home/alice/var", "nfs4"),
        ("/homes/alice", "ext4"),
        ("/home/local/var", "ext4"),
        ("/mnt/with space/var", "tmpfs"),
    ],
)
def test_the_longest_mount_point_decides(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind


def test_a_path_outside_every_mount_is_of_no_known_kind() -> None:
    assert file_system_of(Path("/data"), "server:/home /home nfs4 rw 0 0") is None


def test_the_data_folder_of_the_tests_is_on_a_local_disk() -> None:
    assert data_folder_is_local(None) == []


def test_a_database_server_frees_the_data_folder(settings) -> None:
    settings.DATABASE_URL = "postgres://db/queuecast"
    settings.DATA_DIR = Path("/home/alice")
    assert data_folder_is_local(None) == []


def test_a_deployment_without_a_public_address_is_warned(settings) -> None:
    settings.PUBLIC_URL = ""
    assert [message.id for message in public_url_is_named(None)] == ["queuecast.W001"]
    settings.PUBLIC_URL = "https://queuecast.example.org"
    assert public_url_is_named(None) == []
