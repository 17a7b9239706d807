"""Every page in Chromium: light, dark and phone; axe-core clean; no error on the console."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests import services
from tests.e2e.conftest import Service
from tests.e2e.looks import LOOKS, check, watch

pytestmark = pytest.mark.service
PAGES = {
    "home": "/",
    "experiments": "/experiments",
    "experiment-new": "/experiments/new",
    "experiment": "/experiments/1",
    "experiment-edit": "/experiments/1/edit",
    "start": "/experiments/1/start",
    "cluster": "/clusters/demo",
    "polls": "/clusters/demo/polls",
    "cancel-mine": "/jobs/cancel-mine",
    "plan": "/plan?cluster=demo",
    "plan-answer": "/plan?cluster=demo&ask=1&gpus=2&cpus=8&time=4:00:00",
    "accuracy": "/accuracy?cluster=demo",
    "jobs": "/jobs",
    "tokens": "/tokens",
    "groups": "/groups",
    "account": "/account",
}


def waits_for_forecast(page: Page) -> None:
    """The planning page of a service just started; a newcomer would look again, too."""

    def predicted() -> bool:
        page.goto("/plan?cluster=demo")
        return page.locator("[data-predicted-start]").count() > 0

    # Half a minute on an idle machine; this one runs the rest of the suite besides.
    services.wait_until(predicted, "a predicted start", 180, every_s=1)


def test_the_planning_page_of_a_service_just_started_comes_to_predicted_starts(context) -> None:
    waits_for_forecast(context.new_page())


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_page(name: str, look: str, browser: Browser, session, service: Service) -> None:
    context = browser.new_context(storage_state=session, base_url=service.url, **LOOKS[look])
    page = context.new_page()
    wrong = watch(page)
    answer = page.goto(PAGES[name])
    assert answer is not None and answer.status == 200
    check(page, f"{name}-{look}", wrong)
    context.close()


@pytest.mark.parametrize("look", LOOKS)
def test_signin_page(look: str, browser: Browser, service: Service) -> None:
    context = browser.new_context(base_url=service.url, **LOOKS[look])
    page = context.new_page()
    wrong = watch(page)
    page.goto("/signin")
    check(page, f"signin-{look}", wrong)
    context.close()


def test_the_signin_link_works_once(browser: Browser, session, service: Service) -> None:
    """``session`` has used it already."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.signin_url())
    assert "/signin" in page.url
    context.close()
