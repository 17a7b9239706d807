"""Signing in by a one-time link or a password, and out; what strangers to the service see."""

from datetime import timedelta

import pytest
from django.test import Client

from tests.factories import make_cluster
from tracker.models import Token

pytestmark = pytest.mark.django_db


def is_signed_in(client):
    return client.get("/").status_code == 200


@pytest.fixture
def link(people):
    _, secret = Token.issue(user=people.alice, scope="signin", lifetime=timedelta(minutes=10))
    return f"/signin?token={secret}"


def test_the_link_signs_in_and_leaves_the_secret_out_of_the_address(client, link):
    answer = client.get(link)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_signed_in(client)


def test_the_link_works_once(client, link):
    client.get(link)
    second = Client()
    answer = second.get(link)
    assert answer.status_code == 410
    assert "no longer works" in answer.text
    assert not is_signed_in(second)


def test_looking_at_the_link_without_opening_it_does_not_use_it_up(client, link):
    assert client.head(link).status_code == 405
    client.get(link)
    assert is_signed_in(client)


@pytest.mark.parametrize("scope", ["user", "read"])
def test_an_api_token_is_no_sign_in_link(client, people, scope):
    token, secret = Token.issue(user=people.alice, scope=scope)
    assert client.get(f"/signin?token={secret}").status_code == 410
    token.refresh_from_db()
    assert token.revoked_at is None


@pytest.mark.parametrize("secret", ["x", "%00", "ü" * 40, "deadbeef" * 10])
def test_a_secret_that_nobody_has_is_answered_with_the_cure(client, db, secret):
    answer = client.get(f"/signin?token={secret}")
    assert answer.status_code == 410
    assert "make up" in answer.text


def test_an_expired_link_signs_nobody_in(client, people):
    _, secret = Token.issue(user=people.alice, scope="signin", lifetime=timedelta(seconds=-1))
    assert client.get(f"/signin?token={secret}").status_code == 410
    assert not is_signed_in(client)


def test_a_link_of_a_switched_off_account_signs_nobody_in(client, people, link):
    people.alice.is_active = False
    people.alice.save()
    assert client.get(link).status_code == 410


def test_name_and_password_sign_in_and_lead_to_the_page_that_was_asked_for(client, people):
    people.alice.set_password("correct horse")
    people.alice.save()
    asked = client.get("/experiments")
    assert asked["Location"] == "/signin?next=/experiments"
    answer = client.post(
        asked["Location"],
        {"username": "alice", "password": "correct horse", "next": "/experiments"},
    )
    assert answer["Location"] == "/experiments"


def test_a_foreign_address_to_go_on_to_is_ignored(client, people):
    people.alice.set_password("correct horse")
    people.alice.save()
    fields = {"username": "alice", "password": "correct horse", "next": "https://evil.example"}
    assert client.post("/signin", fields)["Location"] == "/"


def test_a_wrong_password_is_said_beside_the_form(client, people):
    answer = client.post("/signin", {"username": "alice", "password": "wrong"})
    assert "No account has this name and password" in answer.text


def test_passwords_cannot_be_tried_without_end(client, people):
    guess = {"username": "alice", "password": "wrong"}
    answers = (client.post("/signin", guess) for _ in range(45))  # more than two windows allow
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 10
    assert "Too many tries" in refused.text
    assert not is_signed_in(client)


def test_signing_out_needs_a_post(client, people):
    client.force_login(people.alice)
    assert client.get("/signout").status_code == 405
    assert client.post("/signout")["Location"] == "/signin"
    assert not is_signed_in(client)


def test_a_part_of_a_page_that_outlived_its_session_reloads_the_page(client, db):
    answer = client.get("/signin", headers={"hx-request": "true"})
    assert answer["HX-Refresh"] == "true"


def test_pages_allow_scripts_of_this_site_only(client, db):
    policy = client.get("/signin")["Content-Security-Policy"]
    assert "script-src 'self'" in policy.split("; ")


def test_an_address_that_does_not_exist_is_answered_by_our_own_page(client, people):
    client.force_login(people.alice)
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "Nothing here" in answer.text


@pytest.mark.parametrize("address", ["/signin", "/admin/"])
def test_the_demo_is_labelled_before_sign_in_and_in_the_admin(client, people, address) -> None:
    make_cluster("demo", is_demo=True)
    if address == "/admin/":
        client.force_login(people.staff)
    assert b"simulated" in client.get(address).content
