"""The planning journey by keyboard alone, from a pasted script to what became of the promise; and
how the page with a whole answer looks."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from tests import services
from tests.e2e.conftest import Service
from tests.e2e.looks import LOOKS, check, watch

pytestmark = pytest.mark.service
SCRIPT = """\
#!/bin/bash
#SBATCH --partition=debug --time=10 --mem=200M
#SBATCH --mail-type=END
echo done
"""
LONG_WAIT = "/plan?cluster=demo&ask=1&nodes=4&gpus=16&gpu_type=a100&cpus=8&time=1-00:00:00"
ANSWER_MS = 120_000  # this machine runs the rest of the suite besides
HAS_FOCUS = "element => element === document.activeElement"
BARS, NODES = 2_000, 200


def reach(page: Page, target: Locator) -> None:
    """By Tab alone, as somebody without a mouse does."""
    for _ in range(250):
        if target.evaluate(HAS_FOCUS):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached by Tab")


def press(page: Page, target: Locator) -> None:
    reach(page, target)
    page.keyboard.press("Enter")


def write(page: Page, target: Locator, text: str) -> None:
    reach(page, target)
    page.keyboard.insert_text(text)


def new_experiment(page: Page, name: str) -> None:
    page.goto("/experiments/new")
    write(page, page.get_by_label("Name (required)"), name)
    write(page, page.get_by_label("Batch script"), SCRIPT)
    press(page, page.get_by_role("button", name="Make experiment"))
    page.wait_for_url(re.compile(r"/experiments/\d+$"))


def waits_for_futures(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    ask = "fetch('/clusters/demo/plan/schedule').then(answer => answer.status)"
    services.wait_until(lambda: page.evaluate(ask) == 200, "kept futures", 240, every_s=2)
    page.close()


def paste_script(page: Page) -> None:
    page.goto("/plan?cluster=demo")
    press(page, page.get_by_text("Or take it from a batch script"))
    write(page, page.get_by_label("Batch script"), SCRIPT)
    press(page, page.get_by_role("button", name="Read the script and plan it"))
    expect(page.locator("#options tbody tr").first).to_be_visible(timeout=ANSWER_MS)


def test_from_a_pasted_script_to_promised_against_happened(
    context: BrowserContext, service: Service
) -> None:
    page = context.new_page()
    wrong = watch(page)
    new_experiment(page, "planned")
    waits_for_futures(context)
    paste_script(page)
    assert "--mail-type=END" in page.locator("#ignored").text_content()

    # The rest of the answer comes while the keyboard stands in its first part.
    option = page.locator("#options tbody th a").first
    reach(page, option)
    expect(page.locator("#answer-partial")).to_have_count(0, timeout=ANSWER_MS)
    expect(page.locator("#options tbody th a:focus")).to_have_count(1)

    page.locator("#options tbody th a:focus").evaluate("link => { window.chosen = link.hash }")
    page.keyboard.press("Enter")
    chosen = page.locator(page.evaluate("window.chosen"))
    expect(chosen).to_be_visible()
    press(page, chosen.get_by_text("Start with this"))
    reach(page, page.get_by_label("Experiment"))
    page.keyboard.type("planned")
    press(page, page.get_by_role("button", name="Go on to the start page"))
    page.wait_for_url(re.compile(r"/experiments/\d+/start"))
    press(page, page.get_by_role("button", name="Start", exact=True))
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}$"))
    run_url = page.url

    page.goto(LONG_WAIT)
    watch_for_it = page.get_by_role("button", name="Watch for it")
    expect(watch_for_it).to_be_visible(timeout=ANSWER_MS)
    press(page, watch_for_it)
    page.wait_for_url(re.compile(r"/watches"))
    expect(page.get_by_role("heading", name="Watched now")).to_be_visible()

    def has_started() -> bool:
        page.goto(run_url)
        promised = page.locator("section", has=page.get_by_text("Promised and happened"))
        return "It started" in (promised.last.text_content(timeout=15_000) or "")

    services.wait_until(has_started, "the start of the run", 240, every_s=3)
    assert wrong == []


@pytest.mark.parametrize("look", LOOKS)
def test_a_whole_answer(look: str, browser: Browser, session, service: Service) -> None:
    context = browser.new_context(storage_state=session, base_url=service.url, **LOOKS[look])
    waits_for_futures(context)
    page = context.new_page()
    wrong = watch(page)
    page.goto(LONG_WAIT)
    expect(page.locator("#why-head")).to_be_visible(timeout=ANSWER_MS)
    expect(page.locator("#answer-partial")).to_have_count(0, timeout=ANSWER_MS)
    for fold in page.locator("#answer details > summary").all():
        if fold.is_visible():
            fold.press("Enter")
    page.locator("[data-schedule]").scroll_into_view_if_needed()
    expect(page.locator("[data-schedule] canvas")).to_be_visible(timeout=30_000)
    check(page, f"plan-whole-{look}", wrong)
    context.close()


def many_bars(route: Route) -> None:
    bars = [
        {
            "name": str(number),
            "partition": "gpu",
            "kind": "waiting" if number % 3 else "running",
            "is_own": number % 50 == 0,
            "rows": [[number % NODES, 1, 0.0, 1.0]],
            "start_s": 8_000 * (number // NODES),
            "end_s": 8_000 * (number // NODES) + 7_000,
        }
        for number in range(BARS)
    ]
    told = {
        **{"snapshot_at": "2026-11-28T00:00:00+00:00", "replica": 0, "replicas": 16},
        **{"nodes": [f"gpu{number:03}" for number in range(NODES)], "until_s": 86_400},
        **{"bars": bars, "blocks": [], "left_out": 0},
    }
    route.fulfill(body=json.dumps(told), content_type="application/json")


def test_two_thousand_bars_are_drawn_and_moved_by_keyboard(
    context: BrowserContext, service: Service
) -> None:
    waits_for_futures(context)
    page = context.new_page()
    wrong = watch(page)
    page.route("**/plan/schedule", many_bars)
    page.goto("/plan?cluster=demo")
    page.locator("[data-schedule]").scroll_into_view_if_needed()
    canvas = page.locator("[data-schedule] canvas")
    expect(canvas).to_be_visible()
    pixels = "canvas => canvas.toDataURL()"
    services.wait_until(lambda: len(canvas.evaluate(pixels)) > 20_000, "the bars")
    before = canvas.evaluate(pixels)
    press(page, page.get_by_role("button", name="Zoom in"))
    services.wait_until(lambda: canvas.evaluate(pixels) != before, "the closer look")
    press(page, page.locator("#schedule-numbers > summary"))
    expect(page.locator("#schedule-numbers tbody tr")).to_have_count(BARS)
    assert wrong == []
