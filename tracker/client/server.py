"""Where the service is, and the token for it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Mapping, NamedTuple  # noqa: UP035 (Python 3.8)
from urllib.parse import unquote, urlsplit

CURE = (
    "set TRACKER_API=http://token:SECRET@host:port, or QUEUECAST_URL and QUEUECAST_TOKEN, or write "
    '{"url": "http://host:port", "token": "SECRET"} into ~/.config/queuecast.json (chmod 600)'
)


class ClientError(Exception):
    """What went wrong, for people."""

    status: int | None = None  # the server's


class BusyError(ClientError):
    """No answer, or one that asks for patience: the same request may be sent again."""

    again_after_s = 0


class Server(NamedTuple):
    url: str  # without userinfo and without a slash at its end
    token: str
    source: str  # where they were found
    run_id: str = ""  # whose job this is: what Queuecast starts has it before the token


def find_server(environ: Mapping[str, str], home: Path) -> Server:
    for name in ("TRACKER_API", "QUEUECAST_URL"):
        if environ.get(name):
            return _server(environ[name], environ.get("QUEUECAST_TOKEN", ""), name)
    path = home / ".config/queuecast.json"
    try:
        mode, known = path.stat().st_mode, json.loads(path.read_text(encoding="utf-8"))
        url, token = str(known["url"]), str(known["token"])
    except FileNotFoundError:
        raise ClientError(f"nobody said where the service is: {CURE}") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ClientError(
            f"{path} cannot be used ({type(error).__name__}: {error}): {CURE}"
        ) from None
    if mode & 0o077:
        raise ClientError(f"{path} has mode {mode & 0o777:o}, others may see its token: chmod 600")
    return _server(url, token, str(path))


def _server(address: str, token: str, source: str) -> Server:
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError
    except ValueError:  # of urlsplit too; the address is not shown: it may hold a token
        raise ClientError(f"the address in {source} is none: {CURE}") from None
    token = unquote(parts.password or "") or token
    if not re.fullmatch(r"[!-~]+", token):
        raise ClientError(f"there is no token beside the address in {source}: {CURE}")
    host = parts.netloc.rpartition("@")[2]
    run_id = parts.username if re.fullmatch("[0-9a-f]{32}", parts.username or "") else ""
    return Server(f"{parts.scheme}://{host}{parts.path.rstrip('/')}", token, source, run_id or "")
