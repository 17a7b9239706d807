"""The runs table in the browser: found, sorted, folded, ticked and tagged; keyboard and looks."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import ROOT, Service
from tests.e2e.looks import LOOKS, check, watch

pytestmark = pytest.mark.service
FILL = """
import django
django.setup()
from bench.many_runs import fill
print(fill(120, 6, owner="ada").pk)
"""
LOOKED_AT = {
    "runs": "/runs?q=vit-sweep&columns=metrics.m00,config.optim.lr",
    "runs-groups": "/runs?q=vit-sweep&group=config",
    "runs-error": "/runs?where=loss+<+1",
    "runs-none": "/runs?q=nowhere",
    "runs-deleted": "/runs?which=deleted",
}


@pytest.fixture(scope="module")
def experiment(service: Service) -> str:
    """Address of an experiment with 120 runs of six metrics."""
    environment = os.environ | {
        "QUEUECAST_DATA_DIR": str(service.data_dir), "DJANGO_SETTINGS_MODULE": "tracker.settings",
    }  # fmt: skip
    made = subprocess.run(
        [sys.executable, "-c", FILL],
        cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return f"/experiments/{made.stdout.split()[-1]}"


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def test_runs_are_found_while_one_types_and_sorted_by_a_heading(page: Page, experiment) -> None:
    wrong = watch(page)
    page.goto(experiment)
    rows = page.locator(".runs-table tbody tr")
    page.get_by_label("Search").type("trial 11")
    expect(rows).to_have_count(8)  # 11, and of 110 to 119 the named
    assert page.get_by_label("Search").evaluate("e => e === document.activeElement")
    page.get_by_role("link", name="m02", exact=True).click()
    heading = page.get_by_role("columnheader", name="m02")
    expect(heading).to_have_attribute("aria-sort", "descending")
    page.get_by_role("link", name="m02", exact=True).click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert "sort=metrics.m02" in page.url and "q=trial" in page.url
    page.get_by_label("Filter", exact=True).fill("metrics.m02 < 2 and status = ")
    page.get_by_label("Filter", exact=True).press("Enter")
    expect(page.locator("#runs-errors")).to_contain_text("a value of status is expected")
    expect(page.get_by_label("Filter", exact=True)).to_have_attribute("aria-invalid", "true")
    page.go_back()
    expect(rows).to_have_count(8)
    assert wrong == []


def test_ticked_runs_are_tagged_by_keyboard(page: Page, experiment) -> None:
    wrong = watch(page)
    page.goto(experiment)
    first = page.locator('input[name="runs"]').first
    first.focus()
    page.keyboard.press("Space")
    expect(page.locator("#runs-ticked")).to_have_text("With 1 ticked run:")
    page.locator("#runs-all").focus()
    page.keyboard.press("Space")
    expect(page.locator("#runs-ticked")).to_have_text("With 50 ticked runs:")
    page.get_by_label("Tag", exact=True).fill("reviewed: yes")
    page.get_by_role("button", name="Tag", exact=True).press("Enter")
    expect(page.get_by_text("50 runs tagged “reviewed”.")).to_be_visible()
    expect(page.get_by_text("reviewed: yes").first).to_be_visible()
    assert wrong == []


def test_runs_are_deleted_and_restored(page: Page, experiment) -> None:
    wrong = watch(page)
    page.goto(f"{experiment}?where=status+%3D+COMPLETED")
    name = page.locator(".runs-table tbody th a").first.inner_text()
    page.locator('input[name="runs"]').first.check()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("1 run deleted")).to_be_visible()
    page.get_by_role("link", name="Deleted", exact=True).click()
    expect(page.locator(".runs-table tbody tr")).to_have_count(1)
    expect(page.locator(".runs-table tbody th")).to_contain_text(name)
    page.locator('input[name="runs"]').first.check()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Nothing is deleted")).to_be_visible()
    assert wrong == []


def test_a_group_opens_in_place_and_columns_are_chosen(page: Page, experiment) -> None:
    wrong = watch(page)
    page.goto(experiment)
    page.get_by_label("Grouped by").select_option("start")
    opener = page.locator(".runs-open").first
    opener.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".runs-inner:not([hidden]) tr").first).to_contain_text("seed")
    opener.press("Enter")
    expect(page.locator(".runs-inner:not([hidden])")).to_have_count(0)
    page.goto(experiment)
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Others").fill("max.m05, tags.dataset")
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader", name="max.m05")).to_be_visible()
    assert wrong == []


def test_a_view_is_kept_and_chosen(page: Page, experiment) -> None:
    wrong = watch(page)
    page.goto(f"{experiment}?sort=-metrics.m01")
    page.get_by_text("Keep this view").click()
    page.get_by_role("textbox", name="Name").fill("best first")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.goto(experiment)
    page.get_by_role("link", name="best first").click()
    expect(page.get_by_role("columnheader", name="m01")).to_have_attribute(
        "aria-sort", "descending"
    )
    assert wrong == []


def test_a_run_is_named_and_tagged_on_its_page(page: Page, experiment) -> None:
    wrong = watch(page)
    page.goto(experiment)
    page.locator(".runs-table tbody th a").first.click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}$"))
    page.get_by_text(re.compile("Change name and notes|Name it, add notes")).click()
    page.get_by_role("textbox", name="Name").fill("warm-up")
    page.get_by_role("textbox", name="Notes").fill("longer")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="warm-up", level=1)).to_be_visible()
    page.get_by_label("New tag").fill("good")
    page.get_by_role("button", name="Add tag").click()
    page.get_by_role("button", name="Take the tag good away").click()
    expect(page.get_by_role("button", name="Take the tag good away")).to_have_count(0)
    check(page, "run-words", wrong)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", LOOKED_AT)
@pytest.mark.usefixtures("experiment")
def test_looks(name: str, look: str, browser: Browser, session, service: Service) -> None:
    context = browser.new_context(storage_state=session, base_url=service.url, **LOOKS[look])
    page = context.new_page()
    wrong = watch(page)
    page.goto(LOOKED_AT[name])
    check(page, f"{name}-{look}", wrong)
    context.close()
