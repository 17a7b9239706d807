from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.slurm.recordings import LOADED_CLUSTER, recorded
from tracker.slurm import sacct, sinfo, squeue
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm, parse
from tracker.slurm.commands import COMMANDS, accounting_argv
from tracker.slurm.errors import ParseError, SlurmRefused, SlurmUnavailable
from tracker.slurm.transports import Output

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CAPTURED = read_capture(LOADED_CLUSTER).transport


def failed(name: str, stderr: str, rc: int = 1, stdout: str = "") -> Output:
    return replace(CAPTURED.outputs[name], stdout=stdout, stderr=stderr, rc=rc)


class Recorder:
    """A transport that answers from the capture and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def run(self, command_name: str, argv: Sequence[str], *, timeout_s: float) -> Output:
        self.asked.append(tuple(argv))
        return CAPTURED.run(command_name, argv, timeout_s=timeout_s)


def test_every_question_has_an_answer_in_records() -> None:
    slurm = Slurm(CAPTURED)
    assert len(slurm.queue()) == 387
    assert len(slurm.accounting(NOON)) == 1041
    assert len(slurm.nodes()) == len(slurm.sinfo()) == 22
    assert len(slurm.partitions()) == 4
    assert len(slurm.reservations()) == 2
    assert slurm.config().cluster_name == "lab"
    assert len(slurm.priorities()) == 186
    assert len(slurm.shares()) == len(slurm.associations()) == 13
    assert len(slurm.qos()) == 3
    assert slurm.diagnostics().jobs_pending == 225


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_raw_output_can_be_kept_and_parsed_later(name: str) -> None:
    output = Slurm(CAPTURED).fetch(name, since=NOON if name == "sacct" else None)
    assert output.stdout
    assert parse(output)


def test_accounting_is_asked_by_window_in_utc() -> None:
    recorder = Recorder()
    berlin = timezone(timedelta(hours=1))
    Slurm(recorder).accounting(datetime(2026, 11, 23, 13, tzinfo=berlin))
    (argv,) = recorder.asked
    assert argv[-4:] == ("-S", "2026-11-23T12:00:00", "-E", "now")
    assert {"-a", "-D", "-X", "-P"} <= set(argv)


def test_accounting_is_asked_by_id_over_all_time() -> None:
    recorder = Recorder()
    Slurm(recorder).accounting(None, [12, 13])
    (argv,) = recorder.asked
    assert argv[-2:] == ("-j", "12,13")
    assert "-S" not in argv


def test_sacct_is_never_asked_without_a_window_or_with_too_many_ids() -> None:
    with pytest.raises(ValueError, match="midnight"):
        accounting_argv(None)
    with pytest.raises(ValueError, match="201 job ids"):
        accounting_argv(None, range(201))


def test_free_text_stands_last_in_what_is_asked() -> None:
    assert squeue.FIELDS[-4:] == ("Comment", "Command", "WorkDir", "Name")
    assert sacct.FIELDS[-3:] == ("WorkDir", "Comment", "JobName")
    assert sinfo.FIELDS[-1] == "Reason"


def test_fields_that_only_some_releases_know_are_not_asked_of_sacct() -> None:
    assert not {"Reserved", "Planned", "Restarts", "StdOut", "SubmitLine"} & set(sacct.FIELDS)


@pytest.mark.parametrize(
    ("name", "stderr", "rc"),
    [  # as printed by 22.05 with the controller, then the database, down
        (
            "squeue",
            "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
            1,
        ),
        ("sshare", "Couldn't get shares from controller: Unable to contact slurm controller", 255),
        ("sacct", "sacct: error: Problem talking to the database: Connection refused", 1),
        ("qos", "sacctmgr: error: Sending PersistInit msg: Connection refused", 1),
    ],
)
def test_a_slurm_that_is_down_is_unavailable(name: str, stderr: str, rc: int) -> None:
    with pytest.raises(SlurmUnavailable, match=f"exit code {rc}"):
        parse(failed(name, stderr, rc))


@pytest.mark.parametrize(
    ("stderr", "rc", "stdout"),
    [
        (recorded("squeue_badjob.txt"), 1, ""),
        ("squeue: error: Invalid user: nosuchuser\n", 0, ""),
        ("squeue: error: Invalid job format specification: nosuch\n", 0, "12\x1f\n13\x1f\n"),
        ("", 1, ""),
    ],
)
def test_a_no_is_a_no_even_with_exit_code_0(stderr: str, rc: int, stdout: str) -> None:
    with pytest.raises(SlurmRefused, match="squeue -a -h"):
        parse(failed("squeue", stderr, rc, stdout))


def test_the_one_field_that_old_sinfo_lacks_may_be_lacking() -> None:
    stderr = "sinfo: error: Invalid job format specification: StateComplete\n"
    stdout = CAPTURED.outputs["sinfo"].stdout
    assert len(parse(failed("sinfo", stderr, rc=0, stdout=stdout))) == 22


def test_an_empty_queue_is_an_answer() -> None:
    assert parse(failed("squeue", "", rc=0)) == []


def test_text_that_is_no_answer_names_line_and_command() -> None:
    with pytest.raises(ParseError) as caught:
        parse(failed("squeue", "", rc=0, stdout="squeue: command moved\n"))
    assert (caught.value.command, caught.value.line) == ("squeue", "squeue: command moved")
