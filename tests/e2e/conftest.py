"""The whole service as a newcomer starts it, and a browser in front of it.

Fixtures end with the package: Playwright keeps an event loop, beside which Django's ORM (of other
tests in this process) would refuse to work.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests import services

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Service:
    """A running ``manage.py up`` and everything it has printed."""

    process: subprocess.Popen[str]
    url: str
    data_dir: Path
    lines: list[str] = field(default_factory=list)

    def signin_url(self) -> str:
        return next(match[0] for line in self.lines if (match := SIGN_IN.search(line)))


SIGN_IN = re.compile(r"http://\S+/signin\?token=\S+")


@pytest.fixture(scope="package")
def service() -> Iterator[Service]:
    services.program("chromium")
    with services.folder("queuecast-e2e-") as data_dir:
        port = services.free_port()
        command = [sys.executable, "manage.py", "up", "--demo", "--no-browser"]
        process = subprocess.Popen(
            [*command, "--port", str(port), "--data-dir", str(data_dir)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        service = Service(process, f"http://127.0.0.1:{port}", data_dir)
        reader = threading.Thread(target=_keep_lines, args=(service,), daemon=True)
        reader.start()
        try:
            services.wait_until(lambda: _is_up(service, port), "the service", 90)
            yield service
        finally:
            services.end(process)
            reader.join(5)
            process.stdout.close()


def _keep_lines(service: Service) -> None:
    assert service.process.stdout is not None
    for line in service.process.stdout:
        service.lines.append(line.rstrip())


def _is_up(service: Service, port: int) -> bool:
    if service.process.poll() is not None:
        raise RuntimeError("manage.py up ended early:\n" + "\n".join(service.lines))
    return any(SIGN_IN.search(line) for line in service.lines) and services.answers(port)


@pytest.fixture(scope="package")
def browser(service: Service) -> Iterator[Browser]:
    chromium = services.program("chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += ["--disable-quic", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory():
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def session(browser: Browser, service: Service) -> Iterator[dict[str, object]]:
    """Cookies of a browser that has used the printed sign-in link."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.signin_url())
    yield context.storage_state()
    context.close()


@pytest.fixture
def context(
    browser: Browser, session: dict[str, object], service: Service
) -> Iterator[BrowserContext]:
    context = browser.new_context(
        storage_state=session, base_url=service.url, viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(15_000)
    yield context
    context.close()
