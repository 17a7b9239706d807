"""Exports: what a table holds, in each format, and whose runs are in it."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.template import Context, Template
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from tests.factories import NOW, make_experiment
from tests.tracker.callers import by_session, by_token
from tracker.exports import Column, Format, Holds, Table, formats, point_tables, run_tables, written
from tracker.models import Actor, Run, RunTag
from tracker.recording import NewPoint, append_points, create_run

pytestmark = pytest.mark.django_db
STRANGE = [math.nan, math.inf, -math.inf]


def text_of(table: Table, as_format: Format) -> str:
    return b"".join(written(table, as_format)).decode()


def table(*columns: tuple[str, Holds, list[object]]) -> Table:
    named = [Column(name, holds) for name, holds, _ in columns]
    return Table(named, [[cells for _, _, cells in columns]])


def frame(answer_or_bytes: bytes) -> dict[str, list[object]]:
    return pq.read_table(io.BytesIO(answer_or_bytes)).to_pydict()


# --- formats
def test_csv_keeps_every_kind_of_cell() -> None:
    every = table(
        ("text", Holds.TEXT, ["a,b", None]),
        ("whole", Holds.WHOLE, [2**62, None]),
        ("number", Holds.NUMBER, [0.1, None]),
        ("flag", Holds.FLAG, [True, False]),
        ("moment", Holds.MOMENT, [NOW, None]),
        ("list", Holds.TEXT, [[1, 2], None]),
    )
    assert text_of(every, Format.CSV).splitlines() == [
        "text,whole,number,flag,moment,list",
        '"a,b",4611686018427387904,0.1,true,2026-11-23T12:30:00+00:00,"[1, 2]"',
        ",,,false,,",
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_in_csv_is_a_formula_to_a_spreadsheet(text: str) -> None:
    cells = next(
        csv.reader(io.StringIO(text_of(table((text, Holds.TEXT, [text])), Format.CSV), ""))
    )
    assert cells == [f"'{text}"]
    assert f"'{text}" in text_of(table(("name", Holds.TEXT, [text])), Format.CSV)


def test_numbers_below_zero_stay_numbers_in_csv() -> None:
    numbers = table(("a", Holds.NUMBER, [-0.5]), ("b", Holds.WHOLE, [-1]))
    assert text_of(numbers, Format.CSV).splitlines()[1] == "-0.5,-1"


def test_what_is_not_finite_stays_so_in_each_format() -> None:
    strange = table(("value", Holds.NUMBER, [*STRANGE, None]))
    assert text_of(strange, Format.CSV).split() == ["value", "NaN", "Infinity", "-Infinity", '""']
    assert [row["value"] for row in json.loads(text_of(strange, Format.JSON))] == [
        "NaN", "Infinity", "-Infinity", None,
    ]  # fmt: skip
    nan, *rest = frame(b"".join(written(strange, Format.PARQUET)))["value"]
    assert math.isnan(nan)
    assert rest == [math.inf, -math.inf, None]


def test_json_is_a_list_also_of_no_rows_and_of_several_batches() -> None:
    column = [Column("a", Holds.WHOLE)]
    assert json.loads(text_of(Table(column, []), Format.JSON)) == []
    batches = [[[1, 2]], [[]], [[3]]]
    assert json.loads(text_of(Table(column, batches), Format.JSON)) == [
        {"a": 1}, {"a": 2}, {"a": 3},
    ]  # fmt: skip


def test_parquet_has_types_and_moments_and_cells_alike() -> None:
    every = table(
        ("mixed", Holds.TEXT, ["a", 1, [1], True, math.nan, None]),
        ("number", Holds.NUMBER, [1, 0.5, None, None, None, None]),
        ("moment", Holds.MOMENT, [NOW, None, None, None, None, None]),
    )
    read = frame(b"".join(written(every, Format.PARQUET)))
    assert read["mixed"] == ["a", "1", "[1]", "true", "NaN", None]
    assert read["number"][:2] == [1.0, 0.5]
    assert read["moment"][0] == NOW


def test_half_a_character_breaks_no_format() -> None:
    broken = table(("name", Holds.TEXT, ["\ud800"]))
    for each in Format:
        assert b"".join(written(broken, each))


def test_a_table_is_written_batch_by_batch() -> None:
    """Nothing waits for the end of what may be ten million rows."""
    made = []

    def batches():
        for number in range(3):
            made.append(number)
            yield [[number] * 1_000]

    for each in Format:
        made.clear()
        pieces = written(Table([Column("a", Holds.WHOLE)], batches()), each)
        assert next(pieces)
        assert made == [0]
        pieces.close()


# --- runs
def make_run(people, config=None, points=(), **fields) -> Run:
    experiment = fields.pop("experiment", None) or make_experiment(people.alice)
    run, _ = create_run(experiment, actor=Actor(people.alice), config=config or {})
    append_points(run, points, now=NOW)
    Run.objects.filter(pk=run.pk).update(**fields)
    return Run.objects.get(pk=run.pk)


def export(user, **query: object):
    answer = by_session(user).get("/api/v1/runs/export", query)
    return b"".join(answer) if answer.streaming else answer


def exported(user, **query: object) -> list[dict[str, object]]:
    return json.loads(export(user, format="json", **query))


def test_a_row_has_all_that_is_known_of_a_run(people):
    points = [NewPoint("loss", step, value) for step, value in enumerate([3.0, 1.0, 2.0])]
    run = make_run(
        people, {"optim": {"lr": 0.1}, "layers": [1, 2]}, points, name="first", status="COMPLETED",
        submitted_at=NOW, started_at=NOW, ended_at=NOW,
    )  # fmt: skip
    RunTag.objects.create(run=run, name="dataset", value="c4")
    [row] = exported(people.alice)
    assert list(row)[:3] == ["run_id", "status", "name"]
    wanted = {
        "run_id": run.pk, "name": "first", "status": "COMPLETED", "experiment": "vit-small",
        "user": "alice", "config.optim.lr": 0.1, "config.layers": [1, 2], "tags.dataset": "c4",
        "metrics.loss": 2.0, "min.loss": 1.0, "max.loss": 3.0, "duration_s": 0.0,
        "created_at": run.created_at.isoformat(),
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


def test_runs_with_unlike_settings_share_one_table(people):
    experiment = make_experiment(people.alice)
    make_run(people, {"a": 1, "both": 1}, experiment=experiment)
    make_run(people, {"b": "x", "both": 0.5}, experiment=experiment)
    read = frame(export(people.alice, format="parquet"))
    assert read["config.a"] == [None, 1]  # the newest first
    assert read["config.b"] == ["x", None]
    assert read["config.both"] == [0.5, 1.0]


def test_settings_of_unlike_kinds_are_text_in_parquet_and_themselves_in_json(people):
    experiment = make_experiment(people.alice)
    for value in (1, "adam", True, 2**70, None):
        make_run(people, {"v": value}, experiment=experiment)
    assert [row["config.v"] for row in exported(people.alice)] == [None, 2**70, True, "adam", 1]
    assert frame(export(people.alice, format="parquet"))["config.v"] == [
        None, str(2**70), "true", "adam", "1",
    ]  # fmt: skip


def test_a_last_value_that_is_not_finite_is_kept(people):
    make_run(people, points=[NewPoint("loss", 0, 1.0), NewPoint("loss", 1, math.nan)])
    [row] = exported(people.alice)
    assert (row["metrics.loss"], row["min.loss"]) == ("NaN", 1.0)


def test_it_chooses_sorts_and_shows_as_the_list_of_runs_does(people):
    experiment = make_experiment(people.alice)
    for loss in (1.0, 3.0, 2.0, 9.0):
        make_run(people, {"lr": loss}, [NewPoint("loss", 0, loss)], experiment=experiment)
    rows = exported(
        people.alice, where="metrics.loss < 5", sort="-metrics.loss", columns="config.lr,metrics.*"
    )
    assert [row["metrics.loss"] for row in rows] == [3.0, 2.0, 1.0]
    assert list(rows[0]) == ["run_id", "config.lr", "metrics.loss"]
    assert exported(people.alice, experiment=experiment.pk + 1) == []


def test_named_runs_alone_are_taken(people):
    first, second = make_run(people), make_run(people)
    rows = exported(people.alice, runs=f"{first.pk},{'0' * 32}")
    assert [row["run_id"] for row in rows] == [first.pk]
    assert second.pk not in str(rows)


def test_only_runs_that_one_sees_are_in_it(people):
    mine = make_run(people)
    make_run(people, experiment=make_experiment(people.mallory, shared=False))
    make_run(people, deleted_at=NOW)
    for what in ("runs", "points"):
        assert exported(people.mallory, what=what, runs=mine.pk) == []
    assert [row["run_id"] for row in exported(people.rita)] == [mine.pk]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"where": "metrics.loss <"}, "where"),
        ({"format": "xlsx"}, "format"),
        ({"what": "files"}, "what"),
        ({"runs": "x," * 1_001}, "runs"),
        ({"experiment": "x"}, "experiment"),
    ],
)
def test_nonsense_names_its_field(people, query, field):
    answer = export(people.alice, **query)
    assert (answer.status_code, answer.json()["errors"][0]["field"].split(".")[0]) == (400, field)


def test_too_wide_a_table_says_what_would_do(people, monkeypatch):
    monkeypatch.setattr(run_tables, "MAX_COLUMNS", 20)
    make_run(people, {str(number): number for number in range(30)})
    answer = export(people.alice)
    assert (answer.status_code, "columns=" in answer.json()["detail"]) == (400, True)
    assert len(exported(people.alice, columns="config.1")[0]) == 2


def test_without_pyarrow_parquet_says_how_to_get_it(people, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    answer = export(people.alice, format="parquet")
    assert (answer.status_code, "requirements-parquet" in answer.json()["detail"]) == (400, True)
    assert export(people.alice, format="csv")


def test_many_runs_cost_few_queries(people, monkeypatch):
    monkeypatch.setattr(run_tables, "RUNS_AT_ONCE", 5)
    experiment = make_experiment(people.alice)

    def queries_of(runs: int) -> int:
        for _ in range(runs):
            make_run(people, {"lr": 1}, [NewPoint("loss", 0, 1.0)], experiment=experiment)
        with CaptureQueriesContext(connection) as queries:
            exported(people.alice)
        return len(queries)

    few = queries_of(5)
    assert queries_of(5) - few < 12  # of another stretch of five, not of each run


def test_it_is_a_file_to_be_saved(people):
    make_run(people)
    answer = by_token(people.alice, "read").get("/api/v1/runs/export")
    assert answer["Content-Disposition"].startswith('attachment; filename="runs-2')
    assert answer["Content-Type"] == "text/csv"
    assert b"".join(answer).startswith(b"run_id,")


# --- points
def test_every_point_of_every_attempt_is_a_row(people):
    run = make_run(people, name="first")
    append_points(run, [NewPoint("loss", 0, 1.0), NewPoint("loss", 1, math.nan)], now=NOW)
    append_points(run, [NewPoint("loss", 1, 0.5, 1_795_800_000_250_000)], attempt=1, now=NOW)
    rows = exported(people.alice, what="points")
    assert rows == [
        {"run_id": run.pk, "run_name": "first", "name": "loss", "attempt": 0, "step": 0,
         "time": NOW.isoformat(), "value": 1.0},
        {"run_id": run.pk, "run_name": "first", "name": "loss", "attempt": 0, "step": 1,
         "time": NOW.isoformat(), "value": "NaN"},
        {"run_id": run.pk, "run_name": "first", "name": "loss", "attempt": 1, "step": 1,
         "time": datetime.fromtimestamp(1_795_800_000.25, UTC).isoformat(), "value": 0.5},
    ]  # fmt: skip


def test_points_of_rows_and_of_sealed_stretches_are_all_there(people):
    sealed = [NewPoint("loss", step, step / 7) for step in range(1_000)]
    run = make_run(people, points=sealed)
    for step in (1_001, 1_002):
        append_points(run, [NewPoint("loss", step, step / 7)], now=NOW)
    read = frame(export(people.alice, what="points", format="parquet"))
    assert sorted(read["step"]) == [*range(1_000), 1_001, 1_002]
    assert all(value == step / 7 for step, value in zip(read["step"], read["value"], strict=True))


def test_named_metrics_alone_are_taken(people):
    names = ("loss", "accuracy", "lr")
    make_run(people, points=[NewPoint(name, 0, 1.0) for name in names])
    rows = exported(people.alice, what="points", metric=["loss", "lr"])
    assert [row["name"] for row in rows] == ["loss", "lr"]


def test_long_tables_come_in_batches_of_bounded_size(people, monkeypatch):
    monkeypatch.setattr(point_tables, "ROWS", 100)
    monkeypatch.setattr(point_tables, "POINTS_AT_ONCE", 150)
    runs = [
        make_run(people, points=[NewPoint("loss", step, 1.0) for step in range(250)])
        for _ in range(3)
    ]
    batches = list(point_tables.points_of([run.pk for run in runs]).batches)
    assert max(len(batch[0]) for batch in batches) < 200
    assert sum(len(batch[0]) for batch in batches) == 750
    order = [run_id for batch in batches for run_id in batch[0]]
    assert order == sorted(order)


def test_a_time_that_no_calendar_has_is_missing() -> None:
    assert point_tables._moment(2**62) is None
    assert point_tables._moment(0) == datetime(1970, 1, 1, tzinfo=UTC)


# --- links
def links(query: str, **only: object) -> str:
    request = RequestFactory().get(f"/runs?{query}")
    source = (
        "{% load exports %}{% export_query which=which experiment=experiment as query %}"
        '{% include "tracker/_export_links.html" with points=True %}'
    )
    return Template(source).render(Context({"request": request, **only}))


def test_links_ask_for_the_runs_that_the_page_shows() -> None:
    html = links("q=a+b&where=metrics.loss+<+1&status=FAILED&status=TIMEOUT&page=3&group=x")
    assert (
        "format=csv&amp;q=a+b&amp;where=metrics.loss+%3C+1&amp;status=FAILED&amp;status=TIM" in html
    )
    assert "what=points&amp;format=json&amp;q=a+b" in html
    assert "page=3" not in html
    assert "which=active&amp;experiment=7" in links("", which="active", experiment=7)


def test_where_pyarrow_is_missing_the_page_says_so_and_offers_the_rest(monkeypatch) -> None:
    assert "format=parquet" in links("")
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    assert "format=parquet" not in links("")
    assert "Parquet needs pyarrow" in links("")
