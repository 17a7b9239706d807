"""The files of a run in the browser: from its page into folders, a picture, a download, curves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import services
from tests.e2e.conftest import ROOT, Service
from tests.e2e.looks import LOOKS, check, watch

pytestmark = pytest.mark.service
EVENTS = ROOT / "tests/data/tensorboard/events.out.tfevents.1795836531.host.1.0"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M/wHwAEBgIApD5fRAAAAABJRU5ErkJg"
    "gg=="
)
SCRIPT = f"""\
#!/bin/bash
#SBATCH --partition=debug --time=10 --mem=200M
cp '{EVENTS}' "$RUN_FOLDER/logs/tensorboard/"
echo {PIXEL} | base64 -d >"$RUN_FOLDER/plot.png"
printf 'accuracy: 0.9 <b>' >"$RUN_FOLDER/results.txt"
printf '\\0\\1\\2' >"$RUN_FOLDER/checkpoints/last.pt"
ln -s /etc/passwd "$RUN_FOLDER/elsewhere"
sleep 240
"""


def start(page: Page, service: Service) -> None:
    squeue = service.data_dir / "demo/bin/squeue"
    services.wait_until(squeue.exists, "the demo cluster", 150)
    page.goto("/experiments/new")
    page.get_by_label("Name (required)").fill("with files")
    page.get_by_label("Batch script").fill(SCRIPT)
    page.get_by_role("button", name="Make experiment").click()
    page.wait_for_url(re.compile(r"/experiments/\d+$"))
    page.get_by_role("link", name="Start", exact=True).click()
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}$"))


def look_at(browser: Browser, session, service: Service, url: str, name: str) -> None:
    for look, options in LOOKS.items():
        context = browser.new_context(storage_state=session, base_url=service.url, **options)
        page = context.new_page()
        wrong = watch(page)
        page.goto(url)
        check(page, f"{name}-{look}", wrong)
        context.close()


def test_files_are_looked_into_saved_and_read_into_curves(
    context: BrowserContext, browser: Browser, session, service: Service, tmp_path: Path
) -> None:
    page = context.new_page()
    wrong = watch(page)
    start(page, service)
    run_url = page.url
    files = page.get_by_role("region", name="Files", exact=True)

    def offers_its_folder() -> bool:
        page.reload()
        return files.get_by_role("link", name="experiments/exp-").count() > 0

    services.wait_until(offers_its_folder, "the run's start", 150, every_s=2)
    folder = files.get_by_role("link", name="experiments/exp-")
    folder.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="plot.png")).to_be_visible()
    expect(page.get_by_text("a link, not followed")).to_be_visible()
    folder_url = page.url
    page.get_by_role("link", name="results.txt").click()
    expect(page.get_by_text("accuracy: 0.9 <b>")).to_be_visible()
    text_url = page.url
    page.goto(folder_url)
    page.get_by_role("link", name="plot.png").click()
    picture = page.get_by_role("img", name=re.compile("plot.png"))
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 1
    page.goto(folder_url)
    page.get_by_role("link", name="checkpoints/").click()
    page.get_by_role("link", name="last.pt").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == b"\0\1\2"
    assert wrong == []
    for url, name in ((folder_url, "files-folder"), (text_url, "files-text")):
        look_at(browser, session, service, url, name)

    def has_curves() -> bool:
        page.goto(run_url)
        return page.get_by_text("tensorboard --logdir").count() > 0

    services.wait_until(has_curves, "event files to be read", 150, every_s=3)
    assert page.get_by_text("tb/epoch_loss").count() > 0
    look_at(browser, session, service, f"{run_url}/files", "files-places")
    page.goto(f"{run_url}/files")
    with page.expect_download() as points:
        page.get_by_role("link", name="points as CSV").click()
    points.value.save_as(tmp_path / "points.csv")
    rows = (tmp_path / "points.csv").read_text().splitlines()
    assert rows[0] == "run_id,run_name,name,attempt,step,time,value"
    assert len(rows) == 1 + 7
    assert rows[-1].endswith(",-Infinity")
