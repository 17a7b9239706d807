"""Opening logs: nothing of the corpus gets through, and what should open does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import get_args

import pytest

from tests import services
from tests.tracker.log_path_corpus import (
    ATTEMPTS,
    FOLDER_ATTEMPTS,
    OTHER_UID,
    OWNER_UID,
    SECRET,
    Attempt,
    plant,
)
from tracker.logs import Kind, Unreadable, open_file, read_piece

IS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not IS_ROOT, reason="another user's file needs root")


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """Outside pytest's own folder, which another user could not pass."""
    with services.folder("queuecast-logs-") as base:
        base.chmod(0o755)
        yield plant(base)


@pytest.fixture
def folder() -> Iterator[Path]:
    with services.folder("queuecast-logs-") as base:
        base.chmod(0o755)
        yield base


def content(path: Path | str, *roots: Path | str, owner_uid: int = OWNER_UID) -> bytes:
    with open_file(PurePosixPath(path), roots=[str(r) for r in roots], owner_uid=owner_uid) as file:
        return file.read()


def refusal(path: Path | str, *roots: Path | str, owner_uid: int = OWNER_UID) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        content(path, *roots, owner_uid=owner_uid)
    return caught.value


def write(path: Path, data: bytes = b"epoch 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.chown(path, OWNER_UID, -1)
    return path


# --- the corpus
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=[ascii(a.path)[1:60] for a in ATTEMPTS])
def test_an_attempt_of_the_corpus_is_refused_for_its_reason(attempt: Attempt, root: Path) -> None:
    if attempt.needs_root and not IS_ROOT:
        pytest.skip("the tree lacks what only root can plant")
    refused = refusal(attempt.path.replace("{root}", str(root)), root)
    assert refused.kind == attempt.kind
    assert refused.message.encode()  # fit for an answer, whatever the path was


def test_the_corpus_tries_every_reason_but_permission() -> None:
    """Which the corpus cannot: root may read everything."""
    tried = {attempt.kind for attempt in [*ATTEMPTS, *FOLDER_ATTEMPTS]}
    assert tried == set(get_args(Kind)) - {"forbidden"}


def test_the_files_that_the_corpus_is_after_could_be_read(root: Path) -> None:
    """Else it would be refused for nothing."""
    assert content(root.parent / "outside/own.out", root.parent / "outside") == SECRET
    assert content(root.parent / "data-secret/own.out", root.parent / "data-secret") == SECRET


def test_refusals_leave_no_descriptor_open(root: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for attempt in ATTEMPTS:
        if IS_ROOT or not attempt.needs_root:
            refusal(attempt.path.replace("{root}", str(root)), root)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# --- what opens
@pytest.mark.parametrize(
    "name",
    ["run.out", "jobs/deep/a b.out", "größe-%j-日本.out", "line\nbreak.out", "-", "..out", "%2e%2e",
     "n" * 255, "back\\slash", b"latin-\xe9.out".decode("utf-8", "surrogateescape")],
)  # fmt: skip
def test_a_file_of_the_owner_opens_whatever_its_name(name: str, folder: Path) -> None:
    write(folder / name)
    assert content(folder / name, folder) == b"epoch 1\n"


@pytest.mark.parametrize("written", ["{}", "{}/", "{}//", "{}/.", "{}/x/.."])
def test_a_root_may_be_written_in_any_way(written: str, folder: Path) -> None:
    (folder / "x").mkdir()
    write(folder / "run.out")
    assert content(folder / "run.out", written.format(folder)) == b"epoch 1\n"


def test_a_root_may_be_a_link_and_paths_begin_with_either_name(folder: Path) -> None:
    write(folder / "volume/ada/run.out")
    (folder / "home").symlink_to(folder / "volume")
    (folder / "users").symlink_to("home")
    for root in ("home", "users", "volume"):
        assert content(folder / root / "ada/run.out", folder / root) == b"epoch 1\n"
        assert content(folder / "volume/ada/run.out", folder / root) == b"epoch 1\n"
    assert refusal(folder / "home/ada/run.out", folder / "volume").kind == "outside"


def test_a_root_within_a_root_may_be_a_link_that_the_outer_one_would_not_follow(
    folder: Path,
) -> None:
    write(folder / "other/run.out")
    (folder / "data").mkdir()
    (folder / "data/team").symlink_to(folder / "other")
    path = folder / "data/team/run.out"
    assert content(path, folder / "data", folder / "data/team") == b"epoch 1\n"
    assert refusal(path, folder / "data").kind == "link"


def test_a_root_does_not_lend_its_name_to_a_longer_one(folder: Path) -> None:
    for name in ("data/run.out", "data-secret/run.out", "database/run.out"):
        write(folder / name)
    for root in ("data", "data/"):
        assert content(folder / "data/run.out", f"{folder}/{root}")
        for other in ("data-secret", "database"):
            assert refusal(folder / other / "run.out", f"{folder}/{root}").kind == "outside"


@pytest.mark.parametrize("roots", [[], ["/"], ["//"], [""], ["."], ["data"], ["/.."]])
def test_a_root_that_is_everything_or_no_absolute_folder_counts_for_nothing(
    roots: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "data/run.out")
    monkeypatch.chdir(folder)
    assert refusal(folder / "data/run.out", *roots).kind == "outside"
    assert refusal("/proc/self/environ", *roots, owner_uid=os.geteuid()).kind == "outside"


def test_a_root_that_leads_to_everything_counts_for_nothing(folder: Path) -> None:
    write(folder / "data/run.out")
    (folder / "all").symlink_to("/")
    assert refusal(f"{folder}/all{folder}/data/run.out", folder / "all").kind == "outside"
    assert refusal(folder / "data/run.out", folder / "all").kind == "outside"


def test_a_root_that_is_not_there_is_told_as_absent(folder: Path) -> None:
    assert refusal(folder / "gone/run.out", folder / "gone").kind == "absent"


# --- reasons and cures
def test_each_refusal_names_the_file_and_the_cure(folder: Path) -> None:
    write(folder / "data/run.out")
    (folder / "data/link").symlink_to("run.out")
    data = folder / "data"
    assert f"{data}/missing.out is not there. The job has not written it yet" in str(
        refusal(data / "missing.out", data)
    )
    assert f"({data}). Have the job write into one of them (--output, for its log)" in str(
        refusal(folder / "run.out", data)
    )
    assert "link in" in str(refusal(data / "link", data))
    assert "throws this away" in str(refusal("/dev/null", data))


@contextmanager
def as_another_user() -> Iterator[None]:
    os.seteuid(OTHER_UID)
    try:
        yield
    finally:
        os.seteuid(0)


@only_root
@pytest.mark.parametrize("closed", ["ada/run.out", "ada"])
def test_what_the_service_may_not_read_is_told_with_the_cure(closed: str, folder: Path) -> None:
    path = write(folder / "ada/run.out")
    (folder / closed).chmod(0o600 if closed.endswith("out") else 0o700)
    with as_another_user():
        refused = refusal(path, folder)
    assert refused.kind == "forbidden"
    assert f"{path} may not be read by the service (uid {OTHER_UID})" in refused.message
    assert "chmod g+r" in refused.message


@only_root
def test_a_file_of_another_user_is_told_as_such_though_it_may_not_be_read(folder: Path) -> None:
    path = write(folder / "run.out")
    path.chmod(0o600)
    with as_another_user():
        assert refusal(path, folder, owner_uid=OTHER_UID).kind == "not_owner"


# --- races
SWAP_FOLDER = """
import os, sys
jobs, parked, outside = sys.argv[1:]
while True:
    os.rename(jobs, parked)
    os.symlink(outside, jobs)
    os.unlink(jobs)
    os.rename(parked, jobs)
"""
SWAP_FILE = """
import os, sys
path, new, kept, outside = sys.argv[1:]
while True:
    for make in (lambda: os.symlink(outside, new), lambda: os.mkfifo(new)):
        make()
        os.replace(new, path)
        os.link(kept, new)
        os.replace(new, path)
"""


def outcomes(
    path: Path, root: Path, swap: list[str | Path], wanted: set[bytes | str]
) -> set[bytes | str]:
    """What a second of opens gave while ``swap`` ran beside them: contents and refusals.

    It goes on for longer where something ``wanted`` has not been met: then nothing was raced.
    """
    seen: set[bytes | str] = set()
    swapper = subprocess.Popen([sys.executable, "-c", *swap])
    try:
        began = time.monotonic()
        while (lasted := time.monotonic() - began) < 1 or (lasted < 20 and not wanted <= seen):
            try:
                seen.add(content(path, root))
            except Unreadable as refused:
                seen.add(refused.kind)
    finally:
        services.end(swapper)
    return seen


def test_a_folder_swapped_for_a_link_in_between_opens_nothing_else(folder: Path) -> None:
    write(folder / "outside/run.out", SECRET)
    path = write(folder / "data/jobs/run.out")
    swap = [SWAP_FOLDER, path.parent, folder / "data/parked", folder / "outside"]
    seen = outcomes(path, folder / "data", swap, {b"epoch 1\n", "link"})
    assert seen in ({b"epoch 1\n", "link"}, {b"epoch 1\n", "link", "absent"})


def test_a_file_swapped_for_a_link_or_a_pipe_in_between_opens_nothing_else(folder: Path) -> None:
    """A pipe that nobody writes to would hold whoever opens it."""
    write(folder / "outside/run.out", SECRET)
    path = write(folder / "data/run.out")
    (folder / "data/kept").hardlink_to(path)
    others = [folder / name for name in ("data/new", "data/kept", "outside/run.out")]
    wanted = {b"epoch 1\n", "link", "not_a_file"}
    assert outcomes(path, folder / "data", [SWAP_FILE, path, *others], wanted) == wanted


def test_a_file_replaced_while_it_is_followed_is_read_as_it_was_until_opened_again(
    folder: Path,
) -> None:
    path = write(folder / "run.out", b"first attempt, long\n")
    with open_file(PurePosixPath(path), roots=[str(folder)], owner_uid=OWNER_UID) as file:
        end = read_piece(file, start=None).end
        (folder / "new").write_bytes(b"second\n")
        os.chown(folder / "new", OWNER_UID, -1)
        (folder / "new").rename(path)
        assert read_piece(file, start=end).text == ""
    with open_file(PurePosixPath(path), roots=[str(folder)], owner_uid=OWNER_UID) as file:
        piece = read_piece(file, start=end)
    assert (piece.text, piece.truncated) == ("second\n", True)
    path.unlink()
    assert refusal(path, folder).kind == "absent"
