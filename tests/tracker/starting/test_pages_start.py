"""The page that starts runs: filled in, looked at, pressed once."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_cluster, make_experiment
from tests.tracker.starting.start import SCRIPT, begin, nobody_rings
from tracker.models import Actor, ClusterAccount, Experiment, ResourceRequest, Run, Submission
from tracker.recording import archive_experiment

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client: Client, people) -> Client:
    client.force_login(people.alice)
    return client


def address(experiment: Experiment) -> str:
    return f"/experiments/{experiment.pk}/start"


def press(client: Client, experiment: Experiment, *, then: str = "", **fields: object):
    """Fill the form in and press Start, or another button."""
    typed = {"key": "k1", "seeds": "", "configs": "", "at_once": ""} | fields
    if then:
        typed[then] = "1"
    return client.post(address(experiment), typed)


# --- the way there


def test_the_experiment_leads_to_it(alice, experiment, cluster):
    text = alice.get(f"/experiments/{experiment.pk}").text
    assert f'href="{address(experiment)}"' in text
    assert "cannot be started" not in text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"submit_as": ""}, "lab is only read"),
        ({"polling_paused": True}, "Polling of lab is paused"),
    ],
)
def test_what_stands_against_it_is_told_in_place_of_the_button(
    alice, experiment, cluster, change, why
):
    type(cluster).objects.update(**change)
    for path in (f"/experiments/{experiment.pk}", address(experiment)):
        text = alice.get(path).text
        assert why in text
        assert '<button class="button-primary">Start' not in text
        assert f'href="{address(experiment)}"' not in text
    answer = press(alice, experiment)
    assert answer.status_code == 400
    assert not Run.objects.exists()


def test_an_empty_script_and_an_archived_experiment_are_told_with_the_cure(
    alice, people, experiment, cluster
):
    empty = make_experiment(people.alice, name="empty")
    assert "Its batch script is empty: edit" in alice.get(f"/experiments/{empty.pk}").text
    archive_experiment(experiment, actor=Actor(people.alice), at=timezone.now())
    assert "restore it first" in alice.get(f"/experiments/{experiment.pk}").text


def test_without_any_cluster_it_says_so(alice, experiment):
    assert "no cluster is known yet" in alice.get(f"/experiments/{experiment.pk}").text
    assert "No cluster yet" in alice.get(address(experiment)).text
    assert press(alice, experiment).status_code == 400


def test_a_reader_is_offered_no_start(client, people, experiment, cluster):
    client.force_login(people.rita)
    text = client.get(f"/experiments/{experiment.pk}").text
    assert "/start" not in text
    assert ">Start<" not in text
    assert client.get(address(experiment)).status_code == 403


# --- starting


def test_one_run_is_started_and_shown(alice, people, experiment, cluster):
    answer = press(alice, experiment, seeds="7", configs='{"lr": 0.1}')
    run = Run.objects.get()
    assert answer["Location"] == f"/runs/{run.pk}"
    assert (run.seed, run.config, run.status) == (7, {"lr": 0.1}, "SUBMITTING")
    assert (run.submission.unix_name, run.submission.created_by) == ("qc-alice", people.alice)
    assert "Started 1 run on lab as qc-alice" in alice.get(f"/runs/{run.pk}").text


def test_a_sweep_is_one_array_whose_runs_are_listed(alice, experiment, cluster):
    answer = press(
        alice, experiment, seeds="1-3", configs='[{"lr": 0.1}, {"lr": 0.2}]', at_once="2"
    )
    begun = Submission.objects.get()
    assert begun.request["array"] == "0-5%2"
    assert answer["Location"] == f"/experiments/{experiment.pk}?submission={begun.pk}"
    pairs = Run.objects.order_by("array_task_id").values_list("seed", "config__lr")
    assert list(pairs) == [(1, 0.1), (1, 0.2), (2, 0.1), (2, 0.2), (3, 0.1), (3, 0.2)]
    begin(experiment, cluster, key="another", ring=nobody_rings)
    text = alice.get(answer["Location"]).text
    assert re.findall(r"task (\d)\s", text) == [str(number) for number in range(6)]
    assert len(set(re.findall(r'href="/runs/(\w{32})"', text))) == 6


def test_pressed_twice_it_starts_once(alice, experiment, cluster):
    first = press(alice, experiment)
    again = press(alice, experiment)
    assert first["Location"] == again["Location"]
    assert Run.objects.count() == 1
    assert "nothing is started twice" in alice.get(again["Location"]).text


def test_each_page_has_a_key_of_its_own(alice, experiment, cluster):
    keys = [
        re.search(r'name="key" value="(\w{32})"', alice.get(address(experiment)).text)[1]
        for _ in range(2)
    ]
    assert keys[0] != keys[1]


def test_the_request_is_filled_in_and_replaced_for_this_start_only(alice, experiment, cluster):
    ResourceRequest.objects.create(
        experiment=experiment, cluster=cluster, partition="gpu", mem="8G", time_limit_minutes=90
    )
    text = alice.get(address(experiment)).text
    assert 'value="gpu"' in text
    assert 'value="01:30:00"' in text
    asks = {"ask-partition": "debug", "ask-mem": "8G", "ask-time_limit_minutes": "2:00:00"}
    press(alice, experiment, **asks)
    request = Submission.objects.get().request
    assert (request["partition"], request["time_limit_minutes"]) == ("debug", 120)
    assert ResourceRequest.objects.get().partition == "gpu"


def test_a_field_that_is_emptied_is_told_that_the_experiment_still_counts(
    alice, experiment, cluster
):
    ResourceRequest.objects.create(experiment=experiment, cluster=cluster, partition="gpu")
    answer = press(alice, experiment)
    assert answer.status_code == 400
    assert "The experiment asks for gpu here" in answer.text
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"seeds": "one"}, "“one” is no seed"),
        ({"seeds": "5-1"}, "runs backwards"),
        ({"seeds": "1, 2, 1"}, "1 stands there twice"),
        ({"seeds": "1-5000"}, "at most 1000 runs"),
        ({"seeds": "9999999999999999999"}, "beyond 64 bits"),
        ({"seeds": "1-100", "configs": str([{}] * 11)}, "Seeds make 1100 runs"),
        ({"configs": "{"}, "no JSON at line 1"),
        ({"configs": "[1]"}, "Give one object"),
        ({"configs": '{"lr": NaN}'}, "It holds NaN"),
        ({"configs": '{"lr": "\\ud800"}'}, "half a character"),
        ({"configs": '{"lr": "\\u0000"}'}, "NUL"),
        ({"configs": "[" * 100_000}, "nested too deeply"),
        ({"at_once": "0"}, "greater than or equal to 1"),
        ({"ask-mem": "lots"}, "such as 64G"),
        ({"ask-array": "0-1", "seeds": "1,2"}, "Array is made from the seeds"),
        ({"ask-nodes": "2000000"}, "between 1 and"),
        ({"key": ""}, "open it anew"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(alice, experiment, cluster, fields, complaint):
    answer = press(alice, experiment, **fields)
    assert answer.status_code == 400
    assert complaint in answer.text
    assert not Run.objects.exists()


def test_a_script_that_cannot_be_sent_is_told_on_top(alice, experiment, cluster):
    Experiment.objects.update(batch_script="#!/bin/sh\n#SBATCH --uid=0\n")
    answer = press(alice, experiment)
    assert answer.status_code == 400
    assert "uid" in answer.context["asked"].runs.non_field_errors()[0]


# --- preview


def test_a_preview_shows_what_would_be_sent_and_sends_nothing(alice, experiment, cluster):
    shown = press(alice, experiment, then="preview", seeds="7", **{"ask-mem": "8G"})
    assert shown.status_code == 200
    assert not Run.objects.exists()
    assert not Submission.objects.exists()
    preview = shown.context["preview"]
    assert 'value="k1"' in shown.text  # the same form, and the same start
    press(alice, experiment, seeds="7", **{"ask-mem": "8G"})
    begun = Submission.objects.get()
    made_up, run = f"{1:032x}", begun.runs.get().pk
    assert preview.script.replace(made_up, run) == begun.script
    assert preview.command.replace(made_up, run).split() == begun.argv


def test_a_preview_of_nonsense_is_told_as_at_the_start(alice, experiment, cluster):
    answer = press(alice, experiment, then="preview", seeds="x")
    assert answer.status_code == 400
    assert answer.context["preview"] is None


# --- several clusters


def test_of_several_clusters_the_experiments_own_is_offered_first(
    alice, people, experiment, cluster
):
    other = make_cluster("other", is_demo=True, submit_as="self")
    ClusterAccount.objects.create(user=people.alice, cluster=other, unix_name="al")
    Experiment.objects.update(cluster=other)
    text = alice.get(address(experiment)).text
    assert 'name="cluster" value="other"' in text
    assert "?cluster=lab" in text
    assert 'name="cluster" value="lab"' in alice.get(f"{address(experiment)}?cluster=lab").text
    press(alice, experiment, cluster="lab")
    assert Submission.objects.get().cluster == cluster


def test_a_cluster_that_is_gone_is_never_replaced_by_another(alice, experiment, cluster):
    assert press(alice, experiment, cluster="gone").status_code == 404
    assert not Run.objects.exists()


# --- once more


def test_a_run_is_started_again_as_it_was(alice, experiment, cluster):
    press(alice, experiment, seeds="1-2", configs='{"lr": 0.1}', **{"ask-mem": "8G"})
    old = Run.objects.get(seed=2)
    text = alice.get(f"{address(experiment)}?from={old.pk}").text
    assert 'name="seeds" value="2"' in text
    assert "&quot;lr&quot;: 0.1" in text
    assert 'value="8G"' in text
    assert "0-1" not in text  # the array that it was one of
    assert f'href="/runs/{old.pk}"' in text


@pytest.mark.parametrize("odd", ["nonsense", "%00", "é", "0" * 32])
def test_a_run_that_is_not_there_is_not_started_again(alice, experiment, cluster, odd):
    assert alice.get(f"{address(experiment)}?from={odd}").status_code == 404


def test_a_run_of_another_experiment_is_no_model(alice, people, experiment, cluster):
    secret = make_experiment(people.bob, shared=False, batch_script=SCRIPT)
    run = Run.objects.create(experiment=secret, config_sha256="", config={"lr": "of bob"})
    assert alice.get(f"{address(experiment)}?from={run.pk}").status_code == 404
