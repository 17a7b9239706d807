"""Sends what jobs could not: on a login node, and when a requeued job begins again."""

from __future__ import annotations

import argparse
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Iterator, Sequence  # noqa: UP035 (Python 3.8)

from tracker.client.api import Api
from tracker.client.delivery import WRONG, Delivery
from tracker.client.server import BusyError, ClientError
from tracker.client.spool import (
    OPEN_SUFFIX,
    READ_BYTES,
    REFUSED_SUFFIX,
    SEALED_SUFFIX,
    TOUCH_EVERY_S,
    is_mine,
    keep_refused,
    spool_folders,
)
from tracker.client.terminal import show, tell

ABANDONED_AFTER_S = 10 * TOUCH_EVERY_S  # its process touches it more often
NEVER = (*WRONG, 404, 409)  # the run or its experiment is gone, or was never there


def sync_spools(api: Api, asked: argparse.Namespace) -> None:
    """Several may do so at a time, beside the jobs themselves: the service knows what it has."""
    folders = [Path(asked.path)] if asked.path else spool_folders(os.environ, Path.home())
    if asked.path and not folders[0].exists():
        raise ClientError(f"{asked.path} is not there")
    told, problems = {}, []
    for path in _files(folders):
        try:
            told[str(path)] = "sent" if send_file(api, path) else "sent so far: its process goes on"
        except BusyError as error:
            raise ClientError(f"{path} and later: {error}") from None
        except (ClientError, OSError) as error:
            problems.append(f"{path}: {error}{_set_aside(path, error)}")
    lines = [f"{path}: {what}" for path, what in told.items()]
    show({"files": told}, asked, *(lines or ["" if problems else "nothing waits to be sent"]))
    if problems:
        raise ClientError("\n".join(problems))


def send_left_behind(api: Api, folders: Sequence[Path], starts: tuple[str, ...]) -> None:
    """What processes that have ended left, by how the names of their files start."""
    for path in _files(folders):
        if path.name.startswith(starts):
            try:
                send_file(api, path, is_over=True)
            except (ClientError, OSError) as error:
                tell(f"{path} stays for queuecast.py sync: {error}")


def send_file(api: Api, path: Path, *, is_over: bool = False) -> bool:
    """Send all there is of it; False where its process may write more, else it is removed."""
    delivery = Delivery(api, lambda line, why: keep_refused(path, line, why), by_job=False)
    with path.open("rb") as file:
        while True:
            # Before the end is looked for, so that nothing is missed that came before it.
            is_over = is_over or not path.name.endswith(OPEN_SUFFIX) or _is_abandoned(path)
            lines = file.readlines(READ_BYTES)
            if lines and not lines[-1].endswith(b"\n"):  # half a line, of a process that was killed
                file.seek(-len(lines.pop()), os.SEEK_CUR)
            if not lines:
                break
            for _size in delivery.send(lines):
                continue
    if is_over:
        with suppress(FileNotFoundError):
            path.unlink()
    return is_over


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_file():
            yield folder
        else:
            mine = filter(is_mine, folder.glob(f"*{SEALED_SUFFIX}"))
            yield from sorted(mine, key=_changed_at_s)


def _changed_at_s(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _is_abandoned(path: Path) -> bool:
    return time.time() - _changed_at_s(path) > ABANDONED_AFTER_S


def _set_aside(path: Path, error: Exception) -> str:
    """What never passes must not be tried for ever; given by name it is tried again."""
    if getattr(error, "status", None) not in NEVER or path.name.endswith(OPEN_SUFFIX):
        return ""
    aside = path.with_name(path.name + REFUSED_SUFFIX)
    with suppress(OSError):
        path.rename(aside)
        return f" (kept as {aside})"
    return ""
