"""Paths that must not be opened as a file or a folder, and the tree that they are tried in.

``{root}`` is the folder whose logs are shown; beside it lie ``data-secret`` and ``outside``, with
files of the same owner, so that ownership alone refuses none of them.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from tracker.logs import Kind

OWNER_UID = 54_321 if os.geteuid() == 0 else os.geteuid()
OTHER_UID = 54_322
SECRET = b"SECRET of another place\n"


@dataclass(frozen=True)
class Attempt:
    path: str
    kind: Kind
    needs_root: bool = False  # the tree has to hold a file of another user, or a device


def _all(kind: Kind, *paths: str, needs_root: bool = False) -> list[Attempt]:
    return [Attempt(path, kind, needs_root) for path in paths]


PARENTS = _all(
    "outside",
    "{root}/../outside/own.out",
    "{root}/jobs/../../outside/own.out",
    "{root}/jobs/../run.out",
    "{root}/..",
    "{root}/jobs/..",
    "{root}/../data/run.out",
    "{root}/missing/../run.out",
    "{root}/jobs/../../../../../../../../etc/passwd",
    "{root}/../data-secret/own.out",
    "..",
    "../run.out",
    "run.out",
    "jobs/run.out",
    "",
    ".",
    "~/run.out",
    "~root/run.out",
    "$HOME/run.out",
)
ELSEWHERE = _all(
    "outside",
    "/",
    "//",
    "/etc/passwd",
    "/etc/shadow",
    "/proc/self/environ",
    "/proc/self/fd/0",
    "/proc/1/environ",
    "/proc/self/root/etc/passwd",
    "/dev/null",
    "/dev/zero",
    "/dev/stdin",
    "/sys/kernel/notes",
    "//etc/passwd",
    "/{root}/run.out",
    "///etc/passwd",
    "{root}",
    "{root}/",
    "{root}-secret/own.out",
    "{root}-secret",
    "{root}secret/own.out",
    "{root}.out",
    "{root} /run.out",
    "{root}\\run.out",
    "{root}%2frun.out",
    "{root}\n/run.out",
    "file://{root}/run.out",
    "file:{root}/run.out",
    "http://127.0.0.1/run.out",
    "C:\\Windows\\win.ini",
    "\\\\host\\share\\run.out",
    "|/bin/cat /etc/passwd",
    "-",
)
NO_NAMES = _all(
    "outside",
    "{root}/run.out\0",
    "{root}/run.out\0.png",
    "{root}/\0",
    "\0{root}/run.out",
    "{root}/\ud800.out",
    "{root}/" + "a/" * 2_100 + "run.out",
    "{root}/" + "./" * 10 + "../" * 10 + "etc/passwd",
)
# Nothing decodes them: they are names, and no such file is there.
NAMES = _all(
    "absent",
    "{root}/%2e%2e/outside/own.out",
    "{root}/%2e%2e%2foutside%2fown.out",
    "{root}/..%2foutside/own.out",
    "{root}/..%252foutside/own.out",
    "{root}/%252e%252e/outside/own.out",
    "{root}/..%c0%afoutside/own.out",
    "{root}/..%00/outside/own.out",
    "{root}/..\\outside\\own.out",
    "{root}/..\\..\\etc\\passwd",
    "{root}/.../outside/own.out",
    "{root}/....//outside/own.out",
    "{root}/..;/outside/own.out",
    "{root}/.. /outside/own.out",
    "{root}/ ../outside/own.out",
    "{root}/..\t/outside/own.out",
    "{root}/..\n/outside/own.out",
    "{root}/\u2025/outside/own.out",
    "{root}/\uff0e\uff0e/outside/own.out",
    "{root}/..\u2215outside\u2215own.out",
    "{root}/..\udcaf/outside/own.out",
    "{root}/run.out#",
    "{root}/run.out?x=1",
    "{root}/run.out ",
    "{root}/run.out\n",
    "{root}/run.out;id",
    "{root}/$(id)",
    "{root}/`id`",
    "{root}/*",
    "{root}/~/run.out",
    "{root}/RUN.OUT",
    "{root}/missing.out",
    "{root}/missing/run.out",
    "{root}/run.out/run.out",
    "{root}/" + "n" * 300,
    "{root}/deleted.out",
)
LINKS = _all(
    "link",
    "{root}/link-to-own",
    "{root}/link-to-run",
    "{root}/link-relative",
    "{root}/link-dangling",
    "{root}/link-to-itself",
    "{root}/link-to-folder",
    "{root}/link-to-environ",
    "{root}/link-to-shadow",
    "{root}/link-to-fd",
    "{root}/link-to-pipe",
    "{root}/link-to-link",
    "{root}/link-to-folder/own.out",
    "{root}/link-to-jobs/run.out",
    "{root}/link-relative-folder/own.out",
    "{root}/link-to-root/run.out",
    "{root}/link-to-slash/etc/passwd",
    "{root}/link-to-proc/self/environ",
    "{root}/link-to-proc/self/fd/0",
    "{root}/link-to-itself/run.out",
    "{root}/link-dangling/run.out",
    "{root}/link-to-parent/outside/own.out",
    "{root}/jobs/deep/link-up/outside/own.out",
    "{root}/jobs/deep/link-out/own.out",
    "{root}/jobs/link-final",
    "{root}/jobs/deep/link-final",
)
THINGS = [
    *_all("not_a_file", "{root}/jobs", "{root}/jobs/deep", "{root}/pipe", "{root}/socket"),
    *_all("not_a_file", "{root}/null", "{root}/zero", "{root}/disk", needs_root=True),
]
OTHERS = _all(
    "not_owner",
    "{root}/others.out",
    "{root}/others-readable.out",
    "{root}/others-hard-link.out",
    "{root}/shadow-hard-link.out",
    "{root}/jobs/deep/others-hard-link.out",
    "{root}/roots.out",
    "{root}/others-folder/theirs.out",
    needs_root=True,
)
ATTEMPTS = [*PARENTS, *ELSEWHERE, *NO_NAMES, *NAMES, *LINKS, *THINGS, *OTHERS]
# Of the same paths asked for as folders, whatever is there but no folder.
FOLDER_ATTEMPTS = [
    *PARENTS,
    *ELSEWHERE,
    *NO_NAMES,
    *NAMES,
    *LINKS,
    *_all("not_a_folder", "{root}/run.out", "{root}/jobs/run.out", "{root}/pipe", "{root}/socket"),
    *_all("not_a_folder", "{root}/null", "{root}/disk", "{root}/others.out", needs_root=True),
    *_all("not_owner", "{root}/others-folder", "{root}/jobs/others-folder", needs_root=True),
]

_LINKS = {
    "data/link-to-own": "{base}/outside/own.out",
    "data/link-to-run": "{base}/data/run.out",
    "data/link-relative": "../outside/own.out",
    "data/link-dangling": "{base}/nowhere",
    "data/link-to-itself": "link-to-itself",
    "data/link-to-folder": "{base}/outside",
    "data/link-to-environ": "/proc/self/environ",
    "data/link-to-shadow": "/etc/shadow",
    "data/link-to-fd": "/proc/self/fd/0",
    "data/link-to-pipe": "pipe",
    "data/link-to-link": "link-to-own",
    "data/link-to-jobs": "jobs",
    "data/link-relative-folder": "../outside",
    "data/link-to-root": "{base}/data",
    "data/link-to-slash": "/",
    "data/link-to-proc": "/proc",
    "data/link-to-parent": "..",
    "data/jobs/deep/link-up": "../../..",
    "data/jobs/deep/link-out": "{base}/outside",
    "data/jobs/link-final": "../../outside/own.out",
    "data/jobs/deep/link-final": "{base}/outside/own.out",
}


def plant(base: Path) -> Path:
    """The tree below ``base``; the root that attempts are made at."""
    root = base / "data"
    for folder in ("data/jobs/deep", "data-secret", "outside"):
        (base / folder).mkdir(parents=True)
    for name in ("data-secret/own.out", "outside/own.out"):
        (base / name).write_bytes(SECRET)
    for name in ("run.out", "jobs/run.out", "deleted.out"):
        (root / name).write_bytes(b"epoch 1\n")
    (root / "deleted.out").unlink()
    for name, target in _LINKS.items():
        (base / name).symlink_to(target.format(base=base))
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket"))  # a socket's path has 108 bytes at most
    if os.geteuid() == 0:
        _plant_others(base, root)
    return root


def _plant_others(base: Path, root: Path) -> None:
    """Everything planted so far becomes the owner's; then what only root can add."""
    for path in [base, *base.rglob("*")]:
        os.chown(path, OWNER_UID, OWNER_UID, follow_symlinks=False)
    (root / "others-folder").mkdir()
    (root / "jobs/others-folder").mkdir(mode=0o777)
    names = ("others.out", "others-readable.out", "others-folder/theirs.out", "roots.out")
    for name in names:
        (root / name).write_bytes(SECRET)
        os.chown(root / name, 0 if name == "roots.out" else OTHER_UID, OWNER_UID)
    (root / "others-readable.out").chmod(0o666)
    (base / "outside" / "shadow").write_bytes(SECRET)  # root's own, as /etc/shadow is
    (root / "shadow-hard-link.out").hardlink_to(base / "outside" / "shadow")
    for name in ("others-hard-link.out", "jobs/deep/others-hard-link.out"):
        (root / name).hardlink_to(root / "others.out")
    for name, device in (("null", (1, 3)), ("zero", (1, 5)), ("disk", (7, 0))):
        kind = 0o060600 if name == "disk" else 0o020600
        os.mknod(root / name, kind, os.makedev(*device))
        os.chown(root / name, OWNER_UID, OWNER_UID)
