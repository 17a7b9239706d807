"""Opening a job's log: beneath a named folder, through no link, a regular file of the job's user.

The path is the user's own word (--output), and the service can read more than the user can. So
nothing here is checked by a name and then opened by that name: each folder is opened from the one
above it, and what counts is told by the descriptor that is then read.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import BinaryIO

from tracker.logs.unreadable import LogUnreadable, link, outside, shown, translated

PATH_MAX = 4096

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# NONBLOCK: a pipe that is put there between the look and the open must not hold us.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def open_log(path: PurePosixPath, *, roots: Sequence[str], owner_uid: int) -> BinaryIO:
    """The file, unbuffered, to be closed by the caller. Raises LogUnreadable and nothing else.

    ``roots`` are the site's: absolute, and they may be links or lie behind some. A path may begin
    with a root as it is written or as it resolves; below it no link is followed. The root ``/``
    counts for nothing: every file of the service itself, and /proc, would be beneath it.
    """
    names = _names(path)
    matching = [root for root in _resolved(roots) if _is_beneath(names, root[0])]
    if not matching:
        raise outside(path, roots)
    prefix, root = max(matching, key=lambda pair: len(pair[0]))
    with translated(path):
        folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            *folders, last = names[len(prefix) :]
            for name in folders:
                folder = _enter(folder, name, path)
            descriptor = _open_last(folder, last, path, owner_uid)
        finally:
            os.close(folder)
    return io.FileIO(str(path), opener=lambda _name, _flags: descriptor)


# --- which root
def _names(path: PurePosixPath) -> list[str]:
    """Raises LogUnreadable for what no log is called."""
    text = str(path)
    names = text.split("/")[1:]
    if not text.startswith("/") or {"", ".", ".."} & set(names) or "\0" in text or _is_long(text):
        raise LogUnreadable(
            "outside",
            f"{shown(path)[:200]} is not a plain absolute path; name the log plainly in --output.",
        )
    return names


def _is_long(text: str) -> bool:
    try:
        return len(os.fsencode(text)) >= PATH_MAX
    except UnicodeEncodeError:  # a lone surrogate, which no file system has
        return True


def _resolved(roots: Sequence[str]) -> Iterator[tuple[list[str], str]]:
    """Each root's names, as written and as resolved, beside where it really is."""
    for written in roots:
        real = os.path.realpath(written)
        if written.startswith("/") and real != "/":
            for form in {os.path.normpath(written), real}:
                yield form.strip("/").split("/"), real


def _is_beneath(names: list[str], root: list[str]) -> bool:
    return len(names) > len(root) and names[: len(root)] == root


# --- the way down
def _enter(folder: int, name: str, path: PurePosixPath) -> int:
    """The folder within, in exchange for the one around it, which is closed."""
    try:
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except NotADirectoryError:
        # A link says this too, since O_PATH opens the link itself.
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise link(name, path) from None
        raise
    os.close(folder)
    return inner


def _open_last(folder: int, name: str, path: PurePosixPath, owner_uid: int) -> int:
    # First a look, for the reason, and because opening a device or a pipe does something to it.
    _check(os.stat(name, dir_fd=folder, follow_symlinks=False), name, path, owner_uid)
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        _check(os.fstat(descriptor), name, path, owner_uid)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check(status: os.stat_result, name: str, path: PurePosixPath, owner_uid: int) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise link(name, path)
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, a socket or a device"
        raise LogUnreadable(
            "not_a_file", f"{shown(path)} is {what}; only ordinary files are shown as a log."
        )
    if status.st_uid != owner_uid:
        raise LogUnreadable(
            "not_owner",
            f"{shown(path)} belongs to uid {status.st_uid}, and the job is of uid {owner_uid}; "
            "only files of the job's own user are shown.",
        )
