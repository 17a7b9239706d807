"""Batch scripts and sbatch's options read as a request to plan with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from planner.asking.instants import parse_instant
from planner.asking.request import request_of
from planner.asking.scripts import as_text, asked_by_script
from tracker.slurm.script import ScriptError

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def script(*lines: str) -> str:
    return "\n".join(["#!/bin/bash", *(f"#SBATCH {line}" for line in lines), "srun train", ""])


def fields(*lines: str, **given: Any) -> dict[str, Any]:
    """Of what is said: flags that are off are left out."""
    asked = asked_by_script(script(*lines), NOW, **given)
    return {name: value for name, value in asked.fields.items() if value is not False}


def test_options_of_the_model_become_fields_and_all_others_are_named_in_order() -> None:
    asked = asked_by_script(
        script(
            "-J train --mail-type=END",
            "-p gpu,long -A vision --qos=high -N2 -n 8 -c 4",
            "--mem=64G --time=1-12 --array=0-7%2 --dependency=afterok:828",
            '--constraint="a100&ib" --exclusive --hold',
        ),
        NOW,
    )
    assert asked.fields == {
        "name": "train",
        "partition": ("gpu", "long"),
        "account": "vision",
        "qos": "high",
        "nodes": 2,
        "ntasks": 8,
        "cpus": 4,
        "mem": 65_536,
        "mem_per_cpu": False,
        "time": 2160,
        "constraint": ("a100", "ib"),
        "exclusive": True,
    }
    assert asked.ignored == (
        *("--mail-type=END", "--array=0-7%2", "--dependency=afterok:828", "--hold"),
    )


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("--gpus=a100:3", {"gpus": 3, "gpu_type": "a100", "gpus_option": "gpus"}),
        ("-G 4", {"gpus": 4, "gpus_option": "gpus"}),
        (
            "--gres=gpu:a100:2 -N 3",
            {"nodes": 3, "gpus": 6, "gpu_type": "a100", "gpus_option": "gres"},
        ),
        ("--gpus-per-node=2 -N 2", {"nodes": 2, "gpus": 4, "gpus_option": "gpus-per-node"}),
        ("--gpus-per-task=1 -n 8", {"ntasks": 8, "gpus": 8, "gpus_option": "gpus"}),
        ("--gpus=4 --ntasks-per-gpu=2", {"gpus": 4, "ntasks": 8, "gpus_option": "gpus"}),
        ("--ntasks-per-gpu=2 -n 8", {"gpus": 4, "ntasks": 8, "gpus_option": "gpus"}),
        ("--gpus=2 --cpus-per-gpu=8", {"gpus": 2, "cpus": 16, "gpus_option": "gpus"}),
        ("--gpus=2 --mem-per-gpu=16G", {"gpus": 2, "mem": 32_768, "gpus_option": "gpus"}),
        ("--mem-per-cpu=2G", {"mem": 2048, "mem_per_cpu": True}),
        ("--mem=0", {"mem": 0}),
        ("--mem=64gb", {"mem": 65_536}),
        ("--ntasks-per-node=4 -N 2", {"nodes": 2, "ntasks": 8}),
        ("--ntasks-per-node=4 -n 10", {"nodes": 3, "ntasks": 10}),
        ("--time=UNLIMITED", {}),
        ("--constraint='a100|h100'", {"constraint": ("a100|h100",)}),
        ("--begin=now+2hours", {"begin": NOW + timedelta(hours=2)}),
        ("--deadline=tomorrow", {"deadline": datetime(2026, 11, 29, tzinfo=UTC)}),
    ],
)
def test_counts_follow_from_one_another(line: str, asked: dict[str, Any]) -> None:
    assert fields(line) == asked


@pytest.mark.parametrize(
    ("line", "ignored"),
    [
        ("--nodes=2-4", "--nodes=2-4 (planned with 2)"),
        ("--constraint='[rack1*2]'", "--constraint=[rack1*2]"),
        ("--gres=gpu:1,nvme:2", "--gres=nvme:2"),
        ("--exclusive=user", "--exclusive=user"),
        ("-n 10 -N 2 --ntasks-per-node=4", "--ntasks-per-node=4"),
        ("--export=ALL,A=1", "--export=ALL,A=1"),
        ("--container-image=docker://x", "--container-image=docker://x"),  # of a plug-in
    ],
)
def test_what_the_model_cannot_do_is_said(line: str, ignored: str) -> None:
    assert asked_by_script(script(line), NOW).ignored == (ignored,)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--gpuz=2", "line 2, --gpuz is no option of sbatch; write --gpus."),
        ("--cpus_per_task=2", "write --cpus-per-task."),
        ("--mem=8G --mem-per-cpu=2G", "--mem-per-cpu=2G: stands beside --mem=8G"),
        ("--gpus=4 --gpus-per-node=3 -N2", "--gpus-per-node=3: contradicts --gpus=4"),
        ("--gres=gpu:a100:1,gpu:v100:1", "GPUs of one type"),
        ("--nodes=0", "line 2, --nodes=0: give a whole number"),
        ("--ntasks=²", "give a whole number"),
        ("--mem=lots", "give one such as 64G"),
        ("--time=soon", "'soon' is not a time limit"),
        ("--begin=later", "give a time such as now+2hours"),
        ("-Z 3", "-Z of '-Z' is no option of sbatch"),
        ("gpu", "belongs to no option"),
    ],
)
def test_what_sbatch_would_not_take_is_named_with_its_line_and_cure(line: str, said: str) -> None:
    with pytest.raises(ScriptError, match=r"^line 2, ") as refused:
        asked_by_script(script(line), NOW)
    assert said in str(refused.value)


def test_options_beside_the_script_win_over_it_and_fields_over_both() -> None:
    lines = ("--partition=cpu --gres=gpu:2 --mem-per-cpu=1G --nodes=1",)
    asked = fields(*lines, options=["-p", "gpu", "--mem=4G"], fields={"nodes": 2, "time": 90})
    assert asked == {
        "partition": ("gpu",),
        "nodes": 2,
        "gpus": 4,  # of each node two
        "gpus_option": "gres",
        "mem": 4096,
        "time": 90,
    }
    assert fields(*lines, fields={"gpus": 3, "gpu_type": "v100"})["gpus_option"] == "gpus"


def test_a_wrong_option_of_the_command_line_has_no_line() -> None:
    with pytest.raises(ScriptError, match=r"^--nodes=x: give a whole number"):
        asked_by_script("", NOW, options=["--nodes", "x"])


def test_fields_as_text_are_read_as_the_same_request() -> None:
    asked = asked_by_script(
        script("--gres=gpu:a100:2 -N2 --mem=0 --time=90 -p a,b -C 'x&y' --exclusive"), NOW
    )
    text = as_text(asked.fields)
    assert text["mem"] == "0M"
    assert text["time"] == "01:30:00"
    assert text["partition"] == ["a", "b"]
    assert text["exclusive"] == "on"
    assert request_of(asked.fields, "alice").sbatch_args("a") == [
        *("--partition=a", "--nodes=2", "--ntasks=2", "--cpus-per-task=1", "--mem=0M"),
        *("--gres=gpu:a100:2", "--constraint=x&y", "--time=01:30:00", "--exclusive"),
    ]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", "2026-11-28T12:00:00"),
        ("now+90", "2026-11-28T12:01:30"),
        ("now+2weeks", "2026-12-12T12:00:00"),
        ("16:00", "2026-11-28T16:00:00"),
        ("4:30 pm", "2026-11-28T16:30:00"),
        ("11:00", "2026-11-29T11:00:00"),  # today's has passed
        ("fika", "2026-11-28T15:00:00"),
        ("midnight", "2026-11-29T00:00:00"),
        ("today", "2026-11-28T00:00:00"),
        ("2026-12-01", "2026-12-01T00:00:00"),
        ("2026-12-01 08:15", "2026-12-01T08:15:00"),
        ("2026-12-01T08:15:00+02:00", "2026-12-01T06:15:00"),
    ],
)
def test_instants_are_read_as_slurm_reads_them(text: str, meant: str) -> None:
    assert parse_instant(text, NOW) == datetime.fromisoformat(meant).replace(tzinfo=UTC)


def test_a_time_without_a_zone_is_of_the_zone_of_now() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=2)))
    assert parse_instant("16:00", there) == NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    "text", ["", "25:00", "13:00 pm", "now-1hour", "32.13.2026", "now+99999999weeks"]
)
def test_what_is_no_instant_is_refused_with_its_cure(text: str) -> None:
    with pytest.raises(ValueError, match="give a time such as"):
        parse_instant(text, NOW)
