from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.data.slurm import make_capture
from tests.slurm.recordings import LOADED_CLUSTER, SMALL_CLUSTER
from tracker.slurm.capture import read_capture, write_capture
from tracker.slurm.client import Slurm
from tracker.slurm.commands import COMMANDS
from tracker.slurm.errors import ParseError, SlurmUnavailable
from tracker.slurm.transports import Output, ReplayTransport

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    write_capture(read_capture(LOADED_CLUSTER).transport, folder, 30, NOW)
    return folder


def change(folder: Path, **values: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | values))


def test_a_capture_written_and_read_says_the_same(copy: Path) -> None:
    original, again = read_capture(LOADED_CLUSTER), read_capture(copy)
    assert again.manifest == original.manifest
    assert again.transport.outputs == original.transport.outputs


def test_the_manifest_names_cluster_release_time_and_every_command(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    assert set(manifest) == {"cluster", "slurm_version", "taken_at", "timezone", "commands"}
    assert (manifest["cluster"], manifest["slurm_version"]) == ("lab", "22.05.8")
    assert manifest["taken_at"] == "2026-11-23T12:30:13+00:00"
    assert {entry["name"] for entry in manifest["commands"]} == set(COMMANDS)
    for entry in manifest["commands"]:
        assert set(entry) == {"name", "argv", "env", "file", "rc", "started_at", "seconds"}
        assert entry["env"]["SLURM_TIME_FORMAT"] == "%s"
        assert (copy / entry["file"]).exists()


@pytest.mark.parametrize("folder", [LOADED_CLUSTER, SMALL_CLUSTER])
def test_recorded_captures_ask_what_the_poller_asks_today(folder: Path) -> None:
    """Or the first of its fields: sacctmgr was asked for less when the small one was recorded."""
    for name, output in read_capture(folder).transport.outputs.items():
        argv = COMMANDS[name].argv
        then = output.argv[: len(argv)]
        assert len(then) == len(argv)
        assert all(now.startswith(word) for now, word in zip(argv, then, strict=True))


def test_the_recorded_capture_is_what_the_script_makes(tmp_path: Path) -> None:
    make_capture.main(tmp_path / "made")
    made = read_capture(tmp_path / "made")
    assert made.transport.outputs == read_capture(LOADED_CLUSTER).transport.outputs


def test_history_is_asked_for_the_days_given(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    class Asking(ReplayTransport):
        def run(self, command_name: str, argv: Sequence[str], *, timeout_s: float) -> Output:
            asked.append(tuple(argv))
            return super().run(command_name, argv, timeout_s=timeout_s)

    outputs = read_capture(LOADED_CLUSTER).transport.outputs
    write_capture(Asking(outputs), tmp_path / "c", 2, NOW)
    (sacct,) = (argv for argv in asked if argv[0] == "sacct")
    assert sacct[-4:] == ("-S", "2026-11-22T00:00:00", "-E", "now")


def test_a_failed_command_is_kept_with_what_it_said(tmp_path: Path) -> None:
    outputs = dict(read_capture(LOADED_CLUSTER).transport.outputs)
    denied = "sacctmgr: error: Problem talking to the database: Connection refused\n"
    outputs["qos"] = Output("qos", ("sacctmgr",), "", denied, 1, NOW, 0.1)
    write_capture(ReplayTransport(outputs), tmp_path / "c", 1, NOW)
    again = read_capture(tmp_path / "c")
    assert (again.transport.outputs["qos"].rc, again.transport.outputs["qos"].stderr) == (1, denied)
    with pytest.raises(SlurmUnavailable, match="Connection refused"):
        Slurm(again.transport).qos()


def test_a_capture_is_readable_by_its_owner_only(copy: Path) -> None:
    assert copy.stat().st_mode & 0o777 == 0o700


def test_a_capture_is_not_written_over_another(copy: Path) -> None:
    with pytest.raises(FileExistsError, match="already holds a capture"):
        write_capture(read_capture(LOADED_CLUSTER).transport, copy, 1, NOW)


def test_a_folder_without_a_capture_is_named_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(SlurmUnavailable, match=r"manage\.py capture"):
        read_capture(tmp_path)


def test_a_file_that_is_gone_or_damaged_is_named(copy: Path) -> None:
    (copy / "sacct.txt.gz").write_bytes(b"\x1f\x8b damaged")
    with pytest.raises(SlurmUnavailable, match=r"sacct\.txt\.gz"):
        read_capture(copy)
    (copy / "squeue.txt").unlink()
    with pytest.raises(SlurmUnavailable, match=r"squeue\.txt"):
        read_capture(copy)


def test_a_capture_never_reads_outside_its_folder(copy: Path) -> None:
    entry = {"name": "squeue", "argv": [], "file": "../../etc/passwd", "rc": 0, "seconds": 0}
    change(copy, commands=[entry | {"started_at": "2026-11-23T12:30:13+00:00"}])
    with pytest.raises(ParseError, match="not a plain name"):
        read_capture(copy)


@pytest.mark.parametrize(
    "values",
    [{"taken_at": "2026-11-23T12:30:13"}, {"taken_at": None}, {"commands": [{}]}, {"commands": 3}],
)
def test_a_malformed_manifest_is_an_error_that_says_why(
    copy: Path, values: dict[str, object]
) -> None:
    change(copy, **values)
    with pytest.raises(ParseError, match="not a capture's manifest"):
        read_capture(copy)
