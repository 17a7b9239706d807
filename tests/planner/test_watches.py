"""Watches: begun from an answer, told of once, and over in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from planner.asking.told_option import ToldOption
from planner.models import BetterSlot, Question, Watch
from planner.tasks import request_forecasts
from planner.watches import looking, watching
from tests.factories import make_cluster
from tests.planner.watch_world import asked, option
from tracker import mailing
from tracker.models import Actor, Cluster, Notice
from tracker.recording.notices import unread

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def cluster(people) -> Cluster:
    return make_cluster()


@pytest.fixture
def question(people, cluster) -> Question:
    """Four hours to wait."""
    return asked(people.alice, cluster, timezone.now(), option(4 * HOUR))


@pytest.fixture
def watch(people, question) -> Watch:
    return watching.begin(Actor(people.alice), question, None, question.asked_at)


def look(watch: Watch, after: timedelta, start: timedelta | None) -> bool:
    """A forecast ``after`` the question, by which it would start ``start`` after the question."""
    watch.refresh_from_db()
    now = watch.made_at + after
    wait = None if start is None else start - after
    told = ToldOption.of(option(wait, partition="cpu"), now)
    return looking.note(watch, told, now, now)


def look_twice(watch: Watch, after: timedelta, start: timedelta) -> bool:
    look(watch, after, start)
    return look(watch, after + MINUTE / 2, start)


# --- begun


def test_a_watch_remembers_what_was_promised_and_wishes_for_a_quarter_less(watch, question) -> None:
    at = question.snapshot_at
    assert (watch.promised_where, watch.promised_p50_at) == ("gpu, a100", at + 4 * HOUR)
    assert watch.better_by_at == watch.expires_at == at + 3 * HOUR  # no start is sooner than that
    assert watch.is_live(at)


def test_a_start_past_the_horizon_is_bettered_by_one_clearly_within_it(people, cluster) -> None:
    now = timezone.now()
    watch = watching.begin(
        Actor(people.alice), asked(people.alice, cluster, now, option(None)), None, now
    )
    assert watch.promised_p50_at is None
    assert watch.better_by_at == now + timedelta(days=7) * 0.75


def test_the_same_wish_again_is_the_same_watch(people, watch, question) -> None:
    alice, now = Actor(people.alice), question.asked_at
    assert watching.begin(alice, question, None, now) == watch
    assert watching.begin(alice, question, 30, now) != watch


@pytest.mark.parametrize(
    ("wait", "within_minutes", "why"),
    [
        (9 * MINUTE, None, "nothing can be ten minutes sooner"),
        (20 * MINUTE, 30, "would start within 30 minutes now"),
    ],
)
def test_what_is_good_already_is_not_watched(people, cluster, wait, within_minutes, why) -> None:
    now = timezone.now()
    question = asked(people.alice, cluster, now, option(wait))
    with pytest.raises(watching.WatchRefusedError, match=why):
        watching.begin(Actor(people.alice), question, within_minutes, now)


def test_without_an_answer_or_a_start_in_it_there_is_nothing_to_be_better_than(
    people, question
) -> None:
    alice, now = Actor(people.alice), question.asked_at
    question.answer["options"] = []
    question.answer["best"] = None
    with pytest.raises(watching.WatchRefusedError, match="No option of the answer has a start"):
        watching.begin(alice, question, None, now)
    question.answer = None
    with pytest.raises(watching.WatchRefusedError, match="not answered yet"):
        watching.begin(alice, question, None, now)


def test_a_user_has_twenty_at_most_and_room_again_once_one_is_over(people, cluster) -> None:
    alice, now = Actor(people.alice), timezone.now()
    questions = [
        asked(people.alice, cluster, now, option(4 * HOUR), sha256=str(number))
        for number in range(watching.MAX_LIVE + 1)
    ]
    first, *_ = [watching.begin(alice, question, None, now) for question in questions[:-1]]
    with pytest.raises(watching.WatchRefusedError, match="cancel one"):
        watching.begin(alice, questions[-1], None, now)
    assert watching.cancel(first, now) and not watching.cancel(first, now)
    assert watching.begin(alice, questions[-1], None, now).is_live(now)


# --- told


def test_one_notice_for_each_improvement_and_none_for_each_forecast(watch) -> None:
    starts = [4 * HOUR, 2 * HOUR, 2 * HOUR, 2 * HOUR, HOUR, HOUR, HOUR]
    told = [look(watch, (1 + place) * MINUTE, start) for place, start in enumerate(starts)]
    assert told == [False, False, True, False, False, True, False]
    slots = BetterSlot.objects.order_by("notice__made_at")
    assert [slot.p50_at - watch.made_at for slot in slots] == [2 * HOUR, HOUR]
    assert slots[0].where == "cpu, a100"
    assert "--partition=cpu" in slots[0].sbatch


def test_a_slot_that_closed_and_opens_again_is_told_again(watch) -> None:
    assert look_twice(watch, MINUTE, 2 * HOUR)
    assert not look_twice(watch, 2 * MINUTE, 5 * HOUR)
    assert look_twice(watch, 3 * MINUTE, 2 * HOUR)


def test_the_list_is_kept_up_to_date_by_looks_that_find_nothing(watch) -> None:
    look(watch, MINUTE, None)
    watch.refresh_from_db()
    assert (watch.best_p50_at, watch.checked_at) == (None, watch.made_at + MINUTE)


def test_a_snapshot_is_looked_at_once_whoever_looks(watch) -> None:
    assert look_twice(watch, MINUTE, HOUR)
    now, told = watch.made_at + 1.5 * MINUTE, ToldOption.of(option(5 * MINUTE), watch.made_at)
    assert not looking.note(watch, told, now, now)
    assert Notice.objects.count() == 1


def test_a_watch_that_was_cancelled_meanwhile_tells_nothing(watch) -> None:
    watching.cancel(watch, watch.made_at)
    assert not look_twice(watch, MINUTE, HOUR)
    assert not Notice.objects.exists()


def test_what_was_simulated_is_first_fitted_so_that_like_is_compared_with_like(
    people, cluster
) -> None:
    now = timezone.now()
    question = asked(people.alice, cluster, now, option(4 * HOUR, approximate=False))
    watch = watching.begin(Actor(people.alice), question, None, now)
    assert not watch.is_settled
    fitted = ToldOption.of(option(2 * HOUR), now)
    assert not looking.note(watch, fitted, now, now)  # the same futures: no slot has opened
    watch.refresh_from_db()
    assert (watch.is_settled, watch.better_by_at) == (True, now + 1.5 * HOUR)
    assert not look(watch, MINUTE, 2 * HOUR)
    assert look_twice(watch, 2 * MINUTE, 1.5 * HOUR)


# --- by e-mail


@pytest.fixture
def mailed(settings, people, watch) -> Notice:
    """A notice whose e-mail waits."""
    settings.EMAIL_HOST = "mail.example.org"
    settings.PUBLIC_URL = "https://queuecast.example.org"
    people.alice.email = "alice@example.org"
    people.alice.save()
    look_twice(watch, MINUTE, HOUR)
    return Notice.objects.get()


def test_a_notice_goes_by_e_mail_where_server_and_address_are_known(mailed) -> None:
    assert mailing.send(mailed.pk)
    assert not mailing.send(mailed.pk)  # once
    [sent] = mail.outbox
    assert sent.to == ["alice@example.org"]
    assert sent.subject == "A better slot on lab: cpu, a100"
    assert "sbatch --partition=cpu" in sent.body and "this is 3 h sooner" in sent.body
    assert "https://queuecast.example.org/watches" in sent.body


def test_without_a_server_or_an_address_the_pages_alone_tell(settings, people, watch) -> None:
    people.alice.email = "alice@example.org"
    people.alice.save()
    settings.EMAIL_HOST = ""
    look_twice(watch, MINUTE, HOUR)
    settings.EMAIL_HOST = "mail.example.org"
    people.alice.email = ""
    people.alice.save()
    look_twice(watch, 2 * MINUTE, 20 * MINUTE)
    assert {(one.state, one.mail_to) for one in Notice.objects.all()} == {("done", "")}
    assert unread(Actor(people.alice)).count() == 2


# --- over


def test_watches_that_are_long_over_are_forgotten_with_their_notices(watch) -> None:
    look_twice(watch, MINUTE, HOUR)
    request_forecasts()
    assert Watch.objects.exists()
    watching.sweep(watch.expires_at + watching.KEEP + MINUTE)
    assert not Watch.objects.exists() and not Notice.objects.exists()
