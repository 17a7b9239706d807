"""Promises about all templates: the content security policy holds, and errors look like us."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
TAGS = re.compile(r"{% comment %}.*?{% endcomment %}|{%.*?%}", re.DOTALL)
STATIC_NAME = re.compile(r"""{% static ['"]([^'"]+)['"] %}""")


def name_of(path):
    return str(path.relative_to(settings.BASE_DIR / "templates"))


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_no_template_holds_what_the_policy_forbids(path: Path):
    text = TAGS.sub("", path.read_text())
    assert not re.search(r"\son[a-z]+\s*=", text), "an inline event handler"
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "an inline script"
    assert not re.search(r"<style|\sstyle\s*=", text), "an inline style"
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), "a foreign address"


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_static_file_that_a_template_names_is_there(path: Path):
    for name in STATIC_NAME.findall(path.read_text()):
        assert finders.find(name), f"{name} is named but not there"


@pytest.mark.parametrize("name", ["400.html", "403.html", "404.html", "500.html"])
def test_error_pages_need_no_context(name):
    assert "Home page" in render_to_string(name)


def test_a_form_without_its_secret_is_refused_with_the_cure(db):
    answer = Client(enforce_csrf_checks=True).post("/signin", {})
    assert answer.status_code == 403
    assert "This form is out of date" in answer.text


def test_an_unreadable_request_is_answered_by_our_own_page(client, db):
    answer = client.get("/signin", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "could not be read" in answer.text
