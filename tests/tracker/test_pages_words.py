"""Durations, times, states and bars as templates write them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone

from tracker.templatetags.queuecast import (
    PILLS,
    ago,
    data_age,
    duration,
    figure,
    minutes,
    moment,
    stacked_bar,
    status_pill,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.4, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (11_520, "3 h 12 min"),
        (86_399.6, "1 d"),
        (13 * 86_400 + 7200, "13 d"),
        (-90, "−1 min 30 s"),
        (timedelta(hours=2), "2 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, words):
    assert duration(seconds) == words


def test_a_limit_in_minutes_is_a_duration():
    assert minutes(1500) == "1 d 1 h"
    assert minutes(None) == "–"


def test_a_moment_carries_its_zone_for_the_script_and_utc_for_everybody():
    at = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    assert "2026-11-23T12:30:00+00:00" in moment(at)
    assert "2026-11-23 12:30 UTC" in moment(at)
    assert moment(None) == "–"


def test_an_age_looks_both_ways():
    assert ">40 s ago<" in ago(timezone.now() - timedelta(seconds=40))
    assert ">in 2 h<" in ago(timezone.now() + timedelta(hours=2, seconds=30))


def test_old_facts_and_missing_ones_are_marked():
    now = timezone.now()
    assert "age-old" not in data_age("queue", now - timedelta(minutes=5))
    assert "age-old" in data_age("queue", now - timedelta(hours=1))
    assert "no queue yet" in data_age("queue", None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "NaN"),
        (float("-inf"), "−∞"),
        (0.123456789, "0.12346"),
        (-1e-9, "−1e−09"),
    ],
)
def test_a_metric_value_keeps_five_digits(value, text):
    assert figure(value) == text


def test_a_pill_never_shows_markup_of_its_word():
    assert "<b>" not in status_pill("<b>")
    assert "out of memory" in status_pill("OUT_OF_MEMORY")
    assert PILLS["COMPLETED"] in status_pill("COMPLETED")


def test_a_bar_shares_its_width_and_an_empty_one_has_none():
    bar = stacked_bar("3 of 4 busy", busy=3, free=1)
    assert 'width="75.00"' in bar
    assert 'x="75.00" width="25.00"' in bar
    assert 'width="0.00"' in stacked_bar("nothing", busy=0)


def test_a_link_keeps_the_rest_of_the_query(rf):
    context = Context({"request": rf.get("/x?q=a%26b&page=3")})
    template = Template("{% load queuecast %}{% query_with page=None sort='name' %}")
    assert template.render(context) == "?q=a%26b&amp;sort=name"
