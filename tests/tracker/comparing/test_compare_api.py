"""GET /api/v1/compare: whose runs, as which columns, and sent anew only when something changed."""

import math
from datetime import timedelta

import pytest

from tests.factories import NOW, make_experiment
from tests.tracker.callers import by_session, by_token
from tracker.models import Actor
from tracker.recording import NewPoint, append_points, create_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment(people):
    return make_experiment(people.alice)


@pytest.fixture
def alice(people):
    return by_session(people.alice)


@pytest.fixture
def make(people, experiment):
    def make_run(values, *, metric="loss", **fields):
        run, _ = create_run(experiment, actor=Actor(people.alice), **fields)
        start_us = int(NOW.timestamp()) * 1_000_000
        points = [
            NewPoint(metric, step, value, start_us + 10_000_000 * step)
            for step, value in enumerate(values)
        ]
        append_points(run, points, now=NOW)
        return run

    return make_run


def compare(caller, status=200, headers=None, **query):
    answer = caller.get("/api/v1/compare", query, headers=headers)
    assert answer.status_code == status, answer.content
    return answer


def chart(caller, **query):
    (only,) = compare(caller, **query).json()["charts"]
    return only


def test_runs_come_in_the_order_they_are_named_with_their_curves(alice, make):
    first, second = make([3, 2, 1]), make([5, 4])
    told = compare(alice, runs=f"{second.pk},{first.pk}", metric="loss").json()
    assert [run["run_id"] for run in told["runs"]] == [second.pk, first.pk]
    curves = told["charts"][0]["curves"]
    assert [curve["value"] for curve in curves] == [[5, 4], [3, 2, 1]]
    assert curves[0]["x"] == [0, 1]
    (_, row) = told["charts"][0]["rows"]
    assert (row["last"], row["last_step"], row["min"], row["max"], row["count"]) == (1, 2, 1, 3, 3)


def test_a_metric_that_only_some_runs_have_is_a_chart_of_those(alice, make):
    one, other = make([1]), make([2], metric="accuracy")
    told = chart(alice, runs=[one.pk, other.pk], metric="accuracy")
    assert [curve["run_id"] for curve in told["curves"]] == [other.pk]
    assert chart(alice, runs=one.pk, metric="nothing")["curves"] == []


def test_values_that_are_not_finite_are_kept_and_leave_the_average(alice, make):
    run = make([1.0, math.nan, math.inf, -math.inf, 1.0])
    (curve,) = chart(alice, runs=run.pk, metric="loss", smoothing="0.5")["curves"]
    assert curve["value"] == [1, "NaN", "Infinity", "-Infinity", 1]
    assert curve["smoothed"] == [1, None, None, None, 1]


@pytest.mark.parametrize(
    ("axis", "expected"),
    [("step", [0, 1, 2]), ("relative", [0, 10, 20]), ("time", [0, 10, 20])],
)
def test_a_curve_is_told_over_step_or_over_time(alice, make, axis, expected):
    start = NOW.timestamp() if axis == "time" else 0
    (curve,) = chart(alice, runs=make([1, 1, 1]).pk, metric="loss", x=axis)["curves"]
    assert curve["x"] == [start + x for x in expected]


def test_a_stretch_comes_with_its_neighbours_and_as_many_points_as_the_whole(alice, make):
    run = make([math.sin(step) for step in range(3000)])
    whole = chart(alice, runs=run.pk, metric="loss", max_points=100)["curves"][0]
    assert len(whole["x"]) <= 100
    near = {"from_x": 1000, "to_x": 1040, "max_points": 100}
    assert chart(alice, runs=run.pk, metric="loss", **near)["curves"][0]["x"] == [*range(999, 1042)]


def test_a_closer_look_does_not_change_a_smoothed_line(alice, make):
    run = make([math.sin(step) for step in range(3000)])
    look = {"metric": "loss", "smoothing": "0.9"}
    whole = chart(alice, runs=run.pk, max_points=200, **look)["curves"][0]
    near = chart(alice, runs=run.pk, from_x=1000, to_x=1200, **look)["curves"][0]
    told = dict(zip(near["x"], near["smoothed"], strict=True))
    shared = [(told[x], y) for x, y in zip(whole["x"], whole["smoothed"], strict=True) if x in told]
    assert shared
    assert all(one == other for one, other in shared)


def test_seeds_are_drawn_as_one_with_their_spread(alice, make):
    seeds = [make([seed, seed + 2], seed=seed, config={"lr": 0.1}) for seed in (1, 3)]
    other = make([7, 7], seed=1, config={"lr": 0.2})
    told = chart(alice, runs=[run.pk for run in [*seeds, other]], metric="loss", group_by="config")
    assert told["curves"] == []
    assert len(told["rows"]) == 3
    first, second = told["groups"]
    assert first == {
        "label": "lr = 0.1",
        "run_ids": [run.pk for run in seeds],
        "x": [0, 1],
        "mean": [2, 4],
        "low": [1, 3],
        "high": [3, 5],
        "count": [2, 2],
    }
    assert (second["label"], second["mean"]) == ("lr = 0.2", [7, 7])


def test_what_one_may_not_see_is_left_out_and_said(alice, make, people):
    mine = make([1])
    theirs, _ = create_run(
        make_experiment(people.mallory, shared=False), actor=Actor(people.mallory)
    )
    gone = make([1])
    gone.deleted_at = NOW
    gone.save()
    told = compare(alice, runs=f"{mine.pk},{theirs.pk},{gone.pk},nonsense", metric="loss")
    assert [run["run_id"] for run in told.json()["runs"]] == [mine.pk]
    assert told.json()["left_out"] == 3
    nothing = compare(by_session(people.mallory), runs=mine.pk, metric="loss").json()
    assert nothing["runs"] == [] and nothing["charts"][0]["curves"] == []


def test_of_an_experiment_the_newest_fifty_and_no_archived_one(alice, make, experiment):
    runs = [make([]) for _ in range(53)]
    runs[-1].archived_at = NOW
    runs[-1].save()
    told = compare(alice, experiment=experiment.pk, metric="loss").json()
    newest = sorted((run.pk for run in runs[:-1]), reverse=True)
    assert [run["run_id"] for run in told["runs"]] == newest[:50]
    assert told["beyond"] == 2


def test_an_answer_is_sent_again_only_when_something_changed(alice, make):
    run = make([1, 2])
    query = {"runs": run.pk, "metric": "loss"}
    first = compare(alice, **query)
    known = {"If-None-Match": first["ETag"]}
    assert compare(alice, 304, known, **query).content == b""
    assert compare(alice, 200, known, **query, x="time")["ETag"] != first["ETag"]
    append_points(run, [NewPoint("loss", 2, 3.0)], now=NOW + timedelta(minutes=1))
    assert compare(alice, 200, known, **query)["ETag"] != first["ETag"]


def test_many_runs_ask_a_bounded_number_of_queries(alice, make, django_assert_max_num_queries):
    runs = [make([1, 2, 3]) for _ in range(20)]
    with django_assert_max_num_queries(40):
        compare(alice, runs=",".join(run.pk for run in runs), metric=["loss", "acc"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"metric": "loss"}, "runs"),
        ({"metric": "loss", "runs": "a", "experiment": 1}, "runs"),
        ({"runs": "a"}, "metric"),
        ({"runs": "a", "metric": "loss", "smoothing": "nan"}, "smoothing"),
        ({"runs": "a", "metric": "loss", "smoothing": "1"}, "smoothing"),
        ({"runs": "a", "metric": "loss", "from_x": "inf"}, "from_x"),
        ({"runs": "a", "metric": "loss", "max_points": "3"}, "max_points"),
        ({"runs": "a", "metric": "loss", "x": "y"}, "x"),
        ({"runs": "a", "metric": ["m"] * 25}, "metric"),
    ],
)
def test_nonsense_is_answered_with_the_field_to_blame(alice, query, field):
    answer = compare(alice, 400, **query)
    assert [error["field"].partition(".")[0] for error in answer.json()["errors"]] == [field]


def test_a_run_token_sees_the_runs_of_its_experiment(make, people, experiment):
    run = make([1])
    caller = by_token(people.alice, "run", experiment=experiment)
    assert compare(caller, runs=run.pk, metric="loss").json()["runs"][0]["run_id"] == run.pk
