"""Opening what a job wrote: beneath a named folder, through no link, and the job's own user's.

The path is the user's own word (--output, say), and the service can read more than the user can.
So nothing here is checked by a name and then opened by that name: each folder is opened from the
one above it, and what counts is told by the descriptor that is then read.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

from tracker.logs.unreadable import Unreadable, link, outside, shown, translated

PATH_MAX = 4096

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# NONBLOCK: a pipe that is put there between the look and the open must not hold us.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LISTED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_file(path: PurePosixPath, *, roots: Sequence[str], owner_uid: int) -> BinaryIO:
    """The file, unbuffered, to be closed by the caller. Raises Unreadable and nothing else.

    ``roots`` are the site's: absolute, and they may be links or lie behind some. A path may begin
    with a root as it is written or as it resolves; below it no link is followed. The root ``/``
    counts for nothing: every file of the service itself, and /proc, would be beneath it.
    """
    with _folder_around(path, roots) as (folder, name):
        descriptor = _open(folder, name, path, owner_uid, _FILE)
    return io.FileIO(str(path), opener=lambda _name, _flags: descriptor)


@contextmanager
def opened_folder(path: PurePosixPath, *, roots: Sequence[str], owner_uid: int) -> Iterator[int]:
    """A descriptor of the folder, by the rules of ``open_file``. A root itself is not opened."""
    with _folder_around(path, roots) as (folder, name):
        descriptor = _open(folder, name, path, owner_uid, _LISTED)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


# --- which root
def _names(path: PurePosixPath) -> list[str]:
    """Raises Unreadable for what no file is called."""
    text = str(path)
    names = text.split("/")[1:]
    if not text.startswith("/") or {"", ".", ".."} & set(names) or "\0" in text or _is_long(text):
        raise Unreadable(
            "outside",
            f"{shown(path)[:200]} is not a plain absolute path; name the file plainly.",
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
@contextmanager
def _folder_around(path: PurePosixPath, roots: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The opened folder that holds what is named, and its name there."""
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
            yield folder, last
        finally:
            os.close(folder)


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


def _open(folder: int, name: str, path: PurePosixPath, owner_uid: int, flags: int) -> int:
    def check(status: os.stat_result) -> None:
        _check_kind(status, path, wants_folder=bool(flags & os.O_DIRECTORY))
        _check_owner(status, path, owner_uid)

    # First a look, for the reason, and because opening a device or a pipe does something to it.
    check(os.stat(name, dir_fd=folder, follow_symlinks=False))
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        check(os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_kind(status: os.stat_result, path: PurePosixPath, *, wants_folder: bool) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise link(path.name, path)
    if wants_folder and not stat.S_ISDIR(status.st_mode):
        raise Unreadable("not_a_folder", f"{shown(path)} is no folder.")
    if not wants_folder and not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, a socket or a device"
        raise Unreadable(
            "not_a_file", f"{shown(path)} is {what}; only ordinary files are opened here."
        )


def _check_owner(status: os.stat_result, path: PurePosixPath, owner_uid: int) -> None:
    if status.st_uid != owner_uid:
        raise Unreadable(
            "not_owner",
            f"{shown(path)} belongs to uid {status.st_uid}, and the job is of uid {owner_uid}; "
            "only what belongs to the job's own user is shown.",
        )
