from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.slurm.jobids import JobId, parse_job_id, parse_tasks


@pytest.mark.parametrize(
    ("text", "job_id"),
    [
        ("12", JobId(12)),
        ("12_3", JobId(12, task=3)),
        ("12_[4-6%2]", JobId(12, tasks=(4, 5, 6), throttle=2)),
        ("12_[1,3-5]", JobId(12, tasks=(1, 3, 4, 5))),
        ("28_[7-13:3%2]", JobId(28, tasks=(7, 10, 13), throttle=2)),
        ("834+0", JobId(834, het_offset=0)),
        ("12.batch", JobId(12, step="batch")),
        ("12_3.0", JobId(12, task=3, step="0")),
        ("834+1.extern", JobId(834, het_offset=1, step="extern")),
    ],
)
def test_every_form_of_a_job_id_is_read(text: str, job_id: JobId) -> None:
    assert parse_job_id(text) == job_id


def test_a_task_list_that_slurm_cut_short_gives_what_is_there() -> None:
    assert parse_tasks("1,3,5,...") == ((1, 3, 5), None)
    assert parse_tasks("1-3,5...") == ((1, 2, 3), None)


@pytest.mark.parametrize("text", ["1-99999999", "0-999999,0-999999", "9-1", "1-4:0"])
def test_task_lists_that_no_cluster_allows_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="run backwards or number above"):
        parse_tasks(text)


@pytest.mark.parametrize("text", ["", "abc", "12_", "12_[a]", "12_[1%x]", "1 2", "12+", "１２"])
def test_what_is_no_job_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|no number"):
        parse_job_id(text)


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{1,3}_\[[0-9,%:-]{0,12}\]", fullmatch=True))
def test_any_text_is_a_job_id_or_a_value_error(text: str) -> None:
    try:
        assert parse_job_id(text).base >= 0
    except ValueError:
        return
