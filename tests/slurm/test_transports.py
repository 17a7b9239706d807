from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tracker.slurm.errors import SlurmUnavailable
from tracker.slurm.rows import SEPARATOR, read_rows
from tracker.slurm.transports import LocalTransport, Output, ReplayTransport


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def install(folder: Path, name: str, body: str) -> None:
    """A command of our own in Slurm's place."""
    path = folder / name
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_output_errors_and_exit_code_come_back_as_they_are(bin_folder: Path) -> None:
    install(bin_folder, "squeue", 'printf "%s\\n" "$@"; echo sorry >&2; exit 3')
    transport = LocalTransport(path=str(bin_folder))
    before = datetime.now(UTC)
    output = transport.run("squeue", ["squeue", "-a", "two words; $(id)"], timeout_s=10)
    assert (output.stdout, output.stderr, output.rc) == ("-a\ntwo words; $(id)\n", "sorry\n", 3)
    assert output.argv == ("squeue", "-a", "two words; $(id)")
    assert before <= output.started_at <= datetime.now(UTC)
    assert output.seconds >= 0


def test_commands_see_an_environment_of_our_choice_only(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "of the service")
    monkeypatch.setenv("SQUEUE_FORMAT", "%i")
    monkeypatch.setenv("SLURM_CLUSTERS", "elsewhere")
    install(bin_folder, "squeue", "env")
    transport = LocalTransport(path=str(bin_folder), slurm_conf="/etc/other.conf")
    lines = transport.run("squeue", ["squeue"], timeout_s=10).stdout.splitlines()
    environment = dict(line.split("=", 1) for line in lines)
    assert environment["SLURM_TIME_FORMAT"] == "%s"
    assert (environment["TZ"], environment["LC_ALL"]) == ("UTC", "C.UTF-8")
    assert environment["SLURM_BITSTR_LEN"] == "0"
    assert environment["SLURM_CONF"] == "/etc/other.conf"
    assert not {"SECRET_KEY", "SQUEUE_FORMAT", "SLURM_CLUSTERS"} & set(environment)


def test_a_command_that_is_not_there_is_named_with_the_cure(bin_folder: Path) -> None:
    with pytest.raises(SlurmUnavailable, match=r"squeue cannot be started .*PATH="):
        LocalTransport(path=str(bin_folder)).run("squeue", ["squeue"], timeout_s=10)


def test_a_command_that_hangs_is_ended_with_its_children(bin_folder: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    install(bin_folder, "sacct", f"sleep 600 & echo $! $$ > {pids}; wait")
    transport = LocalTransport(path=str(bin_folder))
    with pytest.raises(SlurmUnavailable, match=r"sacct was ended after .* its time was up"):
        transport.run("sacct", ["sacct"], timeout_s=1)
    started = [int(pid) for pid in pids.read_text().split()]
    for _ in range(100):  # the orphan is reaped by init, a moment later
        if not any(is_alive(pid) for pid in started):
            break
        time.sleep(0.05)
    assert [pid for pid in started if is_alive(pid)] == []


def test_a_command_that_prints_without_end_is_ended(bin_folder: Path) -> None:
    install(bin_folder, "sacct", "yes")
    transport = LocalTransport(path=str(bin_folder), max_output_bytes=100_000)
    with pytest.raises(SlurmUnavailable, match="more than 100000 bytes"):
        transport.run("sacct", ["sacct"], timeout_s=60)


def test_bytes_that_are_no_utf_8_do_not_stop_a_poll(bin_folder: Path) -> None:
    install(bin_folder, "squeue", r"printf 'na\377me\n'")
    output = LocalTransport(path=str(bin_folder)).run("squeue", ["squeue"], timeout_s=10)
    assert output.stdout == "na\N{REPLACEMENT CHARACTER}me\n"


def test_a_job_name_cannot_hold_a_row_of_another_job(bin_folder: Path) -> None:
    # As squeue -O prints: a row ends with the name, here a newline and a whole row of job 9.
    install(
        bin_folder,
        "squeue",
        r"""d=${1#*:}; d=${d%%,*}; printf "7${d}train\n9\037COMPLETED\n8${d}next\n" """,
    )
    transport = LocalTransport(path=str(bin_folder))
    argv = ["squeue", f"JobID:{SEPARATOR},Name:"]
    first, again = (transport.run("squeue", argv, timeout_s=10) for _ in range(2))
    rows = list(read_rows(first.stdout, ("JobID", "Name"), command="squeue"))
    assert [(row.raw("JobID"), row.raw("Name")) for row in rows] == [
        ("7", "train\n9\N{SYMBOL FOR UNIT SEPARATOR}COMPLETED"),
        ("8", "next"),
    ]
    assert (again.stdout, again.argv) == (first.stdout, tuple(argv))


def test_the_delimiter_asked_for_is_another_each_time(bin_folder: Path) -> None:
    install(bin_folder, "sacct", 'echo "$1" >&2')
    transport = LocalTransport(path=str(bin_folder))
    argv = ["sacct", f"--delimiter={SEPARATOR}"]
    asked = {transport.run("sacct", argv, timeout_s=10).stderr for _ in range(3)}
    assert len(asked) == 3
    assert all(len(words) > len(f"--delimiter={SEPARATOR}") + 8 for words in asked)


def test_a_recording_answers_by_name_and_says_what_it_lacks() -> None:
    output = Output("sdiag", ("sdiag",), "text", "", 0, datetime(2026, 1, 1, tzinfo=UTC), 0.1)
    replay = ReplayTransport({"sdiag": output})
    assert replay.run("sdiag", ["sdiag"], timeout_s=1) is output
    with pytest.raises(SlurmUnavailable, match="holds no squeue, only sdiag"):
        replay.run("squeue", ["squeue"], timeout_s=1)
