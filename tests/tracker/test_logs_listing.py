"""Folders: what is in one is told, and nothing of the corpus is listed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests import services
from tests.tracker.log_path_corpus import FOLDER_ATTEMPTS, OTHER_UID, OWNER_UID, Attempt, plant
from tracker.logs import Listing, Unreadable, entries_of, opened_folder

IS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with services.folder("queuecast-listing-") as base:
        base.chmod(0o755)
        yield plant(base)


@pytest.fixture
def folder() -> Iterator[Path]:
    with services.folder("queuecast-listing-") as base:
        base.chmod(0o755)
        (base / "runs").mkdir()
        os.chown(base / "runs", OWNER_UID, -1)
        yield base


def listed(path: Path | str, root: Path, **options: int) -> Listing:
    with opened_folder(PurePosixPath(path), roots=[str(root)], owner_uid=OWNER_UID) as descriptor:
        return entries_of(descriptor, owner_uid=OWNER_UID, **options)


@pytest.mark.parametrize(
    "attempt", FOLDER_ATTEMPTS, ids=[ascii(a.path)[1:60] for a in FOLDER_ATTEMPTS]
)
def test_an_attempt_of_the_corpus_is_not_listed(attempt: Attempt, root: Path) -> None:
    if attempt.needs_root and not IS_ROOT:
        pytest.skip("the tree lacks what only root can plant")
    with pytest.raises(Unreadable) as refused:
        listed(attempt.path.replace("{root}", str(root)), root)
    assert refused.value.kind == attempt.kind
    assert refused.value.message.encode()


def test_a_refusal_leaves_no_descriptor_open(root: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for attempt in FOLDER_ATTEMPTS:
        if IS_ROOT or not attempt.needs_root:
            with pytest.raises(Unreadable):
                listed(attempt.path.replace("{root}", str(root)), root)
    listed(root / "jobs", root)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_folders_come_first_and_links_are_named_but_not_opened(folder: Path) -> None:
    runs = folder / "runs"
    (runs / "z-folder").mkdir()
    (runs / "a.txt").write_bytes(b"12345")
    (runs / "link").symlink_to("/etc/passwd")
    os.mkfifo(runs / "pipe")
    for each in runs.iterdir():
        os.chown(each, OWNER_UID, -1, follow_symlinks=False)
    seen = listed(runs, folder).entries
    assert [(one.name, one.kind, one.size, one.opens) for one in seen] == [
        ("z-folder", "folder", None, True),
        ("a.txt", "file", 5, True),
        ("link", "link", None, False),
        ("pipe", "other", None, False),
    ]


def test_a_large_folder_is_cut_and_says_so(folder: Path) -> None:
    for number in range(5):
        (folder / f"runs/{number}").touch()
    assert listed(folder / "runs", folder, max_entries=5).more is False
    cut = listed(folder / "runs", folder, max_entries=4)
    assert (len(cut.entries), cut.more) == (4, True)


def test_a_name_that_is_no_utf8_is_told_and_not_offered(folder: Path) -> None:
    Path(os.fsdecode(bytes(folder / "runs") + b"/latin-\xe9")).touch()
    [entry] = listed(folder / "runs", folder).entries
    assert entry.opens is False


@pytest.mark.skipif(not IS_ROOT, reason="another user's file needs root")
def test_another_users_file_is_named_and_not_offered(folder: Path) -> None:
    (folder / "runs/theirs").touch()
    os.chown(folder / "runs/theirs", OTHER_UID, -1)
    [entry] = listed(folder / "runs", folder).entries
    assert (entry.name, entry.opens) == ("theirs", False)
