"""``manage.py plan`` as a new user would type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.planner.recorded import CAPTURE
from tracker.slurm.capture import read_capture, save_outputs

ROOT = Path(__file__).parents[2]
SCRIPT = """#!/bin/bash
#SBATCH --mail-type=END --gres=gpu:a100:1
#SBATCH --cpus-per-task=4 --time=2:00:00
srun train
"""


def run(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "QUEUECAST_DATA_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "manage.py", "plan", *arguments],
        cwd=ROOT,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded cluster with little of its queue, and nothing of its past."""
    folder = tmp_path_factory.mktemp("small") / "capture"
    recorded = read_capture(CAPTURE)
    outputs = dict(recorded.transport.outputs)
    del outputs["sacct"]
    lines = outputs["squeue"].stdout.splitlines(keepends=True)
    outputs["squeue"] = replace(outputs["squeue"], stdout="".join(lines[:30]))
    save_outputs(folder, recorded.manifest, outputs)
    return folder


def test_a_script_and_a_capture_need_no_database(tmp_path: Path, small: Path) -> None:
    script = tmp_path / "train.sh"
    script.write_text(SCRIPT)
    asked = ["--user", "alice", "--capture", str(small), "--time", "90", "--json"]
    ended = run(tmp_path, str(script), *asked)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["request"]["user"] == "alice"
    assert told["request"]["limit_minutes"] == 90  # the option wins over the script
    assert told["request"]["gpu_type"] == "a100"
    assert told["ignored"] == ["--mail-type=END"]
    assert told["complete"] is True
    assert told["options"][told["best"]]["partition"] == "gpu"
    assert {"snapshot_at", "age_s", "replicas", "smallest_change", "walltime"} <= told.keys()
    assert len(told["by_hour"]) == 168
    assert told["stale"] is True
    assert not (tmp_path / "queuecast.sqlite3").exists()


def test_people_get_a_sentence_a_table_and_the_command(tmp_path: Path, small: Path) -> None:
    ended = run(tmp_path, "-", "--user", "alice", "--capture", str(small), stdin=SCRIPT)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("The queue was read")
    assert any(line.startswith("Best: gpu starts in") for line in lines)
    (head,) = (line for line in lines if "PARTITION" in line)
    assert head.split()[:5] == ["#", "PARTITION", "QOS", "GPU", "LIMIT"]
    assert "not highmem normal a100: it has no GPUs" in lines
    assert any(line.startswith("sbatch --partition=gpu ") for line in lines)
    assert lines[-1] == "Not considered: --mail-type=END"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--nodes", "2", "--ntasks", "1"], 2, "1 tasks cannot fill 2 nodes"),
        (["--partition", "nowhere"], 1, "--partition: 'nowhere' is not one of"),
        (["--gpu-type", "h100"], 1, "--gpu-type: 'h100' is not one of a100, v100"),
        (["absent.sh"], 1, "absent.sh cannot be read"),
    ],
)
def test_what_is_wrong_is_named_with_its_cure(
    small: Path, arguments: list[str], status: int, said: str
) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("plan", *arguments, "--user", "alice", "--capture", str(small))
    assert said in str(refused.value)
    assert refused.value.returncode == status


def test_a_wrong_line_of_the_script_is_named(tmp_path: Path, small: Path) -> None:
    script = tmp_path / "train.sh"
    script.write_text("#!/bin/sh\n#SBATCH --gpuz=2\n")
    with pytest.raises(CommandError, match=r"train\.sh: line 2, --gpuz is no option of sbatch"):
        call_command("plan", str(script), "--capture", str(small))


def test_an_option_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    ended = run(tmp_path, "--gpus", "2", "--mem", "lots")
    assert ended.returncode == 2
    assert "give one such as 64G" in ended.stderr


def test_without_capture_and_database_the_cure_is_told(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "manage.py up" in ended.stderr
    assert "--capture DIR" in ended.stderr
