"""From an answer to a watch, and to a run whose page holds its promise against what came."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import services
from tests.e2e.conftest import Service
from tests.e2e.looks import LOOKS, check, watch

pytestmark = pytest.mark.service
QUESTION = "/plan?cluster=demo&ask=1&cpus=1&time=10"


@pytest.fixture
def page(context: BrowserContext, service: Service) -> Page:
    squeue = service.data_dir / "demo/bin/squeue"
    services.wait_until(squeue.exists, "the demo cluster", 60)
    page = context.new_page()
    page.goto("/experiments/new")
    page.get_by_label("Name (required)").fill("promised")
    page.get_by_label("Batch script").fill("#!/bin/sh\n#SBATCH --partition=debug\nsleep 5\n")
    page.get_by_role("button", name="Make experiment").click()
    page.wait_for_url(re.compile(r"/experiments/\d+$"))
    return page


def test_an_option_is_started_and_its_promise_held_against_its_start(
    page: Page, browser: Browser, session, service: Service
) -> None:
    wrong = watch(page)
    page.goto(QUESTION)
    start = page.get_by_role("link", name=re.compile("^Start an experiment with")).first
    expect(start).to_be_visible(timeout=120_000)
    start.click()
    expect(page.get_by_text("Submitted at once, it would start")).to_be_visible()
    page.get_by_label("Experiment").select_option("promised")
    page.get_by_role("button", name="Go on to the start page").click()
    expect(page.get_by_label("Time limit")).to_have_value("00:10:00")
    expect(page.get_by_text("another request than the experiment's own")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}$"))
    expect(page.get_by_role("heading", name="Promised and happened")).to_be_visible()
    expect(page.get_by_text(re.compile(r"It started .* the middle"))).to_be_visible(timeout=180_000)
    for look, options in LOOKS.items():
        looking = browser.new_context(storage_state=session, base_url=service.url, **options)
        other = looking.new_page()
        others_wrong = watch(other)
        other.goto(page.url)
        expect(other.get_by_text("The option chosen").first).to_be_visible()
        check(other, f"run-promised-{look}", others_wrong)
        looking.close()
    assert wrong == []


def test_a_watch_is_begun_below_an_answer_and_cancelled(
    page: Page, browser: Browser, session, service: Service
) -> None:
    page.goto(QUESTION)
    button = page.get_by_role("button", name="Watch for it")
    expect(button).to_be_visible(timeout=120_000)
    page.get_by_role("spinbutton", name="Minutes").fill("30")
    button.click()
    # On a demo that has room it starts at once, and the page says that no slot can be better.
    told = page.get_by_text(re.compile("You will be told here|No watch was begun"))
    expect(told).to_be_visible()
    for look, options in LOOKS.items():
        looking = browser.new_context(storage_state=session, base_url=service.url, **options)
        other = looking.new_page()
        others_wrong = watch(other)
        other.goto("/watches")
        check(other, f"watches-{look}", others_wrong)
        looking.close()
