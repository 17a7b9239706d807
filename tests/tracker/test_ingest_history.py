"""Files of sacct output: streamed, repeatable, forgiving of single rows."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.factories import NOW, make_cluster
from tracker.ingest import history, import_sacct
from tracker.models import Job
from tracker.slurm.errors import ParseError

pytestmark = pytest.mark.django_db
RECORDED = Path(__file__).resolve().parents[1] / "data/slurm/22.05/sacct_jobs.psv.gz"
HEADER = "JobID|JobIDRaw|State|ExitCode|User|Submit|Start|End|JobName\n"


def row(job_id: int, name: str = "train") -> str:
    return f"{job_id}|{job_id}|COMPLETED|0:0|alice|1795431600|1795431660|1795431720|{name}\n"


def lines_of(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return list(file)


def test_a_recorded_history_comes_in_once() -> None:
    cluster = make_cluster()
    first = import_sacct(cluster, lines_of(RECORDED), NOW)
    assert first.counts.created == Job.objects.count() > 1_000
    again = import_sacct(cluster, lines_of(RECORDED), NOW)
    assert (again.counts.created, again.counts.changed) == (0, 0)
    # The recording has job names with a | in the middle of the row.
    assert (first.unreadable, again.unreadable) == (3, 3)
    assert "not an amount" in first.first_problem


def test_rows_are_recorded_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "ROWS_AT_ONCE", 2)
    told: list[int] = []
    rows = (row(n) for n in range(1, 6))
    import_sacct(make_cluster(), [HEADER, *rows], NOW, lambda sums: told.append(sums.counts.seen))
    assert told == [2, 4, 5]


def test_a_name_with_bars_and_a_line_break_is_one_job() -> None:
    lines = [HEADER, *row(9, "a|b\nc").splitlines(keepends=True), row(10)]
    import_sacct(make_cluster(), lines, NOW)
    assert Job.objects.get(job_id=9).name == "a|b\nc"
    assert Job.objects.filter(job_id=10).exists()


def test_a_file_cut_in_its_last_row_brings_the_rows_before() -> None:
    done = import_sacct(make_cluster(), [HEADER, row(8), "9|9|COMPL"], NOW)
    assert (done.counts.created, done.unreadable) == (1, 1)


def test_a_file_without_the_needed_columns_is_told_how_to_be_made() -> None:
    with pytest.raises(
        ParseError, match=r"lacks JobIDRaw, Submit, End; make the file with: TZ=UTC"
    ):
        import_sacct(make_cluster(), ["JobID|State\n", "1|COMPLETED\n"], NOW)
