"""The page that a simulation leaves: complete, sound, without scripts, and true to the schedule."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

from planner.report.by_request import waits
from planner.report.figures import figures
from planner.report.gantt import window
from planner.report.lanes import lanes
from planner.report.over_time import over_time
from planner.report.page import page
from planner.report.schedule import Schedule
from planner.report.words import duration, ticks, time_ticks
from planner.sim.pool import Workload, starts_s

PROCESSORS = 16


def schedule(jobs: int = 60, seed: int = 4) -> Schedule:
    rng = np.random.default_rng(seed)
    submit_s = np.sort(rng.integers(500, 500 + 30 * jobs, jobs)).astype(float)
    run_s = rng.integers(1, 900, jobs).astype(float)
    limit_s = run_s * rng.integers(1, 5, jobs)
    procs = rng.integers(1, PROCESSORS + 1, jobs)
    start_s = starts_s(Workload(submit_s, procs, limit_s, run_s), PROCESSORS)
    return Schedule(np.arange(jobs) + 1, submit_s, start_s, run_s, limit_s, procs, PROCESSORS)


class Outline(HTMLParser):
    """Tags as they are met; raises where one is closed that was not open."""

    VOID = ("meta", "path")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.met: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.met.append(tag)
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.met.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def shown(of: Schedule, title: str = "a log", notes: tuple[str, ...] = ()) -> str:
    return page(of, figures(of), title, notes)


def test_the_page_is_whole_and_loads_nothing() -> None:
    text = shown(schedule())
    met = Outline(text).met
    assert met.count("svg") == 3 + 2 + 3  # pictures, keys of lines and of areas
    assert met.count("table") == 4
    assert not {"script", "link", "img", "iframe"} & set(met)
    assert "http" not in text
    assert "url(" not in text


def test_names_from_the_log_are_text_and_no_markup() -> None:
    one = schedule(3)
    named = Schedule(
        np.array(["<b>", "a&b", '"']), one.submit_s, one.start_s, one.run_s, one.limit_s,
        one.procs, PROCESSORS,
    )  # fmt: skip
    text = shown(named, title="<i>log</i>", notes=("<u>",))
    assert not {"b", "i", "u"} & set(Outline(text).met)


def test_a_single_job_makes_a_page_too() -> None:
    Outline(shown(schedule(1)))


def test_the_busy_share_over_time_adds_up_to_that_of_the_whole() -> None:
    one = schedule()
    found = over_time(one, stretches=7)
    assert found.busy.mean() == pytest.approx(figures(one).utilisation)
    assert found.busy.max() <= 1 + 1e-9


def test_the_queue_over_time_is_what_counting_by_the_second_finds() -> None:
    one = schedule()
    found = over_time(one, stretches=5)
    origin_s = one.submit_s.min()
    seconds = np.arange(0, int(found.edges_s[-1])) + origin_s
    waiting = [int(((one.submit_s <= at) & (at < one.start_s)).sum()) for at in seconds]
    assert found.waiting.mean() == pytest.approx(np.mean(waiting), rel=0.01)
    assert found.most_waiting.max() == max(waiting)


def test_every_job_is_in_one_field_of_the_waits() -> None:
    one = schedule()
    found = waits(one)
    assert sum(cell.jobs for _, cells in found.rows for cell in cells) == 60
    assert [size for size, _ in found.rows] == ["1", "2", "3 to 4", "5 to 8", "9 to 16"]
    of_one = one.wait_s[(one.procs == 1) & (one.limit_s <= 300)]
    first = found.rows[0][1][0]
    assert first.jobs == of_one.size
    assert first.median_s == (np.median(of_one) if of_one.size else None)


def test_no_two_jobs_share_a_processor() -> None:
    found = window(schedule())
    for second in range(int(found.from_s), int(found.until_s), 11):
        taken = [
            processor
            for bar in found.bars
            if bar.start_s <= second < bar.end_s
            for first, after in bar.pieces
            for processor in range(first, after)
        ]
        assert len(taken) == len(set(taken))
        assert all(0 <= processor < PROCESSORS for processor in taken)


def test_each_job_gets_the_lowest_processors_in_as_many_pieces_as_it_takes() -> None:
    given = lanes([0, 0, 0, 5, 9], [5, 9, 5, 9, 10], [2, 2, 2, 4, 6], 6)
    assert given == [[(0, 2)], [(2, 4)], [(4, 6)], [(0, 2), (4, 6)], [(0, 6)]]


def test_of_many_jobs_those_about_the_longest_queue_are_shown() -> None:
    one = schedule(400)
    found = window(one, most=50)
    queue = [int(((one.submit_s <= at) & (at < one.start_s)).sum()) for at in one.start_s]
    longest_s = one.start_s[int(np.argmax(queue))] - one.submit_s.min()
    assert len(found.bars) <= 50
    assert found.from_s <= longest_s <= found.until_s
    for second in range(int(found.from_s), int(found.until_s), 97):
        at_s = second + one.submit_s.min()
        running = one.procs[(one.start_s <= at_s) & (at_s < one.end_s)].sum()
        drawn = sum(bar.procs for bar in found.bars if bar.start_s <= second < bar.end_s)
        assert drawn == running


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.4, "0.4 s"),
        (59, "59 s"),
        (90, "1.5 min"),
        (3600, "1 h"),
        (86400 * 12, "12 d"),
    ],
)
def test_durations_read_well(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_ticks_are_round_and_within() -> None:
    assert ticks(0, 93_312, about=4) == [0, 50_000]
    assert ticks(0.0, 1.0, about=4) == [0, 0.5, 1.0]
    assert ticks(3, 3) == [3]
    assert time_ticks(0, 7 * 86400.0)[1] == (2 * 86400.0, "2 d")
