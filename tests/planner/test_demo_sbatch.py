"""What the demo's sbatch understands, and what it refuses in Slurm's words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.demo.options import parse_command_line, script_options
from planner.demo.refusal import SlurmRefusalError
from planner.demo.sbatch import Batch, build
from tests.planner.demo import NOW_AT, DemoCluster

SCRIPT = "#!/bin/sh\n"


def batch(*arguments: str, script: str = SCRIPT) -> Batch:
    return build(
        parse_command_line(arguments),
        script,
        user="ada",
        cwd="/home/ada",
        environment={"PATH": "/bin"},
        now_at=NOW_AT,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoCluster]:
    cluster = DemoCluster(tmp_path_factory.mktemp("demo"))
    yield cluster
    cluster.controller.stop()


def test_every_option_finds_its_place_in_the_request() -> None:
    request = batch(
        "-J", "train", "-p", "gpu,h100", "-N", "2", "-n4", "-c", "8", "--mem=64G",
        "--gres=gpu:a100:2", "-t", "1-02:00", "-A", "demo", "-q", "high", "-C", "gpu&a100",
        "--comment=queuecast:1", "-D", "sub", "--begin=now+2hours", "--hold", "--no-requeue",
        "job.sh", "argument",
    ).request  # fmt: skip
    assert (request.name, request.partitions, request.qos) == ("train", ("gpu", "h100"), "high")
    assert (request.nodes, request.tasks, request.cpus_per_task) == (2, 4, 8)
    assert (request.mem_mib_per_node, request.mem_mib_per_cpu) == (65536, 0)
    assert request.gpus_per_node == {"a100": 2}
    assert request.limit_minutes == 26 * 60
    assert request.features == ("gpu", "a100")
    assert (request.work_dir, request.command) == ("/home/ada/sub", "/home/ada/job.sh")
    assert request.begin_at == NOW_AT + 7200
    assert (request.held, request.requeue) == (True, False)


def test_lines_of_the_script_count_and_the_command_line_wins() -> None:
    script = (
        "#!/bin/sh\n# a comment\n#SBATCH -J 'two words' --time=10 # why\n\n"
        "#SBATCH --partition=gpu\necho\n#SBATCH --partition=late\n"
    )
    request = batch("--time=20", script=script).request
    assert (request.name, request.limit_minutes) == ("two words", 20)
    assert request.partitions == ("gpu",)


def test_defaults_are_those_of_the_site() -> None:
    request = batch("-p", "debug", "run.sh").request
    assert (request.account, request.qos, request.limit_minutes) == ("demo", "normal", 10)
    assert (request.nodes, request.tasks, request.mem_mib_per_cpu) == (None, 1, 4000)
    assert (request.name, request.output) == ("run.sh", "slurm-%j.out")


def test_mem_zero_asks_for_all_of_the_node() -> None:
    assert batch("--mem=0").request.mem_mib_per_node is None


def test_arrays_keep_their_tasks_and_throttle() -> None:
    accepted = batch("-a", "1,4-8:2%3")
    assert accepted.array_tasks == (1, 4, 6, 8)
    assert accepted.request.array_throttle == 3
    assert accepted.request.output == "slurm-%A_%a.out"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-p", "nosuch"], "invalid partition specified: nosuch"),
        (["-p", "nosuch"], "Batch job submission failed: Invalid partition name specified"),
        (["-A", "nlp"], "Invalid account or account/partition combination specified"),
        (["-q", "nosuch"], "Invalid qos specification"),
        (["-t", "3-00:00"], "Requested time limit is invalid (missing or exceeds some limit)"),
        (["-t", "soon"], "Invalid --time specification"),
        (["-t", "UNLIMITED"], "Requested time limit is invalid"),
        (["--mem=900G"], "Requested node configuration is not available"),
        (["--mem=lots"], "Invalid --mem specification"),
        (["--mem=1G", "--mem-per-cpu=1G"], "mutually exclusive"),
        (["-c", "65"], "Requested node configuration is not available"),
        (["-N", "8"], "Requested node configuration is not available"),  # one is drained
        (["-n", "0"], 'invalid number "0" for --ntasks'),
        (["-p", "h100", "-N", "3"], "Node count specification invalid"),
        (["-p", "gpu", "--gres=gpu:b200:1"], "Requested node configuration is not available"),
        (["-p", "gpu", "--gres=gpu:a100:5"], "Requested node configuration is not available"),
        (["-p", "gpu", "--gpus=61"], "Requested node configuration is not available"),
        (
            ["-p", "gpu", "--gres=gpu:a100:none:x:2"],
            "Invalid generic resource (gres) specification",
        ),
        (["-a", "7-3"], "Invalid job array specification"),
        (["-a", "1-2000"], "Invalid job array specification"),
        (["-d", "afterok:99999"], "Job dependency problem"),
        (["-d", "whenever:1"], "Job dependency problem"),
        (["--begin=someday"], "Invalid --begin specification"),
        (["--no-such-option"], "option --no-such-option not recognized"),
        (["no-such-script.sh"], "Unable to open file no-such-script.sh"),
        (["--wrap=true", "script.sh"], "Script arguments not permitted with --wrap option"),
    ],
)
def test_refusals_are_on_stderr_in_slurms_words(
    demo: DemoCluster, arguments: list[str], said: str
) -> None:
    answer = demo.ask("sbatch", *arguments, stdin=SCRIPT)
    assert answer.rc == 1
    assert said in answer.stderr
    assert answer.stdout == ""


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("", "Batch script is empty!"),
        ("echo no interpreter\n", "This does not look like a batch script."),
        ("#!/bin/sh\r\necho\r\n", "DOS line breaks"),
        ("#!/bin/sh\n\0", "NULL character"),
        ("#!/bin/sh\n#SBATCH --time='10\n", "No closing quotation"),
        ("#!/bin/sh\n#SBATCH stray\n", "Unexpected argument 'stray'"),
    ],
)
def test_scripts_that_are_none_are_refused(demo: DemoCluster, script: str, said: str) -> None:
    answer = demo.ask("sbatch", stdin=script)
    assert answer.rc == 1
    assert said in answer.stderr


def test_a_fifo_in_place_of_a_script_does_not_stop_the_server(demo: DemoCluster) -> None:
    import os

    os.mkfifo(demo.folder / "fifo")
    assert "Unable to open file fifo" in demo.ask("sbatch", "fifo").stderr


def test_without_a_script_standard_input_is_asked_for(demo: DemoCluster) -> None:
    assert demo.ask("sbatch").wants_stdin


def test_a_script_file_is_read_from_the_callers_folder(demo: DemoCluster, tmp_path: Path) -> None:
    (demo.folder / "job.sh").write_text("#!/bin/sh\n#SBATCH --hold\n")
    said = demo.ask("sbatch", "job.sh")
    assert said.stdout.startswith("Submitted batch job ")
    assert demo.job(int(said.stdout.split()[-1])).held


WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["-a", "-t", "-N", "-n", "-c", "--mem", "--gres", "-G", "--begin", "-d", "-p"]),
    st.from_regex(r"--(mem|time|gres|gpus|array|begin|nodes|export)=.{0,12}", fullmatch=True),
    st.from_regex(r"[0-9:,%+-]{0,12}", fullmatch=True),
)


@given(arguments=st.lists(WORDS, max_size=6), lines=st.lists(st.text(max_size=30), max_size=3))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_arguments_are_a_batch_or_a_refusal(arguments: list[str], lines: list[str]) -> None:
    script = "#!/bin/sh\n" + "".join(f"#SBATCH {line}\n" for line in lines)
    try:
        accepted = batch(*arguments, script=script)
    except SlurmRefusalError as refusal:
        assert str(refusal).startswith("sbatch: ")
    else:
        assert accepted.request.limit_minutes > 0
        assert accepted.request.cpus > 0


@given(st.text(max_size=200))
def test_any_script_has_options_or_is_refused(text: str) -> None:
    try:
        options = script_options(text)
    except SlurmRefusalError:
        return
    assert all(isinstance(value, str) for value in options.values())
