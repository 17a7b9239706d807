"""Twenty runs of 100,000 points each side by side in Chromium: by mouse and by keyboard alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import services
from tests.e2e.conftest import ROOT, Service
from tests.e2e.looks import LOOKS, check, watch
from tests.e2e.test_loop import token

pytestmark = pytest.mark.service
POINTS = 100_000
CHART = "#curve-charts .chart-box"
# What plotly holds of the first chart: traces, those of a run first.
TRACES = f"document.querySelector('{CHART}').data"


@pytest.fixture(scope="module")
def experiment(service: Service, session) -> str:
    command = [sys.executable, "-m", "tests.compared_runs", "admin", str(POINTS)]
    environment = os.environ | {"QUEUECAST_DATA_DIR": str(service.data_dir)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def page(context: BrowserContext, experiment: str) -> Iterator[Page]:
    page = context.new_page()
    wrong = watch(page)
    compare(page, experiment)
    yield page
    assert wrong == []


def compare(page: Page, experiment: str, look: str = "") -> None:
    page.goto(f"/compare?experiment={experiment}{look}")
    drawn(page)


def drawn(page: Page) -> None:
    page.wait_for_selector(f"{CHART}[data-drawn] .scatterlayer .trace")
    page.wait_for_load_state("networkidle")


def shows(page: Page, expression: str) -> None:
    """Waits until it is true of the page: what was asked for is fetched and drawn in a while."""
    services.wait_until(lambda: bool(page.evaluate(expression)), expression, 60)


@pytest.mark.parametrize("look", LOOKS)
def test_compare_page(
    look: str, browser: Browser, session, service: Service, experiment: str
) -> None:
    context = browser.new_context(storage_state=session, base_url=service.url, **LOOKS[look])
    page = context.new_page()
    wrong = watch(page)
    compare(page, experiment, "&smoothing=0.95")
    for summary in ("Metrics", "Group runs", "Stretch", "Numbers", "Points drawn", "Axes"):
        page.locator("summary", has_text=summary).first.click()
    check(page, f"compare-{look}", wrong)
    context.close()


def test_every_run_is_drawn_thinned_and_what_is_not_finite_is_marked(page: Page) -> None:
    lengths = page.evaluate(f"{TRACES}.filter((one) => !one.yaxis).map((one) => one.x.length)")
    assert len(lengths) == 20
    assert all(100 < length <= 1_000 for length in lengths)
    assert page.evaluate(f"{TRACES}.filter((one) => one.yaxis === 'y2').map((one) => one.x)") == [
        [POINTS // 2]
    ]


def test_dragging_along_a_chart_fetches_that_stretch_in_full(page: Page) -> None:
    box = page.locator(CHART).first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.51, middle, steps=6)
    with page.expect_response(lambda answer: "from_x=" in answer.url):
        page.mouse.up()
    assert "from_x=" in page.url and "to_x=" in page.url
    shows(page, f"{TRACES}[0].x.at(-1) - {TRACES}[0].x[0] < {POINTS * 0.05}")
    assert page.evaluate(f"{TRACES}[0].x.length") > 500
    page.mouse.dblclick(box["x"] + box["width"] / 2, middle)
    page.wait_for_url(lambda url: "from_x=" not in url)


def test_by_keyboard_alone_a_look_is_chosen_and_the_address_brings_it_back(page: Page) -> None:
    page.get_by_label("log axis").focus()
    page.keyboard.press("Space")
    page.locator("#curve-smooth").focus()
    page.keyboard.press("End")
    page.wait_for_url("**smoothing=0.999**")
    page.locator("summary", has_text="Stretch").focus()
    page.keyboard.press("Enter")
    page.get_by_label("from", exact=True).fill("20000")
    page.keyboard.press("Tab")
    page.keyboard.type("30000")
    page.keyboard.press("Tab")
    page.wait_for_url("**from_x=20000&to_x=30000")
    page.reload()
    drawn(page)
    assert page.get_by_label("log axis").is_checked()
    assert page.get_by_label("from", exact=True).input_value() == "20000"
    assert page.evaluate(f"document.querySelector('{CHART}').layout.xaxis.range") == [20000, 30000]
    assert page.evaluate(f"{TRACES}.filter((one) => !one.yaxis).length") == 40
    page.locator("#curve-whole").press("Enter")
    page.wait_for_url(lambda url: "from_x" not in url)


def test_over_the_time_of_day_the_stretch_is_of_the_readers_clock(page: Page) -> None:
    page.locator("#curve-x").select_option("time")
    page.wait_for_url("**x=time**")
    shows(page, f"document.querySelector('{CHART}').layout.xaxis.type === 'date'")
    page.locator("summary", has_text="Stretch").click()
    start = page.get_by_label("from", exact=True)
    assert start.get_attribute("type") == "datetime-local"
    first = page.evaluate(f"{TRACES}[0].x[0]")
    start.fill(first[:19])
    start.blur()
    page.wait_for_url("**from_x=**")
    shows(page, f"{TRACES}[0].x[0] >= '{first[:19]}'")


def test_seeds_become_one_line_with_a_band_and_say_how_many(page: Page) -> None:
    page.locator("summary", has_text="Group runs").click()
    page.get_by_label("same configuration, any seed").check()
    expect(page.locator("#curve-groups li")).to_have_count(4)
    expect(page.locator("#curve-groups")).to_contain_text(
        "optim.lr = 0.3, optim.name = adam (n = 5)"
    )
    expect(page.locator("#curve-runs")).to_be_hidden()
    shows(page, f"{TRACES}.length === 12")  # low, high and mean of each


def test_a_run_that_is_unchecked_is_not_drawn(page: Page) -> None:
    page.locator("#curve-runs input").first.uncheck()
    page.wait_for_url("**hidden=**")
    shows(page, f"{TRACES}.filter((one) => !one.yaxis).length === 19")


def test_a_run_that_the_keyboard_comes_to_in_the_legend_stands_out(page: Page) -> None:
    page.locator("#curve-runs input").nth(3).focus()
    shows(page, f"{TRACES}.filter((one) => one.opacity === 1).length === 1")
    page.get_by_label("log axis").focus()
    shows(page, f"{TRACES}.filter((one) => one.opacity === 1).length === 21")


def test_numbers_choose_among_the_runs_of_the_pictures(page: Page) -> None:
    table = page.locator("#numbers-table tbody tr:visible")
    expect(table).to_have_count(20)
    page.get_by_label("least optim.lr").fill("0.01")
    expect(page.locator("#numbers-within")).to_have_text("10 of 20 runs are within.")
    expect(table).to_have_count(10)
    page.get_by_label("Only optim.name").select_option("adam")
    expect(table).to_have_count(5)
    assert page.locator("#parallel .parallel-out").count() == 15
    page.reload()
    expect(table).to_have_count(5)


def test_an_axis_that_is_dragged_along_chooses_a_range(page: Page) -> None:
    page.locator("#parallel").scroll_into_view_if_needed()
    axis = page.locator("#parallel .parallel-hit").first.bounding_box()
    assert axis is not None
    x = axis["x"] + axis["width"] / 2
    page.mouse.move(x, axis["y"] + 10)
    page.mouse.down()
    page.mouse.move(x, axis["y"] + axis["height"] / 2, steps=4)
    page.mouse.up()
    expect(page.locator("#numbers-within")).to_have_text("10 of 20 runs are within.")
    assert float(page.get_by_label("least optim.lr").input_value()) > 0.001
    assert page.get_by_label("most optim.lr").input_value() == ""


def test_what_is_logged_meanwhile_is_drawn(page: Page, service: Service, experiment: str) -> None:
    newest = page.evaluate(f"{TRACES}[0].x.at(-1)")
    run = page.locator("#curve-runs input").first.get_attribute("data-run")
    point = {"name": "loss", "step": newest + 1000, "value": 1.5}
    answer = requests.post(
        f"{service.url}/api/v1/runs/{run}/metrics",
        json=point,
        headers={"X-Queuecast-Token": token(service, "user")},
        timeout=30,
    )
    assert answer.status_code == 201
    # Asked for every 15 s while a run is open.
    shows(page, f"{TRACES}[0].x.at(-1) === {newest + 1000}")


def test_the_page_of_a_run_has_the_same_controls(page: Page) -> None:
    page.locator("section", has_text="What differs").locator("tbody a").first.click()
    drawn(page)
    page.get_by_label("log axis").check()
    page.locator("#curve-x").select_option("relative")
    page.wait_for_url("**x=relative**")
    shows(page, f"document.querySelector('{CHART}').layout.yaxis.type === 'log'")
    expect(page.locator(CHART).first).to_contain_text("since the first point")


def test_long_names_and_many_groups_fit_a_phone(
    browser: Browser, session, service: Service, experiment: str
) -> None:
    """The last of these tests: it adds a metric to the runs that they look at."""
    secret = token(service, "user")
    runs = requests.get(
        f"{service.url}/api/v1/runs?experiment={experiment}",
        headers={"X-Queuecast-Token": secret},
        timeout=30,
    ).json()["results"]
    point = {"name": "a_long_name/" * 20, "step": 1, "value": 1}
    for run in runs:
        requests.post(
            f"{service.url}/api/v1/runs/{run['run_id']}/metrics",
            json=point,
            headers={"X-Queuecast-Token": secret},
            timeout=30,
        ).raise_for_status()
    context = browser.new_context(storage_state=session, base_url=service.url, **LOOKS["phone"])
    page = context.new_page()
    wrong = watch(page)
    compare(page, experiment, "&group_by=config")
    expect(page.locator("#curve-groups li")).to_have_count(4)
    check(page, "compare-long-phone", wrong)
    context.close()
