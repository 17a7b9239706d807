"""``queuecast.py plan`` and ``submit`` on a login node, against the real service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from planner.asking import questions
from planner.models import Question
from tests.client.onefile import FILE
from tests.planner.polled import is_running, polled
from tracker.models import ClusterAccount, Token

SCRIPT = """#!/bin/bash
#SBATCH --mail-type=END --gres=gpu:v100:1 --partition=debug
#SBATCH --time=20
srun train
"""
SBATCH = """#!/bin/sh
printf '%s\\n' "$@" > "$(dirname "$0")/argv"
echo "Submitted batch job 828"
"""


@pytest.fixture
def login_node(live_server, people, tmp_path: Path) -> Path:
    """alice's home, with a script, and an sbatch that notes what it is given."""
    cluster = polled(queue=is_running)
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice")
    _, secret = Token.issue(user=people.alice, scope="user")
    config = tmp_path / ".config"
    config.mkdir()
    (config / "queuecast.json").write_text(json.dumps({"url": live_server.url, "token": secret}))
    (config / "queuecast.json").chmod(0o600)
    (tmp_path / "train.sh").write_text(SCRIPT)
    (tmp_path / "sbatch").write_text(SBATCH)
    (tmp_path / "sbatch").chmod(0o755)
    return tmp_path


def client(home: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """While it waits this is the worker that answers."""
    started = subprocess.Popen(
        [sys.executable, FILE, *words],
        cwd=home,
        env={"PATH": f"{home}:{os.environ['PATH']}", "HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        while started.poll() is None and not Question.objects.exists():
            time.sleep(0.05)
        for pk in Question.objects.filter(state="queued").values_list("pk", flat=True):
            questions.answer(pk)
        out, err = started.communicate(stdin, timeout=60)
    return subprocess.CompletedProcess(words, started.returncode, out, err)


def test_plan_prints_the_answer_and_the_command_for_the_script(login_node: Path) -> None:
    ended = client(login_node, "plan", "train.sh", "--time", "25", "-c", "2")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert any(line.startswith("Best: ") for line in lines)
    (command,) = (line for line in lines if line.startswith("sbatch "))
    assert command.endswith(" train.sh")
    assert "--cpus-per-task=2" in command
    assert "--time=00:25:00" in command
    assert lines[-1] == "Not considered: --mail-type=END"


def test_plan_as_json_is_the_services_answer(login_node: Path) -> None:
    ended = client(login_node, "plan", "train.sh", "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["complete"] is True
    assert told["request"]["user"] == "alice"
    assert told["ignored"] == ["--mail-type=END"]


def test_submit_changes_only_what_the_chosen_option_needs(login_node: Path) -> None:
    ended = client(login_node, "submit", "train.sh", "--partition", "gpu", "--yes", "--json")
    assert ended.returncode == 0, ended.stderr
    argv = (login_node / "argv").read_text().splitlines()
    assert "--partition=gpu" in argv
    assert argv[-1] == "train.sh"
    assert not [word for word in argv if word.startswith(("--time", "--gpus", "--nodes"))]
    assert json.loads(ended.stdout) == {
        "command": ["sbatch", *argv],
        "sbatch": "Submitted batch job 828\n",
    }


def test_submit_hands_on_the_options_of_its_command_line(login_node: Path) -> None:
    ended = client(login_node, "submit", "train.sh", "--comment", "mine", stdin="y\n")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "Submitted batch job 828\n"
    assert "submit this? [y/N]" in ended.stderr
    assert (login_node / "argv").read_text().splitlines()[:2] == ["--comment", "mine"]


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        ([], "", "nothing was submitted: answer y, or give --yes"),
        ([], "n\n", "nothing was submitted"),
        (["--option", "99", "--yes"], "", "no such option that is allowed"),
        (["--partition", "cpu", "--yes"], "", "no such option that is allowed"),
    ],
)
def test_nothing_is_submitted_that_was_not_chosen(
    login_node: Path, words: list[str], stdin: str, said: str
) -> None:
    ended = client(login_node, "submit", "train.sh", *words, stdin=stdin)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert not (login_node / "argv").exists()


def test_a_wrong_line_of_the_script_fails_with_the_services_words(login_node: Path) -> None:
    (login_node / "train.sh").write_text("#!/bin/sh\n#SBATCH --gpuz=2\n")
    ended = client(login_node, "plan", "train.sh")
    assert ended.returncode == 1
    assert "line 2, --gpuz is no option of sbatch; write --gpus." in ended.stderr


def test_a_script_that_is_not_there_is_wrong_usage(login_node: Path) -> None:
    ended = client(login_node, "plan", "absent.sh")
    assert ended.returncode == 2
    assert "absent.sh" in ended.stderr
