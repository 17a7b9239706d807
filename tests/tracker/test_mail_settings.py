"""The mail server as ``EMAIL_URL`` names it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from tracker.env import MailServer, mail_server


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", MailServer()),
        ("smtp://localhost", MailServer("localhost", 25)),
        (
            "smtp+tls://queue%40lab:p%3Aw@mail.example.org",
            MailServer("mail.example.org", 587, "queue@lab", "p:w", starts_tls=True),
        ),
        ("smtps://mail.example.org:4650", MailServer("mail.example.org", 4650, is_tls=True)),
    ],
)
def test_the_scheme_says_how_it_is_spoken_to(monkeypatch, url: str, server: MailServer) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    assert mail_server("EMAIL_URL") == server


@pytest.mark.parametrize(
    "url", ["mail.example.org", "http://x:secret@mail", "smtp://:secret@", "smtp://secret@m:port"]
)
def test_what_is_no_address_is_refused_with_the_cure_and_without_its_password(
    monkeypatch, url: str
) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL is no address") as refused:
        mail_server("EMAIL_URL")
    assert "secret" not in str(refused.value)
