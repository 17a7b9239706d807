"""From the button to the log: a run started, followed, searched and cancelled in the browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import services
from tests.e2e.conftest import Service
from tests.e2e.looks import LOOKS, check, watch

pytestmark = pytest.mark.service
SCRIPT = """\
#!/bin/bash
#SBATCH --partition=debug --time=10 --mem=200M
for step in $(seq 1 500); do echo "step $step seed $SEED"; sleep 0.5; done
"""


def new_experiment(page: Page) -> None:
    page.goto("/experiments/new")
    page.get_by_label("Name (required)").fill("started")
    page.get_by_label("Batch script").fill(SCRIPT)
    page.get_by_role("button", name="Make experiment").click()
    page.wait_for_url(re.compile(r"/experiments/\d+$"))


def start(page: Page) -> None:
    page.get_by_role("link", name="Start", exact=True).click()
    page.get_by_label("Seeds").fill("7")
    page.get_by_label("Configurations").fill('{"lr": 0.1}')
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("--export=EXPERIMENT_ID,TRACKER_API")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}$"))


def test_start_follow_search_and_cancel(
    context: BrowserContext, browser: Browser, session, service: Service
) -> None:
    page = context.new_page()
    wrong = watch(page)
    squeue = service.data_dir / "demo/bin/squeue"
    services.wait_until(squeue.exists, "the demo cluster", 60)
    new_experiment(page)
    start(page)
    log = page.locator("#log-text")
    expect(log).to_contain_text("step 5 seed 7", timeout=120_000)
    expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "true")
    expect(log).to_contain_text("step 15 seed 7", timeout=30_000)
    page.get_by_label("Find in the whole log").fill("step 3 seed")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#log-hits li")).to_have_count(1)
    run_url = page.url
    for look, options in LOOKS.items():
        looking = browser.new_context(storage_state=session, base_url=service.url, **options)
        other = looking.new_page()
        others_wrong = watch(other)
        other.goto(run_url)
        expect(other.locator("#log-text")).to_contain_text("step 5 seed 7")
        check(other, f"run-with-log-{look}", others_wrong)
        looking.close()
    page.get_by_role("button", name="Ask Slurm now").click()
    expect(page.get_by_text("JobState=RUNNING")).to_be_visible()
    page.get_by_role("link", name="Cancel", exact=True).click()
    page.get_by_role("button", name=re.compile("Cancel")).click()
    expect(page.get_by_text("Stopped by hand")).to_be_visible(timeout=60_000)
    assert wrong == []
