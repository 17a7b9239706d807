"""The page that compares runs: which, how they are told apart, and what differs between them."""

import json
import re

import pytest

from tests.factories import NOW, make_cluster, make_experiment
from tracker.models import Actor, Run, Submission
from tracker.recording import NewPoint, append_points, create_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


@pytest.fixture
def experiment(people):
    return make_experiment(people.alice)


@pytest.fixture
def make(people, experiment):
    def make_run(metrics=(), **fields):
        run, _ = create_run(experiment, actor=Actor(people.alice), **fields)
        append_points(
            run, [NewPoint(name, 1, value) for name, value in dict(metrics).items()], now=NOW
        )
        return run

    return make_run


def numbers_in(answer):
    found = re.search(r'<script id="compare-numbers"[^>]*>(.*?)</script>', answer.text, re.DOTALL)
    return json.loads(found[1])


def test_settings_that_differ_are_columns_and_the_rest_is_folded(alice, make):
    one = make({"loss": 0.5}, seed=1, config={"optim": {"lr": 0.1}, "data": "c4"})
    other = make({"loss": 0.25}, seed=2, config={"optim": {"lr": 0.2}, "data": "c4", "warmup": 5})
    answer = alice.get(f"/compare?runs={one.pk},{other.pk}")
    differ = answer.context["differ"]
    assert differ.names == ["optim.lr", "seed", "warmup"]
    assert differ.rows == [["0.1", "1", ""], ["0.2", "2", "5"]]
    assert [(same.name, same.value) for same in differ.same] == [("data", "c4")]
    assert ">0.25</td>" in answer.text


def test_losses_are_drawn_first_of_the_metrics_that_as_many_runs_have(alice, make):
    one = make(dict.fromkeys(("acc", "bleu", "epoch", "f1", "val/loss"), 0.5), seed=1)
    other = make({"acc": 0.5}, seed=2)
    controls = alice.get(f"/compare?runs={one.pk},{other.pk}").context["controls"]
    assert controls.drawn == ["acc", "val/loss", "bleu", "epoch"]


def test_the_pictures_have_the_numbers_as_numbers(alice, make):
    one = make({"loss": 0.5}, config={"lr": 0.1, "flags": [1, 2], "fast": True})
    other = make({"loss": float("nan")}, config={"lr": 1, "flags": [3], "fast": False})
    numbers = numbers_in(alice.get("/compare", {"runs": [one.pk, other.pk]}))
    assert numbers["keys"] == ["fast", "flags", "lr"]
    first, second = numbers["runs"]
    assert first["settings"] == {"lr": 0.1, "flags": "[1, 2]", "fast": True}
    assert first["metrics"] == {"loss": [0.5, 0.5, 0.5]}
    assert second["metrics"] == {"loss": ["NaN", None, None]}


def test_every_run_of_a_full_page_has_a_line_of_its_own(alice, make, experiment):
    for seed in range(52):
        make(seed=seed)
    answer = alice.get(f"/compare?experiment={experiment.pk}")
    rows = answer.context["rows"]
    assert len({(row.colour, row.dash) for row in rows}) == len(rows) == 50
    assert "2 more are left out" in answer.text


def test_the_runs_of_a_sweep_come_by_their_array_task(alice, make, experiment, people):
    submission = Submission.objects.create(
        experiment=experiment, cluster=make_cluster(), created_by=people.alice, request={}
    )
    tasks = [make(seed=task) for task in range(3)]
    for run, task in zip(tasks, (2, 0, 1), strict=True):
        Run.objects.filter(pk=run.pk).update(submission=submission, array_task_id=task)
    make()
    answer = alice.get(f"/compare?submission={submission.pk}")
    assert [row.run.seed for row in answer.context["rows"]] == [1, 2, 0]


def test_a_run_is_called_by_its_name_and_its_seed(alice, make):
    run = make(seed=3)
    assert (
        alice.get(f"/compare?runs={run.pk}").context["rows"][0].label == f"{run.pk[-8:]} · seed 3"
    )
    Run.objects.filter(pk=run.pk).update(name="<baseline>")
    answer = alice.get(f"/compare?runs={run.pk}")
    assert answer.context["rows"][0].label == "<baseline> · seed 3"
    assert "&lt;baseline&gt; · seed 3" in answer.text


def test_what_most_runs_have_is_drawn_first_and_the_address_says_otherwise(alice, make):
    runs = [make({"loss": 1, f"own {place}": 1}) for place in range(6)]
    address = f"/compare?runs={','.join(run.pk for run in runs)}"
    assert alice.get(address).context["controls"].drawn[0] == "loss"
    chosen = alice.get(f"{address}&metric=own+3&metric=none").context["controls"]
    assert chosen.drawn == ["own 3"]


def test_runs_that_were_unchecked_stay_so(alice, make):
    one, other = make({"loss": 1}), make({"loss": 1})
    answer = alice.get(f"/compare?runs={one.pk},{other.pk}&hidden={one.pk[-12:]}")
    assert [row.is_shown for row in answer.context["rows"]] == [False, True]


def test_nonsense_in_the_address_means_the_default(alice, make):
    run = make({"loss": 1})
    look = "x=sideways&smoothing=nan&band=both&from_x=here&to_x=inf&group_by=nothing"
    controls = alice.get(f"/compare?runs={run.pk}&{look}").context["controls"]
    assert [axis.value for axis in controls.axes if axis.is_chosen] == ["step"]
    assert (controls.smoothing, controls.from_x, controls.to_x) == (0, "", "")
    assert not [one for one in controls.groupings if one.is_chosen]


def test_runs_that_one_may_not_see_are_left_out_and_said(client, alice, make, people):
    run = make({"loss": 1})
    answer = alice.get(f"/compare?runs={run.pk},{'0' * 32}")
    assert "1 of the runs named is not shown" in answer.text
    client.force_login(people.mallory)
    text = client.get(f"/compare?runs={run.pk}").text
    assert "None of these runs can be shown" in text
    assert run.pk not in text.partition("<main")[2]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "Nothing to compare yet"),
        ("experiment=999", "No runs there"),
        ("submission=%00", "No runs there"),
        ("runs=%00", "None of these runs can be shown"),
    ],
)
def test_an_empty_comparison_says_where_to_choose_runs(alice, query, words):
    answer = alice.get(f"/compare?{query}")
    assert answer.status_code == 200
    assert words in answer.text


def test_runs_without_a_metric_are_still_compared_by_their_settings(alice, make):
    runs = [make(config={"lr": lr}) for lr in (1, 2)]
    answer = alice.get(f"/compare?runs={runs[0].pk},{runs[1].pk}")
    assert "has logged a metric yet" in answer.text
    assert answer.context["differ"].names == ["lr"]


def test_a_page_of_many_runs_asks_few_queries(alice, make, django_assert_max_num_queries):
    runs = [make({f"m{one}": 1 for one in range(10)}, seed=seed) for seed in range(20)]
    with django_assert_max_num_queries(12):
        alice.get(f"/compare?runs={','.join(run.pk for run in runs)}")
