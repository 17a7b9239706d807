"""Reading the environment: every setting fails loudly with its name, its value and the cure."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def boolean(name: str, default: bool = False) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise ImproperlyConfigured(f'{name} is "{value}"; give true or false')


def number(name: str, default: int) -> int:
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(
            f'{name} is "{value}"; give a whole number, for example {default}'
        ) from None


def words(name: str) -> list[str]:
    """A comma-separated list; empty entries are dropped."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(word) for word in words(name)]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name}: {error}; give networks such as 10.0.0.0/8,192.168.1.7/32"
        ) from None


@dataclass(frozen=True, slots=True)
class MailServer:
    """``host`` is empty where no e-mail is sent."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starts_tls: bool = False
    is_tls: bool = False


# What is said first on a connection, and the port where that is usual.
MAIL_SCHEMES = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def mail_server(name: str) -> MailServer:
    value = os.environ.get(name, "")
    if not value:
        return MailServer()
    url = urlsplit(value)
    try:
        port = url.port or MAIL_SCHEMES[url.scheme]
    except (KeyError, ValueError):
        port = 0
    if not port or not url.hostname:  # the value may hold a password: it is not repeated
        raise ImproperlyConfigured(
            f"{name} is no address of a mail server; give one such as "
            "smtp+tls://user:password@mail.example.org:587 (or smtp://, smtps://)"
        )
    return MailServer(
        host=url.hostname,
        port=port,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        starts_tls=url.scheme == "smtp+tls",
        is_tls=url.scheme == "smtps",
    )


def data_dir(base: Path) -> Path:
    """The folder of everything that the embedded service keeps, created with mode 0700."""
    folder = Path(os.environ.get("QUEUECAST_DATA_DIR") or base / "var").resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def secret_key(folder: Path) -> str:
    """SECRET_KEY, or the content of SECRET_KEY_FILE, or a key made once and kept in ``folder``."""
    if value := os.environ.get("SECRET_KEY"):
        return value
    path = Path(os.environ.get("SECRET_KEY_FILE") or folder / "secret-key")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key


def is_loopback(host: str) -> bool:
    """Whether this address is every machine's own; names are not looked up."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
