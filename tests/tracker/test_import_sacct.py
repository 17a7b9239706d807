"""``manage.py import_sacct`` as a process: stopped, killed, repeated; and what it prints."""

from __future__ import annotations

import gzip
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.factories import NOW, make_cluster
from tests.services import wait_until
from tests.tracker.test_ingest_history import HEADER, row, rows
from tracker.ingest import dumps, import_sacct
from tracker.management.progress import Progress
from tracker.models import Attempt, HistoryImport, Job

ROOT = Path(__file__).resolve().parents[2]
# The command in the database of the tests, with few rows a transaction.
PROGRAM = """
import sys
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv.pop(1)
django.setup()
from django.core.management import execute_from_command_line
from tracker.ingest import dumps
dumps.ROWS_AT_ONCE = 50
execute_from_command_line(["manage.py", "import_sacct", *sys.argv[1:]])
"""


def requeued(job_id: int) -> list[bytes]:
    """Its two attempts."""
    return [row(job_id, state="NODE_FAIL"), row(job_id).replace(b"1795431", b"1795432")]


DUMP = [HEADER, *(line for job_id in range(1, 91) for line in requeued(job_id))]


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(connection.settings_dict["NAME"]), *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def feed(process: subprocess.Popen[bytes], lines: list[bytes]) -> None:
    """Until it has recorded what it got, and waits for more."""
    assert process.stdin
    process.stdin.writelines(lines)
    process.stdin.flush()
    far = (len(lines) - 2) // 50 * 50
    is_recorded = HistoryImport.objects.filter(lines_done=far).exists
    wait_until(lambda: is_recorded() or process.poll() is not None, "the first rows", 60)
    assert process.poll() is None, process.communicate()


def recorded(cluster_name: str) -> list[tuple[object, ...]]:
    ours = {"id", "cluster_id", "first_seen_at", "changed_at"}
    names = [field.attname for field in Job._meta.concrete_fields if field.attname not in ours]
    jobs = Job.objects.filter(cluster__name=cluster_name).order_by("job_id")
    attempts = Attempt.objects.filter(job__cluster__name=cluster_name).order_by("job__job_id")
    facts = ("job__job_id", "number", "submit_at", "start_at", "end_at", "state", "accounted")
    return [*jobs.values_list(*names), *attempts.order_by(*facts).values_list(*facts)]


@pytest.mark.django_db(transaction=True)
def test_after_a_kill_the_repeated_import_leaves_the_rows_of_a_whole_one() -> None:
    make_cluster("lab")
    with start("-") as process:
        feed(process, DUMP[:152])
        process.kill()
        process.communicate()
    assert Attempt.objects.count() == 150
    with start("-", "--json") as repeated:
        output, errors = repeated.communicate(b"".join(DUMP))
    assert b"150 lines are in already; going on there" in errors
    assert json.loads(output)["attempts"] == 30
    import_sacct(make_cluster("whole"), DUMP, NOW)
    assert recorded("lab") == recorded("whole")
    assert Attempt.objects.filter(job__cluster__name="lab").count() == 180


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_import_keeps_what_is_recorded_and_says_how_to_go_on(by: signal.Signals) -> None:
    make_cluster("lab")
    with start("-") as process:
        feed(process, DUMP[:152])
        process.send_signal(by)
        _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.decode() == (
        "CommandError: stopped. What was recorded stays; repeat the command to go on there.\n"
    )
    assert HistoryImport.objects.get().finished_at is None
    assert Attempt.objects.count() == 150


def run(*words: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("import_sacct", *words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "history.psv"
    path.write_bytes(HEADER + b"".join(rows(1, 150)))
    return path


@pytest.mark.django_db
def test_a_file_that_is_in_already_is_not_read_again(file: Path) -> None:
    make_cluster()
    assert run(str(file)) == ("150 attempts read: 150 jobs new, 0 changed, 0 rows unreadable\n", "")
    output, _ = run(str(file))
    assert output.startswith("already brought in on 2")
    assert output.endswith("UTC; nothing to do\n")
    assert run(str(file), "--again")[0].startswith("150 attempts read: 0 jobs new")


@pytest.mark.django_db
def test_a_changed_file_is_read_whole_but_standard_input_cannot_be(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cluster()
    run(str(file))
    file.write_bytes(HEADER + b"".join([*rows(1, 120), *rows(300, 350)]))
    with monkeypatch.context() as patched, file.open() as opened:
        patched.setattr("sys.stdin", opened)
        with pytest.raises(CommandError, match="give --again to read all of it"):
            run("-")
    output, errors = run(str(file))
    assert "differs from" in errors
    assert output.startswith("171 attempts read: 51 jobs new")


@pytest.mark.django_db
def test_a_cut_archive_brings_the_rows_before_the_cut_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumps, "ROWS_AT_ONCE", 50)
    make_cluster()
    names = (f"{number * 2654435761 % 2**32:x}" for number in range(1, 5_001))  # hardly compress
    text = HEADER + b"".join(row(number, name) for number, name in enumerate(names, 1))
    whole = gzip.compress(text)
    file = tmp_path / "history.psv.gz"
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CommandError, match=r"to its end: .* repeat the command to go on there"):
        run(str(file))
    before = Job.objects.count()
    assert 1_000 < before < 4_000
    file.write_bytes(whole)
    assert run(str(file))[0].startswith(f"{5_000 - before} attempts read")
    assert Job.objects.count() == 5_000


@pytest.mark.django_db
def test_the_result_as_json(file: Path) -> None:
    make_cluster()
    told = json.loads(run(str(file), "--json")[0])
    assert told.pop("seconds") > 0
    assert told == {
        "attempts": 150,
        "jobs_new": 150,
        "jobs_changed": 0,
        "rows_unreadable": 0,
        "first_unreadable": "",
        "lines_before": 0,
        "already_at": None,
    }


def test_progress_is_quiet_at_first_then_a_line_in_five_seconds() -> None:
    said: list[str] = []
    now_s = position = 0
    progress = Progress(said.append, 2_000, lambda: position, lambda: now_s)
    for now_s in range(13):
        position = 1_000 + 10 * now_s  # half of the file was passed over
        progress.reached(500 * now_s)
    assert said == [
        "51 %, 1000 rows, 500 rows/s, 98 s left",
        "53 %, 3500 rows, 500 rows/s, 93 s left",
        "56 %, 6000 rows, 500 rows/s, 88 s left",
    ]


def test_progress_of_a_pipe_tells_rows_alone() -> None:
    said: list[str] = []
    now_s = 0.0
    progress = Progress(said.append, None, lambda: 0, lambda: now_s)
    progress.reached(0)
    now_s = 4.0
    progress.reached(1_000)
    assert said == ["1000 rows, 250 rows/s"]
