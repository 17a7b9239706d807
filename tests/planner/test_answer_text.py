"""An answer in lines for a terminal: no rows that all say the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from planner.asking.answer_text import lines
from tests.planner.answers import full_answer, limit, quantiles

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


def told(walltime: list[dict[str, Any]]) -> list[str]:
    points = [point | {"is_asked": point["limit_minutes"] == 240} for point in walltime]
    return list(lines(full_answer(AT) | {"walltime": points}))


def test_limits_that_start_at_different_times_are_a_table() -> None:
    text = told([limit(60, 0.5, 0.5), limit(240, 2.0, 0.04)])
    at = next(place for place, line in enumerate(text) if line.startswith("LIMIT"))
    assert text[at].split() == ["LIMIT", "START", "P50", "P90", "KILLED"]
    assert text[at + 1].split() == ["01:00:00", "~30", "min", "~1", "h", "50", "%"]
    assert text[at + 2].endswith("<- as asked")


def test_limits_that_all_start_alike_are_one_line() -> None:
    text = told([limit(10, 0.0, 0.9), limit(60, 0.0, 0.5), limit(240, 0.0, 0.0)])
    assert "Any limit from 00:10:00 to 04:00:00 starts alike." in text
    assert not any(line.startswith("LIMIT") for line in text)


def test_a_cliff_is_told_though_all_start_alike() -> None:
    text = told([limit(60, 0.0, 0.5), limit(240, 0.0, 0.0, "maintenance begins in 3 h")])
    assert any(line.endswith("maintenance begins in 3 h") for line in text)


def test_starts_that_are_not_known_are_not_said_to_be_alike() -> None:
    unknown = {"start": quantiles(None, None, None), "later_than_horizon": ["p50", "p90"]}
    text = told([limit(60, 0.0, 0.5) | unknown, limit(240, 0.0, 0.0) | unknown])
    assert any(line.split()[:3] == ["01:00:00", "later", "later"] for line in text)
    assert not any("starts alike" in line for line in text)
