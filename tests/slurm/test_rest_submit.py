from __future__ import annotations

from dataclasses import fields, replace

import pytest

from tracker.slurm.batch import BatchOptions
from tracker.slurm.rest import job_properties

WHOLE = BatchOptions(
    job_name="train",
    partition="gpu,debug",
    nodes=2,
    ntasks=4,
    cpus_per_task=8,
    mem="64G",
    gres="gpu:a100:2",
    time_limit_minutes=90,
    output="runs/%j.txt",
    error="runs/%j.err",
    account="vision",
    qos="high",
    constraint="a100&ib",
    array="0-7%2",
    dependency="afterok:828",
    begin="now+2hours",
    mail_type="END,TIME_LIMIT_90",
    mail_user="ada@example.org",
    chdir="/home/ada",
    comment="queuecast:1",
)
BARE = BatchOptions(chdir="/home/ada")


def test_every_option_is_carried_under_its_own_name() -> None:
    assert job_properties(WHOLE, {"TRACKER_API": "https://x"}) == {
        "name": "train",
        "partition": "gpu,debug",
        "nodes": "2",
        "tasks": 4,
        "cpus_per_task": 8,
        "memory_per_node": 65_536,
        "gres": "gpu:a100:2",
        "time_limit": 90,
        "standard_output": "runs/%j.txt",
        "standard_error": "runs/%j.err",
        "account": "vision",
        "qos": "high",
        "constraints": "a100&ib",
        "array": "0-7%2",
        "dependency": "afterok:828",
        "begin_time": "now+2hours",
        "mail_type": "END,TIME_LIMIT_90",
        "mail_user": "ada@example.org",
        "current_working_directory": "/home/ada",
        "comment": "queuecast:1",
        "environment": {"SLURM_GET_USER_ENV": "1", "TRACKER_API": "https://x"},
    }


@pytest.mark.parametrize("version", [38, 40])
@pytest.mark.parametrize(
    "field", [field.name for field in fields(BatchOptions) if field.name not in ("chdir", "others")]
)
def test_no_option_is_lost(field: str, version: int) -> None:
    one = replace(BARE, **{field: getattr(WHOLE, field)})
    assert job_properties(one, {}, version=version) != job_properties(BARE, {}, version=version)


def test_what_is_left_open_is_left_to_slurm() -> None:
    assert job_properties(BARE, {}) == {
        "name": "sbatch",
        "current_working_directory": "/home/ada",
        "environment": {"SLURM_GET_USER_ENV": "1"},
    }


def test_all_of_the_nodes_memory_is_carried() -> None:
    assert job_properties(replace(BARE, mem="0"), {})["memory_per_node"] == 0


def test_options_without_a_field_are_refused_by_name() -> None:
    options = replace(BARE, others=("--nodes=2-4", "--exclusive"))
    with pytest.raises(ValueError, match=r"--nodes=2-4, --exclusive; take it out"):
        job_properties(options, {})


@pytest.mark.parametrize("folder", ["", "work"])
def test_slurmrestds_own_folder_is_nobodys_working_directory(folder: str) -> None:
    with pytest.raises(ValueError, match=r"chdir: .* give a path from / on"):
        job_properties(BatchOptions(chdir=folder), {})


def test_later_versions_are_given_their_own_shapes() -> None:
    job = job_properties(WHOLE, {"A": "b=c"}, version=40)
    assert job["environment"] == ["SLURM_GET_USER_ENV=1", "A=b=c"]
    assert job["tres_per_node"] == "gres/gpu:a100:2"
    assert job["mail_type"] == ["END", "TIME=90%"]
    assert "gres" not in job


def test_the_one_version_that_takes_no_words_for_a_time_is_not_given_any() -> None:
    with pytest.raises(ValueError, match=r"--begin=now\+2hours cannot be given to v0.0.39"):
        job_properties(WHOLE, {}, version=39)
