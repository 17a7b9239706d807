"""What people type for memory, limits and features, and what a request makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.asking.request import Request, features_of, limit_minutes_of, mem_mib_of, request_of


def test_memory_and_limits_are_read_as_sbatch_reads_them() -> None:
    assert mem_mib_of("64G") == 65_536
    assert mem_mib_of("512000M") == 512_000
    assert limit_minutes_of("90") == 90
    assert limit_minutes_of("2:00:30") == 121  # Slurm rounds up to minutes
    assert limit_minutes_of("1-12") == 36 * 60
    assert features_of("a100 & ib") == ("a100", "ib")


@pytest.mark.parametrize("parse", [mem_mib_of, limit_minutes_of, features_of])
@given(text=st.text(max_size=40))
def test_nonsense_is_refused_with_a_value_error_and_nothing_else(parse, text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("text", ["0", "UNLIMITED", "400-00:00:00"])
def test_a_limit_that_cannot_be_planned_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="between 1 minute and 366 days"):
        limit_minutes_of(text)


def test_an_empty_request_is_one_task_on_one_node() -> None:
    assert request_of({}, "alice") == Request(user="alice")


def test_tasks_default_to_one_for_each_node_and_cannot_be_fewer() -> None:
    assert request_of({"nodes": 3}, "alice").ntasks == 3
    with pytest.raises(ValueError, match="2 tasks cannot fill 3 nodes"):
        request_of({"nodes": 3, "ntasks": 2}, "alice")


def test_a_gpu_type_alone_asks_for_one_gpu_a_node() -> None:
    assert request_of({"gpu_type": "a100", "nodes": 2}, "alice").gpus == 2


def test_a_request_survives_being_stored() -> None:
    request = request_of({"partition": ("a", "b"), "constraint": ("ib",), "time": 60}, "alice")
    assert Request.from_json(request.as_json()) == request
