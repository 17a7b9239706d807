"""How a cluster is reached: to ask it, as the service; to act on it, as one of its users."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from tracker.models import Cluster
from tracker.slurm.capture import read_capture
from tracker.slurm.commands import COMMANDS, FORMAT_ENV
from tracker.slurm.door import FORMATS, CommandDoor, Door
from tracker.slurm.errors import SlurmRefused
from tracker.slurm.rest import RestTransport
from tracker.slurm.transports import LocalTransport, SshTransport, Transport

NEVER = frozenset({"root", "slurm"})  # nobody acts as these, whatever a row says


def asking(cluster: Cluster) -> Transport:
    """Raises SlurmError where a capture folder or a token cannot be read."""
    match cluster.transport:
        case Cluster.Transport.CAPTURE:
            return read_capture(Path(cluster.location)).transport
        case Cluster.Transport.SSH:
            return _ssh(cluster, cluster.service_user or getpass.getuser())
        case Cluster.Transport.SLURMRESTD:
            return _rest(cluster, cluster.service_user or getpass.getuser())
    return LocalTransport(path=cluster.location or None)


def offers(cluster: Cluster, command: str) -> bool:
    """Whether this way to the cluster can answer the command at all."""
    match cluster.transport:
        case Cluster.Transport.SLURMRESTD:
            return RestTransport.offers(command)
        case Cluster.Transport.CAPTURE:
            return command in COMMANDS
    return True


def acting(cluster: Cluster, unix_name: str) -> Door:
    """Raises SlurmRefused where nobody may act as this user there."""
    if why := why_closed(cluster, unix_name):
        raise SlurmRefused(why)
    match cluster.submit_as:
        case Cluster.SubmitAs.SSH:
            return CommandDoor(_ssh(cluster, unix_name, FORMATS))
        case Cluster.SubmitAs.SLURMRESTD:
            return _rest(cluster, unix_name)
        case Cluster.SubmitAs.SUDO:
            return CommandDoor(_local(cluster, as_user=unix_name))
    return CommandDoor(_local(cluster))


def showing(cluster: Cluster) -> Door:
    """For looking at one job, as the service itself."""
    user = cluster.service_user or getpass.getuser()
    match cluster.transport:
        case Cluster.Transport.SSH:
            return CommandDoor(_ssh(cluster, user, FORMATS))
        case Cluster.Transport.SLURMRESTD:
            return _rest(cluster, user)
    return CommandDoor(_local(cluster))


def why_closed(cluster: Cluster, unix_name: str | None) -> str:
    """Why nothing can be submitted or cancelled there as this user; empty where it can."""
    service, is_real = getpass.getuser(), not cluster.is_demo
    is_other = cluster.submit_as == Cluster.SubmitAs.SELF and unix_name != service
    reasons = (
        (
            cluster.submit_as == Cluster.SubmitAs.NOBODY,
            f"{cluster} is only read: its staff have not opened it for submitting.",
        ),
        (
            unix_name is None,
            f"Nobody has said who you are on {cluster}: ask staff to add your unix name.",
        ),
        (
            cluster.polling_paused,
            f"Polling of {cluster} is paused by its staff, so nobody would follow the job.",
        ),
        (
            unix_name in NEVER and is_real,
            f"You are {unix_name} on {cluster}, and jobs are never submitted as {unix_name}.",
        ),
        (
            is_other and is_real,
            f"Jobs on {cluster} run as {service}, the service's own user; you are {unix_name}.",
        ),
    )
    return next((why for holds, why in reasons if holds), "")


def _local(cluster: Cluster, as_user: str | None = None) -> LocalTransport:
    return LocalTransport(path=cluster.location or None, as_user=as_user, formats=FORMATS)


def _ssh(cluster: Cluster, user: str, formats: Mapping[str, str] = FORMAT_ENV) -> SshTransport:
    sockets = Path(settings.DATA_DIR) / "ssh"
    sockets.mkdir(mode=0o700, exist_ok=True)
    return SshTransport(
        cluster.ssh_host,
        user=user,
        sockets=str(sockets),
        path=cluster.location or None,
        config=settings.SSH_CONFIG or None,
        formats=formats,
    )


def _rest(cluster: Cluster, user: str) -> RestTransport:
    if not cluster.rest_url:
        raise SlurmRefused(f"{cluster} names no address of slurmrestd: give one in the admin")
    path = Path(settings.JWT_DIR) / cluster.name / user
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return _rest_of(cluster.rest_url, user, path, hour)


@lru_cache(maxsize=256)
def _rest_of(url: str, user: str, token_path: Path, _hour: datetime) -> RestTransport:
    """Kept, since it has asked which version is spoken there; for an hour, since that changes."""
    return RestTransport(url, user, lambda: _jwt(token_path, user))


def _jwt(path: Path, user: str) -> str:
    """The user's own token, as the site's cron keeps it there; SlurmRefused tells what is amiss."""
    try:
        token = path.read_text().strip()
    except OSError as error:
        raise SlurmRefused(
            f"the JWT of {user} cannot be read from {path} ({error.strerror}); write it there with "
            f"scontrol token username={user}"
        ) from None
    return token.removeprefix("SLURM_JWT=")
