"""The pages of watches, and the way from an option to the start page."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import strip_tags

from planner.asking.told_option import ToldOption
from planner.models import Promise, Question, Watch
from planner.watches import looking, watching
from tests.factories import make_cluster, make_experiment
from tests.planner.watch_world import asked, option
from tracker.models import Actor, Cluster, Notice

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def cluster(people) -> Cluster:
    return make_cluster()


@pytest.fixture
def question(people, cluster) -> Question:
    return asked(
        people.alice,
        cluster,
        timezone.now() - MINUTE,
        option(4 * HOUR),
        option(5 * HOUR, partition="cpu"),
        option(None, partition="no", allowed=False, later_than_horizon=[]),
    )


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


def text_of(answer) -> str:
    return " ".join(strip_tags(answer.text).split())


def found(watch: Watch) -> Notice:
    for now in (timezone.now(), timezone.now()):
        looking.note(watch, ToldOption.of(option(HOUR, partition="cpu"), now), now, now)
        watch.refresh_from_db()
    return Notice.objects.get()


# --- watches


def test_the_form_in_an_answer_begins_a_watch_that_the_list_shows(alice, question) -> None:
    html = render_to_string("planner/_watch_form.html", {"question": question})
    assert 'action="/watches"' in html and f'name="question" value="{question.pk}"' in html
    answer = alice.post(
        "/watches", {"question": question.pk, "wish": "sooner", "minutes": "30"}, follow=True
    )
    assert answer.redirect_chain == [("/watches", 302)]
    text = text_of(answer)
    assert "You will be told here when a better slot opens on lab" in text
    assert "2 a100 GPUs, 1 CPU, 01:00:00on lab" in text  # on two lines
    assert "in gpu, a100" in text and "a start by" in text
    assert "this service sends no e-mail" in text


def test_a_wish_within_minutes_needs_them_and_keeps_them(alice, question) -> None:
    form = {"question": question.pk, "wish": "within"}
    answer = alice.post("/watches", form | {"minutes": ""})
    assert answer["Location"].startswith("/plan?cluster=lab&")
    assert not Watch.objects.exists()
    alice.post("/watches", form | {"minutes": "30"})
    assert Watch.objects.get().within_minutes == 30
    assert "a start within 30 min" in text_of(alice.get("/watches"))


def test_what_cannot_be_watched_is_told_where_it_was_asked(alice, people, cluster) -> None:
    soon = asked(people.alice, cluster, timezone.now(), option(5 * MINUTE))
    answer = alice.post("/watches", {"question": soon.pk, "wish": "sooner"}, follow=True)
    assert "No watch was begun. It would start so soon" in text_of(answer)


def test_only_ones_own_question_can_be_watched(client, people, question) -> None:
    client.force_login(people.staff)
    form = {"question": question.pk, "wish": "sooner"}
    assert client.post("/watches", form).status_code == 404


def test_a_notice_is_counted_on_every_page_until_it_is_read(alice, people, question) -> None:
    watch = watching.begin(Actor(people.alice), question, None, timezone.now())
    assert text_of(alice.get("/notices/badge")) == ""
    notice = found(watch)
    for url in ("/jobs", "/notices/badge"):
        assert "1 notice" in text_of(alice.get(url))
    assert "A better slot on lab: cpu, a100" in text_of(alice.get("/notices"))
    text = text_of(alice.get("/watches"))
    assert "Submitted to cpu, a100 on lab" in text
    assert "sooner than promised when you asked" in text
    assert "sbatch --partition=cpu" in text
    form = {"next": "/watches"}
    assert alice.post(f"/notices/{notice.pk}/read", form)["Location"] == "/watches"
    assert text_of(alice.get("/notices/badge")) == ""


def test_all_notices_are_marked_as_read_at_once_and_none_of_anothers(
    client, people, question
) -> None:
    notice = found(watching.begin(Actor(people.alice), question, None, timezone.now()))
    client.force_login(people.bob)
    client.post("/notices/read")
    assert client.post(f"/notices/{notice.pk}/read").status_code == 404
    assert Notice.objects.filter(read_at=None).exists()
    client.force_login(people.alice)
    client.post("/notices/read")
    assert not Notice.objects.filter(read_at=None).exists()


def test_a_watch_is_cancelled_by_its_owner_and_stays_among_those_that_are_over(
    client, people, question
) -> None:
    watch = watching.begin(Actor(people.alice), question, None, timezone.now())
    client.force_login(people.bob)
    assert client.post(f"/watches/{watch.pk}/cancel").status_code == 404
    client.force_login(people.alice)
    text = text_of(client.post(f"/watches/{watch.pk}/cancel", follow=True))
    assert "The watch is cancelled" in text and "cancelled 0 s ago" in text


def test_an_e_mail_that_failed_is_said_beside_its_notice(alice, people, question) -> None:
    found(watching.begin(Actor(people.alice), question, None, timezone.now()))
    Notice.objects.update(state="failed")
    assert "Its e-mail could not be sent" in text_of(alice.get("/watches"))


# --- to the start page


def start(question: Question, number: int = 0) -> str:
    return f"/plan/questions/{question.pk}/options/{number}/start"


def test_an_option_leads_to_the_start_page_filled_in_and_its_promise_is_kept(
    alice, people, question
) -> None:
    experiment = make_experiment(people.alice, batch_script="#!/bin/sh\n")
    text = text_of(alice.get(start(question)))
    assert "gpu, a100 on lab" in text and "Submitted at once, it would start about" in text
    answer = alice.post(start(question), {"experiment": experiment.pk})
    promise = Promise.objects.get()
    there = urlsplit(answer["Location"])
    assert there.path == f"/experiments/{experiment.pk}/start"
    assert parse_qs(there.query) == {
        "cluster": ["lab"],
        "partition": ["gpu"],
        "nodes": ["1"],
        "ntasks": ["1"],
        "cpus_per_task": ["1"],
        "gres": ["gpu:a100:2"],
        "time_limit_minutes": ["01:00:00"],
        "key": [promise.key],
    }
    assert promise.option["start"]["p50_s"] == 4 * 3600


def test_answers_that_were_ranked_anew_start_what_was_seen(alice, people, question) -> None:
    experiment = make_experiment(people.alice)
    html = render_to_string(
        "planner/_option_start.html",
        {
            "question": question,
            "number": 1,
            "option": question.answer["options"][1],
            "experiment": experiment,
        },
    )
    sbatch = html.partition('name="sbatch" value="')[2].partition('"')[0]
    question.answer["options"].reverse()
    question.save()
    alice.post(start(question, 1), {"experiment": experiment.pk, "sbatch": sbatch})
    assert Promise.objects.get().option["partition"] == "cpu"
    gone = {"experiment": experiment.pk, "sbatch": "--partition=gone"}
    assert alice.post(start(question, 1), gone).status_code == 404


def test_without_an_experiment_the_option_links_to_the_choice_of_one(alice, question) -> None:
    context = {"question": question, "number": 0, "option": question.answer["options"][0]}
    html = render_to_string("planner/_option_start.html", context)
    href = html.partition('href="')[2].partition('"')[0]
    answer = alice.get(href.replace("&amp;", "&"))
    assert answer.status_code == 200 and "No experiment yet" in answer.text
    new = answer.text.partition('href="/experiments/new?')[2].partition('"')[0]
    form = alice.get(f"/experiments/new?{new.replace('&amp;', '&')}").text
    assert 'value="gpu:a100:2"' in form and 'value="01:00:00"' in form


def test_gpus_that_the_script_asks_for_itself_are_left_to_it_and_that_is_said(
    alice, people, question, cluster
) -> None:
    experiment = make_experiment(people.alice, batch_script="#!/bin/sh\n#SBATCH --gpus=2\n")
    answer = alice.post(start(question), {"experiment": experiment.pk}, follow=True)
    assert "--gres=gpu:a100:2 is part of the option but has no field here" in text_of(answer)
    assert "gres" not in Promise.objects.get().asks


def test_an_experiment_that_one_may_not_start_is_refused_in_place(alice, people, question) -> None:
    make_experiment(people.alice)
    secret = make_experiment(people.bob, shared=False)
    answer = alice.post(start(question), {"experiment": secret.pk})
    assert answer.status_code == 400
    assert "none that you may start" in answer.text
    assert not Promise.objects.exists()


@pytest.mark.parametrize("number", [2, 3])  # not allowed; not there
def test_an_option_that_cannot_be_asked_for_is_not_started(alice, question, number) -> None:
    assert alice.get(start(question, number)).status_code == 404
