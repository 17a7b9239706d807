"""The embedded service: what ``manage.py up`` prepares, and the programs that it runs."""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from tracker.env import is_loopback
from tracker.models import Cluster, ClusterAccount, Token
from tracker.reach import NEVER
from tracker.slurm.client import Slurm
from tracker.slurm.errors import SlurmError
from tracker.slurm.transports import LocalTransport
from tracker.supervisor import Program

SIGN_IN_LIFETIME = timedelta(days=1)
UNCONFIGURED = "Could not establish a configuration source"  # how scontrol ends without slurm.conf
# What the service may know of the shell that `up` was started in: where to find programs and
# Slurm, how to open a browser, and our settings.
INHERITED = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "SLURM_CONF", "VIRTUAL_ENV"}
    | {"DATABASE_URL", "BROKER_URL", "SECRET_KEY", "SECRET_KEY_FILE", "ALLOWED_HOSTS", "DEBUG"}
    | {"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"}
    | {"LOG_LEVEL", "TRUST_FORWARDED_PROTO", "WEBHOOK_TRUSTED_NETS", "FORECAST_S"}
    | {"ESTIMATE_KEEP_DAYS", "DELETED_RUN_KEEP_DAYS", "EMAIL_URL", "EMAIL_FROM"}
)
INHERITED_PREFIXES = ("QUEUECAST_", "POLL_", "LC_", "PG")


class AlreadyRunsError(Exception):
    """Another ``up`` holds the data folder."""


def lock(data_dir: Path) -> IO[str]:
    """The lock on a data folder, held as long as the file stays open; raises AlreadyRunsError."""
    file = (data_dir / "up.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        file.close()
        raise AlreadyRunsError(
            f"Queuecast already runs on {data_dir} (process {pid}); "
            "end that one, or give another folder with --data-dir"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def prepare_files(data_dir: Path) -> None:
    for folder in ("broker/messages", "broker/control", "cache"):
        (data_dir / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    call_command("migrate", interactive=False, verbosity=0)
    _collect_static(data_dir / "static.sources")


def _collect_static(stamp: Path) -> None:
    """Copy and compress the static files, unless none has changed since they were last copied."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            source = Path(storage.path(path))
            facts = source.stat()
            digest.update(f"{source} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    sources = digest.hexdigest()
    if stamp.exists() and stamp.read_text() == sources and Path(settings.STATIC_ROOT).exists():
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(sources)


def first_admin() -> User:
    """Whom the printed link signs in: the oldest administrator, made at the first start."""
    admin = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    return admin or User.objects.create_superuser("admin")


def sign_in_path(admin: User) -> str:
    """Good once, for a day. Links printed by earlier starts die."""
    Token.objects.filter(user=admin, scope=Token.Scope.SIGNIN).delete()
    _, secret = Token.issue(user=admin, scope=Token.Scope.SIGNIN, lifetime=SIGN_IN_LIFETIME)
    return f"/signin?token={secret}"


def has_slurm() -> bool:
    """Whether Slurm is on PATH and configured: bare client packages belong to no cluster."""
    if shutil.which("scontrol") is None:
        return False
    try:
        Slurm(LocalTransport()).config()
    except SlurmError as error:
        return UNCONFIGURED not in str(error)
    return True


def wants_demo(host: str, *, asked: bool) -> bool:
    """Only where there is nothing real to confuse it with, unless asked for."""
    return asked or (
        not settings.DATABASE_URL
        and not Cluster.objects.filter(is_demo=False).exists()
        and is_loopback(host)
        and not has_slurm()
    )


def add_local_cluster(admin: User) -> Cluster | None:
    """The cluster of the Slurm on PATH, where none is known yet; raises SlurmError.

    Whoever starts the service on it is that user there too.
    """
    if shutil.which("scontrol") is None or Cluster.objects.filter(is_demo=False).exists():
        return None
    config = Slurm(LocalTransport()).config()
    name, home = getpass.getuser(), str(Path.home())
    cluster = Cluster.objects.create(
        name=config.cluster_name,
        submit_as=Cluster.SubmitAs.NOBODY if name in NEVER else Cluster.SubmitAs.SELF,
        work_dir=home,
        log_roots=[home],
    )
    ClusterAccount.objects.create(user=admin, cluster=cluster, unix_name=name)
    return cluster


def service_environment(
    environment: Mapping[str, str], *, host: str, port: int, public_url: str
) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environment.items()
        if name in INHERITED or name.startswith(INHERITED_PREFIXES)
    }
    return kept | {
        "DJANGO_SETTINGS_MODULE": "tracker.settings",
        "PYTHONUNBUFFERED": "1",
        # `up` has checked all; a worker would load every view for it, and keep 35 MiB of them.
        "CELERY_SKIP_CHECKS": "1",
        "QUEUECAST_DATA_DIR": str(settings.DATA_DIR),
        "QUEUECAST_BIND_HOST": host,
        "QUEUECAST_PORT": str(port),
        "QUEUECAST_PUBLIC_URL": public_url,
    }


def public_url(host: str, port: int, given: str) -> str:
    """The address that jobs and browsers use: as given, else guessed from the bind address."""
    if given:
        return given.rstrip("/")
    name = host if is_loopback(host) else socket.gethostname()
    return f"http://{_bracketed(name)}:{port}"


def programs(host: str, port: int, *, demo: bool) -> list[Program]:
    data_dir = Path(settings.DATA_DIR)
    pid_file = data_dir / "beat.pid"
    python = (sys.executable, "-m")
    celery = (*python, "celery", "-q", "-A", "tracker.celery")
    manage = (sys.executable, "manage.py")
    # No access log: request lines carry one-time tokens, and a proxy writes better ones.
    web = [*python, "gunicorn", "tracker.wsgi", "--bind", f"{_bracketed(host)}:{port}"]
    web += ["--worker-class", "gthread", "--workers", "1", "--threads", "8"]
    web += ["--no-control-socket", "--graceful-timeout", "5", "--log-level", "warning"]
    beat = [*celery, "beat", "-l", "WARNING", "--pidfile", str(pid_file)]
    beat += ["--schedule", str(data_dir / "beat-schedule")]
    demo_cluster = Program("demo cluster", (*manage, "demo_cluster", "--skip-checks"))
    return [
        Program("web", web),
        *([demo_cluster] if demo else []),
        # Polls wait for Slurm: a slow one must keep neither the others nor a start waiting.
        Program("poll worker", _worker(celery, "poll", "-P", "threads", "-c", "4")),
        Program("compute worker", _worker(celery, "compute", "-P", "solo")),
        Program("ask worker", _worker(celery, "ask", "-P", "solo")),
        Program("beat", beat, pid_file=str(pid_file)),
        # At its first start the demo lives through weeks before it answers.
        Program("first poll", (*manage, "poll", "--first", "600" if demo else "60"), once=True),
    ]


def _worker(celery: tuple[str, ...], queue: str, *pool: str) -> tuple[str, ...]:
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")
    return (*celery, "worker", "-Q", queue, *pool, "-n", f"{queue}@%h", *alone)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
