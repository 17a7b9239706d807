"""What a run is to be remembered by: its code, its command, its machine."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence  # noqa: UP035 (Python 3.8)

# Names with a star at the end are beginnings; QUEUECAST_ENV names more, separated by commas.
ENVIRONMENT = (
    "CUDA_VISIBLE_DEVICES,ROCR_VISIBLE_DEVICES,OMP_NUM_THREADS,CONDA_DEFAULT_ENV,VIRTUAL_ENV,"
    "LOADEDMODULES,WORLD_SIZE,SLURM_CLUSTER_NAME,SLURM_JOB_*,SLURM_ARRAY_*,SLURM_NTASKS*,"
    "SLURM_NNODES,SLURM_CPUS_PER_TASK,SLURM_GPUS*,SLURM_RESTART_COUNT,SLURM_SUBMIT_DIR"
)
PACKAGES = ("torch", "jax", "tensorflow", "numpy", "lightning", "transformers", "sklearn")
# Not of a tokenizer, or of so many tokens.
SECRET = re.compile(r"(?i)token(?![a-z])|secret|passw|credential|api[-_]?key")
HIDDEN = "***"
TEXT_CHARS, WORD_CHARS, WORDS = 1_000, 200, 100  # the service keeps 64 KB in all


def surroundings(environ: Mapping[str, str], argv: Sequence[str]) -> dict[str, Any]:
    """Only what is known. Takes some seconds where git or the GPUs answer slowly."""
    found = {
        "git": _git(Path(argv[0]).resolve().parent if argv and argv[0] else Path.cwd()),
        "argv": list(_words_without_secrets(argv)),
        "folder": str(Path.cwd()),
        "host": platform.node(),
        "python": platform.python_version(),
        "packages": _versions(),
        "gpus": _answer("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines(),
        "environment": _chosen(environ),
    }
    return {name: value for name, value in found.items() if value}


def without_secrets(value: Any) -> Any:
    """A configuration whose texts under such names are hidden: argparse's has the whole command."""
    if isinstance(value, list):
        return [without_secrets(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: HIDDEN if isinstance(one, str) and SECRET.search(name) else without_secrets(one)
        for name, one in value.items()
    }


def _git(folder: Path) -> dict[str, Any]:
    commit = _answer("git", "-C", str(folder), "rev-parse", "HEAD")
    if not commit:
        return {}
    branch = _answer("git", "-C", str(folder), "rev-parse", "--abbrev-ref", "HEAD")
    # no lock on the index: another git may be at work there
    status = ("--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    changed = bool(_answer("git", "-C", str(folder), *status))
    return {"commit": commit, "branch": branch, "changed": changed}


def _answer(*argv: str) -> str:
    """What a program prints; empty where it fails, is absent or takes too long."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()[:TEXT_CHARS]


def _words_without_secrets(argv: Sequence[str]) -> Iterator[str]:
    hides_next = False
    for word in argv[:WORDS]:
        name, equals, _ = word.partition("=")
        is_secret = word.startswith("-") and bool(SECRET.search(name))
        shown = f"{name}={HIDDEN}" if is_secret and equals else word[:WORD_CHARS]
        yield HIDDEN if hides_next else shown
        hides_next = is_secret and not equals


def _chosen(environ: Mapping[str, str]) -> dict[str, str]:
    wanted = f"{ENVIRONMENT},{environ.get('QUEUECAST_ENV', '')}".split(",")
    exact = {name.strip() for name in wanted}
    starts = tuple(name[:-1] for name in exact if len(name) > 1 and name.endswith("*"))
    return {
        name: value[:TEXT_CHARS]
        for name, value in sorted(environ.items())
        if (name in exact or name.startswith(starts)) and not SECRET.search(name)
    }


def _versions() -> dict[str, str]:
    """Of packages that the training has loaded."""
    loaded = ((name, getattr(sys.modules.get(name), "__version__", None)) for name in PACKAGES)
    return {name: str(version) for name, version in loaded if version is not None}
