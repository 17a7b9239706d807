"""What a folder holds, told by the folder's descriptor; nothing in it is opened."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from itertools import islice
from typing import Literal

EntryKind = Literal["file", "folder", "link", "other"]
MAX_ENTRIES = 2_000  # more are not read: a page of them helps nobody


@dataclass(frozen=True, slots=True)
class Entry:
    """``opens``: by kind and owner it can be opened here, if its permissions let the service."""

    name: str
    kind: EntryKind
    size: int | None  # bytes of a file
    modified_at: float  # s since 1970, on the file server's clock
    opens: bool


@dataclass(frozen=True, slots=True)
class Listing:
    entries: list[Entry]  # folders first, then by name
    more: bool  # the folder holds more than were read


def entries_of(folder: int, *, owner_uid: int, max_entries: int = MAX_ENTRIES) -> Listing:
    """Of an opened folder. What vanishes meanwhile is left out. Raises OSError."""
    with os.scandir(folder) as found:
        seen = [_entry(each, owner_uid) for each in islice(found, max_entries)]
        more = next(found, None) is not None
    entries = [entry for entry in seen if entry]
    return Listing(sorted(entries, key=lambda one: (one.kind != "folder", one.name)), more)


def _entry(found: os.DirEntry[str], owner_uid: int) -> Entry | None:
    try:
        status = found.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    kind = _kind(status.st_mode)
    return Entry(
        name=found.name,
        kind=kind,
        size=status.st_size if kind == "file" else None,
        modified_at=status.st_mtime,
        opens=kind in ("file", "folder") and status.st_uid == owner_uid and _is_utf8(found.name),
    )


def _kind(mode: int) -> EntryKind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"


def _is_utf8(name: str) -> bool:
    """Others cannot stand in an address, and so are not asked for."""
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False
