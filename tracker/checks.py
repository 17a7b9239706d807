"""Django system checks: misconfiguration is told at start, with the cure."""

from __future__ import annotations

from pathlib import Path

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "lustre", "cifs", "smb3", "beegfs", "gpfs", "ceph", "afs"}


def file_system_of(path: Path, mounts: str) -> str | None:
    """Type of the file system that holds ``path``, from the text of /proc/mounts."""
    best: tuple[int, str | None] = (-1, None)
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        mount_point = fields[1].replace("\\040", " ")
        if path.is_relative_to(mount_point):
            best = max(best, (len(mount_point), fields[2]), key=lambda pair: pair[0])
    return best[1]


@register
def data_folder_is_local(
    app_configs: list[AppConfig] | None,  # noqa: ARG001 (Django's signature)
    **kwargs: object,  # noqa: ARG001
) -> list[CheckMessage]:
    mounts = Path("/proc/mounts")
    if settings.DATABASE_URL or not mounts.exists():
        return []
    kind = file_system_of(settings.DATA_DIR, mounts.read_text())
    if kind not in NETWORK_FILE_SYSTEMS:
        return []
    return [
        Error(
            f"The data folder {settings.DATA_DIR} is on a network file system ({kind}).",
            hint="SQLite's write-ahead log needs a local disk: give --data-dir on one, "
            "or set DATABASE_URL to a PostgreSQL server.",
            id="queuecast.E001",
        )
    ]


@register(deploy=True)
def public_url_is_named(
    app_configs: list[AppConfig] | None,  # noqa: ARG001
    **kwargs: object,  # noqa: ARG001
) -> list[CheckMessage]:
    if settings.PUBLIC_URL:
        return []
    return [
        Warning(
            "QUEUECAST_PUBLIC_URL is not set: jobs would be told a loopback address.",
            hint="Set it to the address that compute nodes and browsers use.",
            id="queuecast.W001",
        )
    ]
