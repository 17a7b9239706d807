"""Why a file is not shown, and the cure, in words for the person whose job wrote it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Literal

Kind = Literal["outside", "absent", "forbidden", "not_owner", "not_a_file", "not_a_folder", "link"]


class Unreadable(Exception):  # noqa: N818 (says what is the case)
    """``kind`` is for the program, ``message`` for people."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message


def shown(path: PurePosixPath | str) -> str:
    """A path for people: bytes that are not UTF-8 would break the answer that it stands in."""
    return str(path).encode("utf-8", "replace").decode()


def outside(path: PurePosixPath, roots: Sequence[str]) -> Unreadable:
    if str(path) == "/dev/null":
        return Unreadable(
            "outside", "The job throws this away (/dev/null); give it a file with --output."
        )
    return Unreadable(
        "outside",
        f"{shown(path)} lies outside the folders whose files are shown here "
        f"({', '.join(roots) or 'none so far'}). Have the job write into one of them (--output, "
        "for its log), or ask staff to add its folder.",
    )


def link(name: str, path: PurePosixPath | str) -> Unreadable:
    return Unreadable(
        "link",
        f"{shown(name)} in {shown(path)} is a symbolic link, and none is followed. Name the place "
        "that it leads to: for a log, in --output or --chdir.",
    )


@contextmanager
def translated(path: PurePosixPath | str) -> Iterator[None]:
    """What the operating system says, as a Unreadable."""
    try:
        yield
    except OSError as error:
        raise _reason(error, path) from None


def _reason(error: OSError, path: PurePosixPath | str) -> Unreadable:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return Unreadable(
                "absent",
                f"{shown(path)} is not there. The job has not written it yet, or it was moved or "
                "deleted, or it lies on a node's own disk, which the service does not see.",
            )
        case errno.EACCES | errno.EPERM:
            return Unreadable(
                "forbidden",
                f"{shown(path)} may not be read by the service (uid {os.geteuid()}). The service's "
                "user must be able to read it and to pass its folders: for example chmod g+r on "
                "the file and g+x on the folders, or an ACL (setfacl -m u:USER:r).",
            )
        case errno.ELOOP:
            return link(PurePosixPath(path).name, path)
        case errno.ENAMETOOLONG:
            return Unreadable("absent", f"{shown(path)}: no file can have so long a name.")
    return Unreadable(
        "absent",
        f"{shown(path)} cannot be read at the moment ({error.strerror}); the storage may be away. "
        "Try again in a minute.",
    )
