"""Tokens: the three ways to send one, and what each refusal says."""

import base64
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.tracker.callers import JSON, anonymous, by_session, with_secret
from tracker.api.throttling import REQUESTS_PER_WINDOW
from tracker.models import Token

pytestmark = pytest.mark.django_db
ME = "/api/v1/me"


def basic(secret: str, user: str = "token") -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def refusal(answer) -> str:
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"
    return answer.json()["detail"]


@pytest.fixture
def secret(people) -> str:
    return Token.issue(user=people.alice, scope="user")[1]


def test_bearer_basic_password_and_our_own_header_are_accepted(secret):
    for headers in (
        {"authorization": f"Bearer {secret}"},
        {"authorization": f"bearer {secret}"},
        {"authorization": basic(secret)},
        {"authorization": basic(secret, user="")},
        {"x-queuecast-token": secret},
    ):
        assert Client(headers=headers).get(ME).json()["username"] == "alice"


def test_our_own_header_wins_over_what_netrc_put_into_authorization(secret):
    headers = {"authorization": basic("hunter2", "gitbot"), "x-queuecast-token": secret}
    assert Client(headers=headers).get(ME).status_code == 200


def test_an_unknown_basic_password_names_the_user_it_came_with():
    told = refusal(Client(headers={"authorization": basic("hunter2", "gitbot")}).get(ME))
    assert 'user "gitbot"' in told
    assert "~/.netrc" in told
    assert "hunter2" not in told


def test_unknown_expired_and_revoked_are_told_apart(people, secret):
    assert "not known" in refusal(with_secret("deadbeef" * 4).get(ME))
    assert "not known" in refusal(with_secret("").get(ME))
    nul = Client(headers={"authorization": basic("\x00" * 8)})
    assert "not known" in refusal(nul.get(ME))
    Token.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert "expired at" in refusal(with_secret(secret).get(ME))
    Token.objects.update(revoked_at=timezone.now())
    assert "revoked" in refusal(with_secret(secret).get(ME))


def test_a_closed_account_and_a_sign_in_link_open_nothing(people, secret):
    _, link = Token.issue(user=people.alice, scope="signin")
    assert "browser" in refusal(with_secret(link).get(ME))
    people.alice.is_active = False
    people.alice.save()
    assert "closed" in refusal(with_secret(secret).get(ME))


@pytest.mark.parametrize("header", ["Basic", "Basic ÿ", "Basic bm9jb2xvbg==", "Basic YTo="])
def test_a_broken_basic_header_is_a_401_with_the_cure(header):
    assert "Basic" in refusal(Client(headers={"authorization": header}).get(ME))


def test_a_page_of_another_site_cannot_use_a_remembered_password(secret):
    headers = {"authorization": basic(secret), "sec-fetch-site": "cross-site"}
    assert "another site" in refusal(Client(headers=headers).get(ME))


def test_nobody_is_told_how_to_sign_in():
    for path in (ME, "/metrics"):
        assert "http://token:SECRET@host" in refusal(anonymous().get(path))
    assert "http://token:SECRET@host" in refusal(anonymous().post("/webhooks/slurm", {}, JSON))


def test_use_is_noted_at_most_once_a_minute(people, secret):
    client = with_secret(secret)
    client.get(ME)
    first = Token.objects.get().last_used_at
    client.get(ME)
    assert Token.objects.get().last_used_at == first
    Token.objects.update(last_used_at=first - timedelta(minutes=2))
    client.get(ME)
    assert Token.objects.get().last_used_at >= first


def test_a_session_needs_its_csrf_token_in_the_rest_api_too(people):
    answer = by_session(people.alice).post("/api/v1/experiments", {"name": "x"}, JSON)
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]


def test_a_session_with_its_csrf_token_may_write(people):
    client = by_session(people.alice)
    client.get("/experiments/new")
    token = next(c.value for name, c in client.cookies.items() if "csrf" in name)
    answer = client.post("/api/v1/experiments", {"name": "x"}, JSON, headers={"x-csrftoken": token})
    assert answer.status_code == 201


def test_too_many_requests_are_told_when_to_come_again(secret, monkeypatch):
    monkeypatch.setitem(REQUESTS_PER_WINDOW, "user", 1)
    client = with_secret(secret)
    assert client.get(ME).status_code == 200
    answer = client.get(ME)
    assert answer.status_code == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer["Retry-After"]) <= 10
