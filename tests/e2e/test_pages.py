"""Every page in Chromium: light, dark and phone; axe-core clean; no error on the console."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests import services
from tests.e2e.conftest import Service

pytestmark = pytest.mark.service
SHOTS = Path(__file__).parent / "shots"
PAGES = {
    "home": "/",
    "experiments": "/experiments",
    "experiment-new": "/experiments/new",
    "experiment": "/experiments/1",
    "cluster": "/clusters/demo",
    "plan": "/plan?cluster=demo",
    "jobs": "/jobs",
    "tokens": "/tokens",
    "groups": "/groups",
    "account": "/account",
}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 375, "height": 800}},
    "phone-dark": {"color_scheme": "dark", "viewport": {"width": 375, "height": 800}},
}
SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def watch(page: Page) -> list[str]:
    """What goes wrong on a page: console errors (CSP violations are such), exceptions, 5xx."""
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    return wrong


def waits_for_forecast(page: Page) -> None:
    """The planning page of a service just started; a newcomer would look again, too."""

    def predicted() -> bool:
        page.goto("/plan?cluster=demo")
        return page.locator("[data-predicted-start]").count() > 0

    services.wait_until(predicted, "a predicted start", 60)


def check(page: Page, name: str, wrong: list[str]) -> None:
    page.wait_for_load_state("networkidle")
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
    assert wrong == []
    assert not page.evaluate(SCROLLS_SIDEWAYS), f"{name} scrolls sideways"
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"][:150] for n in v["nodes"]]) for v in violations] == []


def test_the_planning_page_shows_predicted_starts_within_a_minute(context) -> None:
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
