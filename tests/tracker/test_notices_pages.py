"""The page of notices, their count, the wishes on the account page, and the same by the API."""

from __future__ import annotations

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from tests.factories import make_experiment
from tracker.models import Actor, Notice, NoticeWishes
from tracker.recording import create_run, update_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


@pytest.fixture
def notice(people) -> Notice:
    actor = Actor(people.alice)
    run, _ = create_run(make_experiment(people.alice), actor=actor)
    update_run(run, actor=actor, status="FAILED", at=timezone.now())
    return Notice.objects.get()


def text_of(answer) -> str:
    return " ".join(strip_tags(answer.text).split())


def test_a_notice_is_counted_on_every_page_until_it_is_read(alice, notice) -> None:
    assert "1 notice" in text_of(alice.get("/jobs"))
    assert notice.title in text_of(alice.get("/notices"))
    assert alice.post(f"/notices/{notice.pk}/read")["Location"] == "/notices"
    assert text_of(alice.get("/notices/badge")) == ""
    assert "All read" in text_of(alice.get("/notices"))


def test_looking_at_one_reads_it_and_leads_to_its_run(alice, notice) -> None:
    answer = alice.post(f"/notices/{notice.pk}/read", {"open": "1"})
    assert answer["Location"] == notice.path == f"/runs/{notice.noticed.get().run_id}"
    notice.refresh_from_db()
    assert notice.read_at is not None


def test_nobody_reads_anothers(client, people, notice) -> None:
    client.force_login(people.bob)
    assert client.post(f"/notices/{notice.pk}/read").status_code == 404
    client.post("/notices/read")
    assert "Nothing to tell" in text_of(client.get("/notices"))
    notice.refresh_from_db()
    assert notice.read_at is None


@pytest.mark.parametrize("there", ["https://evil.example", "//evil.example", "watches", ""])
def test_a_form_leads_back_to_this_service_only(alice, notice, there) -> None:
    assert alice.post("/notices/read", {"next": there})["Location"] == "/notices"


def test_only_those_of_one_kind_are_marked_where_one_is_named(alice, notice) -> None:
    alice.post("/notices/read", {"kind": "better_slot", "next": "/watches"})
    notice.refresh_from_db()
    assert notice.read_at is None


def test_wishes_are_kept_on_the_account_page(alice, people) -> None:
    assert "A run of mine starts" in text_of(alice.get("/account"))
    form = {"started": "nothing", "failed": "mail", "ended": "page", "better_slot": "page"}
    assert "Kept." in text_of(alice.post("/notices/wishes", form, follow=True))
    assert 'value="nothing" selected' in alice.get("/account").text
    alice.post("/notices/wishes", form | {"failed": "page"})
    assert NoticeWishes.objects.get().failed == "page"
    answer = alice.post("/notices/wishes", form | {"failed": "by pigeon"}, follow=True)
    assert "Not kept" in text_of(answer)
    assert NoticeWishes.objects.get().failed == "page"


def test_the_api_lists_them_and_marks_them_as_read(alice, notice) -> None:
    [told] = alice.get("/api/v1/notices").json()
    assert (told["kind"], told["title"], told["runs"]) == ("failed", notice.title, 1)
    assert told["read_at"] is None
    post = {"path": "/api/v1/notices/read", "content_type": "application/json"}
    assert alice.post(data={"notices": [notice.pk + 1]}, **post).json() == {"read": 0}
    assert alice.post(data={}, **post).json() == {"read": 1}
    assert alice.post(data={}, **post).json() == {"read": 0}
    assert alice.get("/api/v1/notices").json()[0]["read_at"] is not None
