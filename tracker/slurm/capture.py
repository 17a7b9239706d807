"""A capture: the raw output of every poller command in one folder, to plan and debug elsewhere."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tracker.slurm.client import Slurm, parse
from tracker.slurm.commands import COMMANDS, FORMAT_ENV
from tracker.slurm.errors import ParseError, SlurmUnavailable
from tracker.slurm.processes import MAX_OUTPUT_BYTES
from tracker.slurm.transports import Output, ReplayTransport, Transport

MANIFEST = "manifest.json"
_COMPRESS_ABOVE_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """``taken_at`` is when squeue was asked; ``timezone`` that of times printed without one."""

    cluster: str
    slurm_version: str
    taken_at: datetime
    timezone: str


@dataclass(frozen=True, slots=True)
class Capture:
    manifest: Manifest
    transport: ReplayTransport


def write_capture(
    transport: Transport, folder: Path, history_days: float, now: datetime
) -> Manifest:
    """Asks everything once, sacct for the last ``history_days``; failed commands are kept too.

    Raises SlurmUnavailable where a command gives no output at all, FileExistsError where the folder
    already holds a capture. The folder is readable by its owner only: it names people and jobs.
    """
    slurm = Slurm(transport)
    since = now - timedelta(days=history_days)
    outputs = {
        name: slurm.fetch(name, since=since if name == "sacct" else None) for name in COMMANDS
    }
    config = parse(outputs["config"])
    manifest = Manifest(
        config.cluster_name, config.slurm_version, outputs["squeue"].started_at, FORMAT_ENV["TZ"]
    )
    save_outputs(folder, manifest, outputs)
    return manifest


def save_outputs(folder: Path, manifest: Manifest, outputs: Mapping[str, Output]) -> None:
    """Writes the files, then the manifest that names them."""
    if (folder / MANIFEST).exists():
        raise FileExistsError(f"{folder} already holds a capture; name a new folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    commands = []
    for name, output in outputs.items():
        commands.append(
            {
                "name": name,
                "argv": list(output.argv),
                "env": dict(FORMAT_ENV),
                "file": _save_text(folder, f"{name}.txt", output.stdout),
                "rc": output.rc,
                "started_at": output.started_at.isoformat(),
                "seconds": output.seconds,
            }
        )
        if output.stderr:
            (folder / f"{name}.stderr.txt").write_text(output.stderr, encoding="utf-8")
    document = {
        "cluster": manifest.cluster,
        "slurm_version": manifest.slurm_version,
        "taken_at": manifest.taken_at.isoformat(),
        "timezone": manifest.timezone,
        "commands": commands,
    }
    (folder / MANIFEST).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _save_text(folder: Path, file: str, text: str) -> str:
    raw = text.encode("utf-8")
    if len(text) <= _COMPRESS_ABOVE_CHARS:
        (folder / file).write_bytes(raw)
        return file
    (folder / f"{file}.gz").write_bytes(gzip.compress(raw, mtime=0))  # the same bytes each time
    return f"{file}.gz"


def read_capture(folder: Path) -> Capture:
    """Raises SlurmUnavailable where files are missing, ParseError for a malformed manifest."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except OSError as error:
        raise SlurmUnavailable(
            f"{folder} holds no readable {MANIFEST} ({error.strerror}); "
            f"make a capture with: manage.py capture {folder}"
        ) from error
    try:
        document = json.loads(text)
        manifest = Manifest(
            cluster=str(document["cluster"]),
            slurm_version=str(document["slurm_version"]),
            taken_at=_aware(document["taken_at"]),
            timezone=str(document["timezone"]),
        )
        outputs = [_read_output(folder, entry) for entry in document["commands"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError(MANIFEST, text, f"not a capture's manifest: {error!r}") from error
    return Capture(manifest, ReplayTransport({output.name: output for output in outputs}))


def _read_output(folder: Path, entry: Mapping[str, Any]) -> Output:
    name, file = str(entry["name"]), str(entry["file"])
    stderr = folder / f"{name}.stderr.txt"
    return Output(
        name=name,
        argv=tuple(str(word) for word in entry["argv"]),
        stdout=_read_text(folder, file),
        stderr=_read_text(folder, stderr.name) if stderr.exists() else "",
        rc=int(entry["rc"]),
        started_at=_aware(entry["started_at"]),
        seconds=float(entry["seconds"]),
    )


def _read_text(folder: Path, file: str) -> str:
    if Path(file).name != file:
        raise ValueError(f"file {file!r} is not a plain name inside the capture's folder")
    try:
        with (
            gzip.open(folder / file) if file.endswith(".gz") else (folder / file).open("rb") as raw
        ):
            content = raw.read(MAX_OUTPUT_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SlurmUnavailable(f"{folder / file} cannot be read: {error}") from error
    if len(content) > MAX_OUTPUT_BYTES:
        raise ValueError(f"file {file!r} is larger than {MAX_OUTPUT_BYTES} bytes")
    return content.decode("utf-8", "replace")


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time {text!r} has no zone")
    return moment
