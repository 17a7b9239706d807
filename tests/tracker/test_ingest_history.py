"""Files of sacct output: streamed, taken up where they were cut, forgiving of single rows."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from tests.factories import NOW, make_cluster
from tracker.ingest import Imported, dumps, import_sacct, record_queue
from tracker.ingest import queue as ingest_queue
from tracker.ingest.accounting import undecided_jobs
from tracker.ingest.history import ChangedFileError
from tracker.models import Attempt, HistoryImport, Job, Poll
from tracker.slurm.errors import ParseError

pytestmark = pytest.mark.django_db
RECORDED = Path(__file__).resolve().parents[1] / "data/slurm/22.05/sacct_jobs.psv.gz"
HEADER = b"JobID|JobIDRaw|State|ExitCode|User|Submit|Start|End|JobName\n"


def row(job_id: int, name: str = "train", state: str = "COMPLETED") -> bytes:
    times = "1795431600|1795431660|1795431720"
    return f"{job_id}|{job_id}|{state}|0:0|alice|{times}|{name}\n".encode()


def rows(first: int, last: int) -> list[bytes]:
    return [row(job_id) for job_id in range(first, last + 1)]


def lines_of(path: Path) -> list[bytes]:
    with gzip.open(path) as file:
        return list(file)


def told(done: Imported) -> tuple[int, int, int]:
    return done.counts.seen, done.counts.created, done.lines_before


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "ROWS_AT_ONCE", 20)


def cut_after(lines: Iterable[bytes]) -> Iterator[bytes]:
    yield from lines
    raise OSError("the disk is gone")


def test_a_recorded_history_comes_in_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    cluster = make_cluster()
    first = import_sacct(cluster, lines_of(RECORDED), NOW)
    assert first.counts.created == Job.objects.count() > 1_000
    again = import_sacct(cluster, lines_of(RECORDED), NOW, again=True)
    assert (again.counts.created, again.counts.changed) == (0, 0)
    # The recording has job names with a | in the middle of the row.
    assert (first.unreadable, again.unreadable) == (3, 3)
    assert "not an amount" in first.first_problem


def test_rows_are_recorded_some_at_a_time() -> None:
    seen: list[int] = []
    tell = lambda sums: seen.append(sums.counts.seen)  # noqa: E731
    import_sacct(make_cluster(), [HEADER, *rows(1, 50)], NOW, tell=tell)
    assert seen == [0, 20, 40, 50]


def test_a_name_with_bars_and_a_line_break_is_one_job() -> None:
    lines = [HEADER, *row(9, "a|b\nc").splitlines(keepends=True), row(10)]
    import_sacct(make_cluster(), lines, NOW)
    assert Job.objects.get(job_id=9).name == "a|b\nc"
    assert Job.objects.filter(job_id=10).exists()


def test_bytes_that_are_no_text_cost_no_row() -> None:
    lines = [HEADER, row(9).replace(b"train", b"pr\xe9p\0")]
    import_sacct(make_cluster(), lines, NOW)
    assert Job.objects.get(job_id=9).name == "pr�p�"


def test_a_text_without_separators_is_no_endless_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "MAX_ROW_BYTES", 200)
    done = import_sacct(make_cluster(), [HEADER, row(9), *[b"x" * 99 + b"\n"] * 9], NOW)
    assert (done.counts.seen, done.unreadable) == (1, 4)


def test_a_cut_row_takes_no_other_with_it() -> None:
    done = import_sacct(make_cluster(), [HEADER, row(8), b"9|9|COMPL\n", row(10)], NOW)
    assert (done.counts.created, done.unreadable) == (2, 1)


def test_a_file_without_the_needed_columns_is_told_how_to_be_made() -> None:
    with pytest.raises(
        ParseError, match=r"lacks JobIDRaw, Submit, End; make the file with: TZ=UTC"
    ):
        import_sacct(make_cluster(), [b"JobID|State\n", b"1|COMPLETED\n"], NOW)


def test_a_cut_import_goes_on_with_the_first_row_not_recorded() -> None:
    cluster, lines = make_cluster(), [HEADER, *rows(1, 150)]
    with pytest.raises(OSError, match="disk"):
        import_sacct(cluster, cut_after(lines[:131]), NOW)
    assert HistoryImport.objects.get().lines_done == Job.objects.count() == 120
    assert told(import_sacct(cluster, lines, NOW)) == (30, 30, 120)
    assert Job.objects.count() == Attempt.objects.count() == 150


def test_a_finished_import_has_nothing_left_to_do() -> None:
    cluster, lines = make_cluster(), [HEADER, *rows(1, 150)]
    assert import_sacct(cluster, lines, NOW).already_at is None
    again = import_sacct(cluster, lines, NOW)
    assert again.already_at == HistoryImport.objects.get().finished_at
    assert told(again) == (1, 0, 149)
    assert import_sacct(cluster, lines, NOW, again=True).already_at is None


def test_a_file_that_has_grown_goes_on_with_its_last_row() -> None:
    cluster = make_cluster()
    cut, whole = row(140)[:-9], row(140)
    assert import_sacct(cluster, [HEADER, *rows(1, 139), cut], NOW).unreadable == 1
    grown = import_sacct(cluster, [HEADER, *rows(1, 139), whole, *rows(141, 150)], NOW)
    assert (*told(grown), grown.already_at) == (11, 11, 139, None)
    assert Job.objects.count() == 150


def test_a_file_that_differs_further_on_is_another_file() -> None:
    cluster = make_cluster()
    running = row(130, state="RUNNING").replace(b"1795431720", b"Unknown")
    import_sacct(cluster, [HEADER, *rows(1, 129), running, *rows(131, 140)], NOW)
    ended = [HEADER, *rows(1, 150)]
    with pytest.raises(ChangedFileError, match="first 139 lines"):
        import_sacct(cluster, ended, NOW)
    done = import_sacct(cluster, ended, NOW, again=True)
    assert (done.counts.created, done.counts.changed) == (10, 1)
    assert import_sacct(cluster, ended, NOW).already_at


def test_the_same_file_is_brought_into_each_cluster() -> None:
    lines = [HEADER, *rows(1, 3)]
    for name in ("lab", "other"):
        assert told(import_sacct(make_cluster(name), lines, NOW)) == (3, 3, 0)


@pytest.mark.parametrize(
    ("polled", "in_queue", "is_final"),
    [(None, False, False), (-7200, False, False), (0, False, True), (0, True, False)],
)
def test_a_failed_job_is_over_where_a_queue_read_since_lacks_it(
    *, polled: int | None, in_queue: bool, is_final: bool
) -> None:
    cluster = make_cluster()
    if polled is not None:
        at = NOW + timedelta(seconds=polled)
        Poll.objects.create(
            cluster=cluster, command="squeue", ok=True, started_at=at, seconds=1, raw=b""
        )
    import_sacct(cluster, [HEADER, row(7, state="RUNNING")], NOW)
    Job.objects.update(in_queue=in_queue)
    import_sacct(cluster, [HEADER, row(7, state="FAILED")], NOW)
    assert Job.objects.get().is_final is is_final


def test_a_history_older_than_any_poll_is_settled_some_jobs_a_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingest_queue, "SETTLED_AT_ONCE", 2)
    cluster = make_cluster()
    import_sacct(cluster, [HEADER, *(row(n, state="FAILED") for n in range(1, 6))], NOW)
    left = []
    for _ in range(3):
        record_queue(cluster, [], NOW)
        left.append(Job.objects.filter(is_final=False).count())
    assert left == [3, 1, 0]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's planner goes by statistics")
def test_the_queue_and_open_jobs_are_found_without_the_history() -> None:
    cluster = make_cluster()
    queue = Job.objects.filter(cluster=cluster, in_queue=True)
    assert "INDEX job_in_queue" in queue.explain()
    assert "INDEX job_open" in undecided_jobs(cluster).explain()
