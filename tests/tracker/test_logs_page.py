"""The log on a page, in Chromium: a small server answers from a real file as the views do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests import services
from tests.e2e.looks import LOOKS, check, watch
from tests.tracker.log_server import LogServer

pytestmark = pytest.mark.service


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LogServer]:
    with LogServer(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = services.program("chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic"]
    flags += ["--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()


@contextmanager
def shown(
    browser: Browser, server: LogServer, expected: list[str] | None = None, **look: object
) -> Iterator[Page]:
    """The page, its clock running by itself and forward when told; no error but ``expected``."""
    context = browser.new_context(**look)
    context.set_default_timeout(10_000)
    page = context.new_page()
    wrong = watch(page)
    page.clock.install()
    page.goto(server.url)
    yield page
    context.close()
    assert [words for words in wrong if not any(e in words for e in expected or [])] == []


def text_of(page: Page) -> str:
    return page.locator("#log-text").text_content() or ""


def wait_for(page: Page, what: str) -> None:
    expect(page.locator("#log-text")).to_contain_text(what)


def wait_for_end(page: Page, what: str) -> None:
    """For a text that would be too long to print."""
    ends = "(box, what) => box.textContent.endsWith(what)"
    services.wait_until(lambda: page.locator("#log-text").evaluate(ends, what), repr(what), 10)


def next_poll(page: Page, seconds: int = 4) -> None:
    page.wait_for_timeout(100)
    page.clock.fast_forward(seconds * 1_000)


def grow(server: LogServer, data: str, name: str = "out") -> None:
    with (server.folder / f"{name}.log").open("ab") as file:
        file.write(data.encode())


# --- following
def test_the_end_is_shown_and_what_is_written_appears(browser: Browser, server: LogServer) -> None:
    grow(server, "".join(f"line {number}\n" for number in range(20_000)))
    with shown(browser, server) as page:
        wait_for(page, "line 19999")
        assert "line 100\n" not in text_of(page)
        assert text_of(page).startswith("line ")
        expect(page.locator("#log-status")).to_contain_text("Following")
        expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "true")
        grow(server, "line the newest\n")
        next_poll(page)
        wait_for(page, "line 19999\nline the newest\n")
        assert page.evaluate(
            "(() => { const t = document.getElementById('log-text');"
            " return t.scrollHeight - t.scrollTop - t.clientHeight < 5; })()"
        )


def test_a_progress_bar_shows_its_last_state_and_no_colour_codes(
    browser: Browser, server: LogServer
) -> None:
    grow(server, "\x1b[32mstart\x1b[0m\r\n\r  1%|#\r 20%|##\x1b[K")
    with shown(browser, server) as page:
        wait_for(page, "20%")
        assert text_of(page) == "start\n 20%|##"
        for more, whole in [
            ("\r 50%|#####\r", "start\n 50%|#####"),
            ("100%|#########\x1b[3", "start\n100%|#########"),
            ("1m!\x1b[0m\n\x1b]0;title\x07done\n", "start\n100%|#########!\ndone\n"),
        ]:
            grow(server, more)
            next_poll(page)
            wait_for_end(page, whole)
            assert text_of(page) == whole


def test_markup_in_a_log_is_text(browser: Browser, server: LogServer) -> None:
    grow(server, "<img src=/x onerror=alert(1)>\n<script>alert(2)</script> &amp; loss\n")
    with shown(browser, server) as page:
        wait_for(page, "<script>alert(2)</script> &amp; loss")
        page.get_by_label("Find in the whole log").fill("alert")
        page.get_by_role("button", name="Find").click()
        expect(page.locator("#log-hits li")).to_have_count(2)
        page.locator("#log-hits button").first.click()
        expect(page.locator("#log-text mark")).to_have_text("<img src=/x onerror=alert(1)>")
        assert page.locator("#log :is(img, script)").count() == 0


def test_scrolling_up_stops_following_and_follow_goes_back(
    browser: Browser, server: LogServer
) -> None:
    grow(server, "line\n" * 1_000)
    with shown(browser, server) as page:
        wait_for(page, "line")
        page.locator("#log-text").focus()
        page.keyboard.press("Home")
        follow = page.get_by_role("button", name="Follow")
        expect(follow).to_have_attribute("aria-pressed", "false")
        expect(page.locator("#log-note")).to_contain_text("because you scrolled up")
        grow(server, "news\n")
        next_poll(page, 20)
        assert "news" not in text_of(page)
        follow.press("Enter")
        wait_for(page, "news")
        expect(follow).to_have_attribute("aria-pressed", "true")


def test_a_hidden_page_asks_nothing_until_it_is_looked_at(
    browser: Browser, server: LogServer
) -> None:
    grow(server, "before\n")
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s});"
    hide += "document.dispatchEvent(new Event('visibilitychange'))"
    with shown(browser, server) as page:
        wait_for(page, "before")
        page.evaluate(hide % "true")
        expect(page.locator("#log-status")).to_contain_text("pauses while this page is hidden")
        asked = len(server.asked)
        grow(server, "after\n")
        for _ in range(5):
            next_poll(page, 20)
        assert len(server.asked) == asked
        page.evaluate(hide % "false")
        wait_for(page, "after")


def test_questions_become_rarer_while_nothing_is_written(
    browser: Browser, server: LogServer
) -> None:
    grow(server, "x\n")
    with shown(browser, server) as page:
        wait_for(page, "x")
        under_way: set[Request] = set()
        # Lambdas, for a listener must take attributes, which a set's own methods do not.
        page.on("request", lambda request: under_way.add(request))  # noqa: PLW0108
        # One may end that began before anybody listened: the page's own picture.
        page.on("requestfinished", lambda request: under_way.discard(request))  # noqa: PLW0108
        asked = len(server.asked)
        for _ in range(60):
            page.clock.run_for(1_000)
            # The next question is planned when the last is answered, which takes time of ours.
            page.wait_for_timeout(10)
            while under_way:
                page.wait_for_timeout(10)
        assert 3 <= len(server.asked) - asked <= 8


def test_a_file_begun_anew_is_shown_from_its_beginning_and_says_so(
    browser: Browser, server: LogServer
) -> None:
    grow(server, "first attempt\n" * 100)
    with shown(browser, server) as page:
        wait_for(page, "first attempt")
        (server.folder / "out.log").write_text("second attempt\n")
        next_poll(page)
        expect(page.locator("#log-note")).to_contain_text("begun anew")
        assert text_of(page) == "second attempt\n"


def test_a_log_that_grows_fast_keeps_two_million_characters_and_says_so(
    browser: Browser, server: LogServer
) -> None:
    grow(server, "first\n")
    with shown(browser, server) as page:
        wait_for(page, "first")
        for part in range(4):  # less than what would be skipped, each
            grow(server, f"filling part {part}\n" * 50_000 + f"end of {part}\n")
            next_poll(page)
            wait_for_end(page, f"end of {part}\n")
        expect(page.locator("#log-note")).to_contain_text("Earlier text was let go of")
        assert 1_900_000 < len(text_of(page)) <= 2_000_000
        assert "filling part 0" not in text_of(page)


def test_a_log_that_outruns_the_reader_is_skipped_to_its_end(
    browser: Browser, server: LogServer
) -> None:
    grow(server, "first\n")
    with shown(browser, server) as page:
        wait_for(page, "first")
        grow(server, "filler\n" * 1_000_000 + "the end\n")
        next_poll(page)
        wait_for(page, "the end")
        expect(page.locator("#log-note")).to_contain_text("7.0 MB were skipped")
        assert "first" not in text_of(page)


def test_following_ends_with_the_run(browser: Browser, server: LogServer) -> None:
    grow(server, "running\n")
    with shown(browser, server) as page:
        wait_for(page, "running")
        server.is_open = False
        grow(server, "last words\n")
        next_poll(page)
        wait_for(page, "last words")
        next_poll(page)
        expect(page.locator("#log-note")).to_contain_text("this is the end of its log")
        expect(page.locator("#log-status")).to_contain_text("The run has ended.")


# --- problems and streams
def test_a_log_that_is_not_there_yet_is_told_and_shown_when_it_comes(
    browser: Browser, server: LogServer
) -> None:
    with shown(browser, server, expected=["404"]) as page:
        problem = page.locator("#log-problem")
        expect(problem).to_contain_text("There is no log to show.")
        expect(problem).to_contain_text("The job has not written it yet")
        grow(server, "at last\n")
        next_poll(page, 5)
        wait_for(page, "at last")
        expect(problem).to_be_hidden()


def test_a_refused_log_is_told_and_asked_again_only_by_hand(
    browser: Browser, server: LogServer
) -> None:
    (server.folder / "out.log").symlink_to("err.log")
    grow(server, "errors\n", "err")
    with shown(browser, server, expected=["403"]) as page:
        expect(page.locator("#log-problem")).to_contain_text("is a symbolic link")
        next_poll(page, 60)
        assert len(server.asked) == 1
        (server.folder / "out.log").unlink()
        grow(server, "output\n")
        page.get_by_role("button", name="Try again").click()
        wait_for(page, "output")


def test_a_service_that_is_away_is_told_and_found_again(
    browser: Browser, server: LogServer
) -> None:
    grow(server, "before\n")
    with shown(browser, server, expected=["ERR_"]) as page:
        wait_for(page, "before")
        page.context.set_offline(True)
        next_poll(page)
        expect(page.locator("#log-problem")).to_contain_text("The service cannot be reached")
        assert text_of(page) == "before\n"
        page.context.set_offline(False)
        grow(server, "after\n")
        next_poll(page, 16)
        wait_for(page, "after")
        expect(page.locator("#log-problem")).to_be_hidden()


def test_the_other_stream_takes_the_place_of_the_first(browser: Browser, server: LogServer) -> None:
    grow(server, "output\n")
    grow(server, "errors\n", "err")
    with shown(browser, server) as page:
        wait_for(page, "output")
        page.get_by_role("button", name="Errors").click()
        wait_for(page, "errors")
        assert text_of(page) == "errors\n"
        assert page.get_by_role("button", name="Errors").get_attribute("aria-pressed") == "true"
        assert page.locator("#log-text").get_attribute("aria-label") == "Log: Errors"
        assert (page.locator("#log-path").text_content() or "").endswith("err.log")
        expect(page.get_by_role("link", name="Plain text")).to_have_attribute(
            "href", "/log?stream=err&as=text"
        )


# Counted in the page: one that it has given up is over for it, and not yet for a slow server.
COUNT_QUESTIONS = """() => {
  const ask = window.fetch;
  let now = 0;
  window.mostAtOnce = 0;
  window.fetch = (...words) => {
    window.mostAtOnce = Math.max(window.mostAtOnce, ++now);
    return ask(...words).finally(() => { now -= 1; });
  };
}"""


def test_never_two_questions_at_once(browser: Browser, server: LogServer) -> None:
    grow(server, "line with words\n" * 20_000)
    grow(server, "errors\n", "err")
    server.slow_s = 0.1
    with shown(browser, server) as page:
        page.evaluate(COUNT_QUESTIONS)
        page.get_by_label("Find in the whole log").fill("nowhere to be found")
        page.get_by_role("button", name="Find", exact=True).click()
        for name in ("Load earlier", "Errors", "Output", "Follow", "Load earlier", "Follow"):
            page.get_by_role("button", name=name).click()
        next_poll(page, 20)
        wait_for(page, "line with words")
        assert page.evaluate("window.mostAtOnce") == 1


# --- going back, searching
def test_loading_earlier_reaches_the_beginning_and_loses_nothing(
    browser: Browser, server: LogServer
) -> None:
    whole = "".join(f"Zeile {number} für Größe\n" for number in range(8_000))
    grow(server, whole)
    server.is_open = False
    with shown(browser, server) as page:
        wait_for(page, "Zeile 7999 ")
        for _ in range(5):
            page.get_by_role("button", name="Load earlier").click()
            page.wait_for_timeout(150)
        expect(page.locator("#log-note")).to_have_text("This is the beginning of the file.")
        assert text_of(page) == whole


def test_loading_earlier_keeps_the_lines_that_are_read_in_place(
    browser: Browser, server: LogServer
) -> None:
    grow(server, "line\n" * 50_000)
    server.is_open = False
    with shown(browser, server) as page:
        wait_for(page, "line")
        box = page.locator("#log-text")
        box.evaluate("(text) => { text.scrollTop = 300; }")
        from_bottom = "(text) => text.scrollHeight - text.scrollTop"
        before = box.evaluate(from_bottom)
        page.get_by_role("button", name="Load earlier").click()
        services.wait_until(lambda: box.evaluate("(t) => t.scrollTop > 1000"), "earlier text", 5)
        assert box.evaluate(from_bottom) == before


def test_a_search_goes_through_the_whole_file_and_its_results_lead_there(
    browser: Browser, server: LogServer
) -> None:
    filler = "nothing of note here\n" * 100_000
    grow(server, f"{filler}epoch 1: LOSS nan\n{filler}epoch 2: loss \x1b[31mnan\x1b[0m\n{filler}")
    with shown(browser, server) as page:
        wait_for(page, "nothing of note")
        page.get_by_label("Find in the whole log").fill("loss")
        page.keyboard.press("Enter")
        expect(page.locator("#log-found")).to_have_text("2 lines found.")
        assert page.locator("#log-hits code").all_text_contents() == [
            "epoch 1: LOSS nan",
            "epoch 2: loss nan",
        ]
        page.locator("#log-hits button").last.press("Enter")
        expect(page.locator("#log-text mark")).to_be_in_viewport()
        assert page.locator("#log-text mark").text_content() == "epoch 2: loss nan"
        expect(page.locator("#log-text")).to_be_focused()
        assert "nothing of note here\nepoch 2: loss nan\nnothing of note" in text_of(page)
        page.get_by_role("button", name="Load later").click()
        page.get_by_label("match case").check()
        page.get_by_role("button", name="Find").click()
        expect(page.locator("#log-found")).to_have_text("1 line found.")


def test_a_search_tells_its_progress_and_can_be_cancelled(
    browser: Browser, server: LogServer
) -> None:
    grow(server, "x" * 79 + "\n")
    with (server.folder / "out.log").open("r+b") as file:
        file.truncate(3_000_000_000)
    with shown(browser, server) as page:
        expect(page.locator("#log-status")).to_contain_text("3.0 GB")
        page.get_by_label("Find in the whole log").fill("xx")
        page.get_by_role("button", name="Find").click()
        expect(page.locator("#log-progress")).to_contain_text("MB of 3.0 GB. 1 line found.")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#log-found")).to_have_text("Cancelled. 1 line found.")
        page.wait_for_timeout(300)
        asked = len(server.asked)
        page.wait_for_timeout(300)
        assert len(server.asked) == asked


# --- looks
@pytest.mark.parametrize("look", LOOKS)
def test_it_looks_right(look: str, browser: Browser, server: LogServer) -> None:
    rest = "lr 1e-4 tokens/s 91234.5 mem 71.2 GB"
    lines = (f"epoch {n} step {n * 100} loss {1 / (n + 1):.5f} {rest}\n" for n in range(900))
    grow(server, "".join(lines))
    grow(server, "\r 12%|####      | 120/1000 [00:12<01:28]")
    with shown(browser, server, **LOOKS[look]) as page:
        wait_for(page, "12%")
        page.get_by_label("Find in the whole log").fill("epoch 89")
        page.get_by_role("button", name="Find").click()
        expect(page.locator("#log-found")).to_have_text("11 lines found.")
        page.locator("#log-hits button").nth(3).click()
        expect(page.locator("#log-text mark")).to_be_in_viewport()
        check(page, f"log-{look}", [])


@pytest.mark.parametrize("look", ["light", "phone"])
def test_a_problem_looks_right(look: str, browser: Browser, server: LogServer) -> None:
    with shown(browser, server, expected=["404"], **LOOKS[look]) as page:
        expect(page.locator("#log-problem")).to_be_visible()
        check(page, f"log-problem-{look}", [])


def test_without_a_script_there_is_a_link_to_the_plain_text(
    browser: Browser, server: LogServer
) -> None:
    with shown(browser, server, java_script_enabled=False) as page:
        expect(page.locator("noscript a").first).to_have_attribute(
            "href", "/log?stream=out&as=text"
        )
        expect(page.locator("#log-body")).to_be_hidden()
