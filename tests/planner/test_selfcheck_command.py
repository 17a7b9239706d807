"""``manage.py simulate --capture DIR --check``: for people and for programs."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.planner.recorded import CAPTURE


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("simulate", "--check", *arguments, stdout=out)
    return out.getvalue()


def test_people_read_the_verdicts_first() -> None:
    lines = told("--capture", str(CAPTURE)).splitlines()
    assert lines[0].startswith("cpu: trusted: 50 of 50 planned starts")
    assert "  182 of 183 priorities within one unit and ageing (-0.1 to 8.3 units)" in lines


def test_programs_read_one_object() -> None:
    found = json.loads(told("--capture", str(CAPTURE), "--json"))
    assert found["verdicts"]["gpu"]["starts"] == [41, 41]
    assert found["cycle_at"] == "2026-11-23T12:30:09+00:00"


def test_a_folder_that_is_no_capture_fails_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"manage\.py capture") as raised:
        told("--capture", str(tmp_path))
    assert raised.value.returncode == 1


@pytest.mark.parametrize("arguments", [[], ["log.swf"], ["log.swf", "--capture", str(CAPTURE)]])
def test_a_check_without_a_capture_is_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="--check goes with --capture DIR") as raised:
        told(*arguments)
    assert raised.value.returncode == 2


def test_simulate_without_a_trace_is_wrong_usage() -> None:
    with pytest.raises(CommandError, match="name a TRACE") as raised:
        call_command("simulate")
    assert raised.value.returncode == 2
