"""E-mails of notices: gathered for a minute, tried again, and never in the way of the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from tests.factories import make_experiment
from tracker import mailing
from tracker.models import Actor, Notice
from tracker.recording import create_run, set_wishes, tell, update_run
from tracker.recording.notices import unread

pytestmark = pytest.mark.django_db
NOW = timezone.now() + timedelta(days=1)  # later than the runs that the tests make
MINUTE = timedelta(minutes=1)


@pytest.fixture
def alice(settings, people) -> Actor:
    settings.EMAIL_HOST = "mail.example.org"
    settings.PUBLIC_URL = "https://queuecast.example.org"
    people.alice.email = "alice@example.org"
    people.alice.save()
    set_wishes(people.alice, {"failed": "mail"})
    return Actor(people.alice)


def fail(alice: Actor, experiment=None):
    run, _ = create_run(experiment or make_experiment(alice.user), actor=alice)
    update_run(run, actor=alice, status="FAILED", exit_code=3, at=NOW)
    return run


def test_a_failure_goes_by_e_mail_a_minute_later_with_what_was_gathered(alice: Actor) -> None:
    run = fail(alice)
    fail(alice, run.experiment)
    assert mailing.send_due(NOW + MINUTE / 2) == 0
    assert mailing.send_due(NOW + 2 * MINUTE) == 1
    assert mailing.send_due(NOW + 3 * MINUTE) == 0
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["alice@example.org"], "2 runs of vit-small failed")
    assert f"https://queuecast.example.org/experiments/{run.experiment_id}" in sent.body
    assert f"Run {run.pk}" in sent.body
    assert sent.extra_headers == {"Auto-Submitted": "auto-generated"}


def test_a_name_of_several_lines_is_a_subject_of_one(alice: Actor) -> None:
    fail(alice, make_experiment(alice.user, name="one\nBcc: all@example.org"))
    mailing.send_due(NOW + 2 * MINUTE)
    assert mail.outbox[0].subject.endswith("of one Bcc: all@example.org failed with exit code 3")
    assert mail.outbox[0].recipients() == ["alice@example.org"]


@pytest.mark.parametrize("lacks", ["server", "address", "wish"])
def test_without_server_address_or_wish_the_pages_alone_tell(settings, alice, lacks) -> None:
    if lacks == "server":
        settings.EMAIL_HOST = ""
    elif lacks == "address":
        alice.user.email = ""
        alice.user.save()
    else:
        set_wishes(alice.user, {"failed": "page"})
    fail(alice)
    notice = Notice.objects.get()
    assert (notice.state, notice.mail_to) == ("done", "")
    assert mailing.send_due(NOW + 2 * MINUTE) == 0 and unread(alice).count() == 1


def test_what_waits_for_nothing_to_be_gathered_goes_at_once(alice: Actor) -> None:
    tell(alice.user, Notice.Kind.BETTER_SLOT, NOW, title="A better slot", path="/watches")
    assert mailing.send_due(NOW) == 1


def test_a_server_that_fails_is_tried_three_times_and_loses_no_notice(
    settings, alice: Actor, caplog
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
    fail(alice)
    states = []
    for turn in range(3):
        Notice.objects.update(claimed_at=None)
        assert mailing.send_due(NOW + (turn + 2) * MINUTE) == 0
        states.append(Notice.objects.get().state)
    assert states == ["queued", "queued", "failed"]
    assert "ConnectionRefusedError" in Notice.objects.get().error
    assert "alice@example.org" in caplog.text and unread(alice).count() == 1


def test_one_that_failed_rests_and_one_whose_worker_died_is_sent_by_another(alice: Actor) -> None:
    fail(alice)
    later = NOW + 10 * MINUTE
    Notice.objects.update(claimed_at=later - MINUTE, tries=1)
    assert mailing.due(later) == []
    Notice.objects.update(state="running", claimed_at=later - 6 * MINUTE)
    assert mailing.send_due(later) == 1 and len(mail.outbox) == 1
