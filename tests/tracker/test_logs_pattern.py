"""File name patterns: what real jobs wrote to, and where the file then is."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.logs import JobNames, expand, log_path

WORK_DIR = "/data/ada"

# Recorded on Slurm 22.05.8: --output, the id of a plain job, its file, that of an array's task 3
# submitted after it. Odd ids were called "na me", those of arrays have one task and so one id.
RECORDED = [
    ("", 1, "slurm-1.out", "slurm-2_3.out"),
    ("%j", 3, "3", "4"),
    ("%J", 5, "5", "6"),
    ("%A", 7, "7", "8"),
    ("%a", 9, "4294967294", "3"),
    ("%x", 11, "na me", "na me"),
    ("%u", 13, "qc-alice", "qc-alice"),
    ("%N", 15, "vm", "vm"),
    ("%n", 17, "0", "0"),
    ("%t", 19, "0", "0"),
    ("%s", 21, "batch", "batch"),
    ("%%", 25, "%", "%"),
    ("%%j", 27, "%j", "%j"),
    ("%%%j", 29, "%29", "%30"),
    ("%5j", 31, "00031", "00032"),
    ("%12j", 33, "0000000033", "0000000034"),
    ("%012j", 35, "0000000035", "0000000036"),
    ("%0j", 37, "37", "38"),
    ("%4a", 39, "4294967294", "0003"),
    ("%4A", 41, "0041", "0042"),
    ("%5x", 43, "na me", "na me"),
    ("%5u", 45, "qc-alice", "qc-alice"),
    ("%5N", 47, "vm", "vm"),
    ("%3t", 49, "000", "000"),
    ("%3n", 51, "000", "000"),
    ("%3s", 53, "batch", "batch"),
    ("%q", 55, "%q", "%q"),
    ("%5q", 57, "5q", "5q"),
    ("%", 59, "%", "%"),
    ("x%", 61, "x%", "x%"),
    ("x%5", 63, "x5", "x5"),
    ("x%15", 65, "x5", "x5"),
    ("%15q", 67, "5q", "5q"),
    ("%%5j", 69, "%5j", "%5j"),
    ("x%5%j", 71, "x571", "x572"),
    ("x%%%%y", 73, "x%%y", "x%%y"),
    ("\\%j", 75, "%j", "%j"),
    ("a\\%j-%x", 77, "a%j-%x", "a%j-%x"),
    ("a\\\\%j", 79, "a\\%j", "a\\%j"),
    ("7", 83, "7", "7"),
    ("000", 87, "000", "000"),
    ("sub/%j", 89, "sub/89", "sub/90"),
    ("sub/../%j", 91, "91", "92"),
    ("./%j", 93, "93", "94"),
    ("sub//%j", 95, "sub/95", "sub/96"),
    ("%j-%j-%5j", 101, "101-101-00101", "102-102-00102"),
    ("ü-%j", 103, "ü-103", "ü-104"),
    ("a b-%x", 105, "a b-na me", "a b-na me"),
    ("%4J", 109, "0109", "0110"),
    ("%4J-%j", 113, "0113-113", "0114-114"),
    ("%45j", 115, "0000000115", "0000000116"),
    ("%-5j", 117, "%-5j", "%-5j"),
    ("%j%", 119, "119%", "120%"),
]


def names_of(job_id: int, array_job_id: int | None = None, task: int | None = None) -> JobNames:
    return JobNames(job_id, array_job_id, task, "na me", "qc-alice", "vm")


def where(pattern: str, names: JobNames, work_dir: str = WORK_DIR) -> str:
    return str(log_path(pattern, work_dir, names, is_array=names.array_job_id is not None))


@pytest.mark.parametrize(("pattern", "job_id", "file", "file_of_task"), RECORDED)
def test_a_pattern_names_the_file_that_slurm_wrote(
    pattern: str, job_id: int, file: str, file_of_task: str
) -> None:
    assert where(pattern, names_of(job_id)) == f"{WORK_DIR}/{file}"
    assert where(pattern, names_of(job_id + 1, job_id + 1, 3)) == f"{WORK_DIR}/{file_of_task}"


def test_an_array_task_has_an_id_of_its_own_and_that_of_its_array() -> None:
    names = names_of(1234, 1200, 17)
    assert expand("%j-%J-%A-%a-%6A-%3a-%b", names) == "1234-1234-1200-17-001200-017-7"
    assert where("", names) == f"{WORK_DIR}/slurm-1200_17.out"


def test_a_single_backslash_switches_symbols_off_wherever_it_stands() -> None:
    assert expand("%j/%x-\\", names_of(1)) == "%j/%x-"


def test_none_and_dev_null_are_kept_nowhere() -> None:
    for pattern in ("none", "NONE", "/dev/null"):
        assert where(pattern, names_of(1)) == "/dev/null"


def test_an_absolute_pattern_needs_no_folder() -> None:
    assert where("/scratch/%u/%j.out", names_of(5), "") == "/scratch/qc-alice/5.out"


def test_a_script_may_write_beside_its_own_folder() -> None:
    assert where("../logs/%j.out", names_of(5), "/data/ada/scripts") == "/data/ada/logs/5.out"


def test_a_name_that_looks_absolute_does_not_make_the_path_so() -> None:
    names = JobNames(5, None, None, "/etc/passwd", "ada", "n1")
    assert where("%x", names) == f"{WORK_DIR}/etc/passwd"


def test_leading_slashes_are_one() -> None:
    assert where("//scratch/%j", names_of(5)) == "/scratch/5"
    assert where("%j", names_of(5), "//data") == "/data/5"


@pytest.mark.parametrize(
    ("pattern", "work_dir"),
    [("%j.out", ""), ("", ""), ("", "data"), ("run.out", "~"), ("\0", "/data"), ("/a\0b", "")],
)
def test_what_is_no_absolute_path_is_refused_with_the_cure(pattern: str, work_dir: str) -> None:
    with pytest.raises(ValueError, match="give an absolute --chdir or --output"):
        where(pattern, names_of(5), work_dir)


PIECES = st.sampled_from(["%", "%%", "\\", "/", "..", ".", "5", "0" * 30, "j", "x", "a", "é", " "])


@given(st.text(max_size=50) | st.lists(PIECES, max_size=30).map("".join), st.text(max_size=20))
def test_any_pattern_is_a_plain_absolute_path_or_a_value_error(pattern: str, name: str) -> None:
    names = JobNames(5, 4, 3, name, "ada", "n1")
    try:
        path = log_path(pattern, WORK_DIR, names, is_array=True)
    except ValueError:
        assert "\0" in pattern + name
    else:
        assert path.is_absolute()
        assert not {"", ".", ".."} & set(PurePosixPath(path).parts)
