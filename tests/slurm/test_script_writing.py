from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slurm.corpus import CANARY, HOSTILE_TEXTS, UNSENDABLE_TEXTS
from tracker.slurm.batch import BatchOptions
from tracker.slurm.script import (
    Script,
    ScriptError,
    Task,
    check_options,
    render_script,
)

SHELLS = ["/bin/bash", "/bin/sh"]
TASK = Task({"RUN_ID": "r1"}, "run", "{}")
TYPED_TEXTS = [text for text in HOSTILE_TEXTS if "\r\n" not in text]
BODY = "env -0 >environment\n"
SHELL_SCRIPT = Script("#!/bin/sh", BatchOptions(), BODY)


def run(
    text: str, folder: Path, shell: str = "/bin/sh", **environment: str
) -> subprocess.CompletedProcess[str]:
    script = folder / "slurm_script"
    script.write_bytes(text.encode())
    return subprocess.run(
        [shell, str(script)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environment_in(folder: Path) -> dict[str, str]:
    pairs = (folder / "environment").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def can_name_a_folder(text: str) -> bool:
    parts = text.split("/")
    return all(0 < len(part.encode()) <= 255 for part in parts)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_every_value_arrives_as_it_is_and_none_is_obeyed(
    text: str, shell: str, tmp_path: Path
) -> None:
    free = dict.fromkeys(("job_name", "comment"), text)
    options = BatchOptions() if check_options(BatchOptions(**free)) else BatchOptions(**free)
    typed = text.replace("\r\n", "\n")  # lines that stand in the script as they are
    name = text if can_name_a_folder(text) else "run"
    task = Task({"RUN_ID": text, "CONFIG": text}, name, text)
    setup = f"SETUP=$RUN_ID''{shlex.quote(typed)}; export SETUP"
    script = Script(f"#!{shell}", BatchOptions(), BODY)
    finished = run(render_script(script, options, setup=setup, tasks=[task]), tmp_path, shell)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    environment = environment_in(tmp_path)
    assert environment["RUN_ID"] == environment["CONFIG"] == text
    assert environment["SETUP"] == text + typed
    assert not [key for key in environment if key.startswith("queuecast")]
    assert (tmp_path / name / "config.yaml").read_bytes().decode() == text
    assert (tmp_path / name / "checkpoints").is_dir()
    assert (tmp_path / name / "logs/tensorboard").is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {
        "slurm_script",
        "environment",
        name.partition("/")[0],
    }
    assert not list(tmp_path.rglob(CANARY))


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_value_of_a_run_begins_a_line_that_sbatch_would_read(text: str) -> None:
    task = Task({"RUN_ID": text}, text, text)
    rendered = render_script(SHELL_SCRIPT, BatchOptions(), setup="", tasks=[task])
    lines = rendered.removesuffix(BODY).split("\n")[1:]
    assert [line for line in lines if line.startswith("#")] == []


def test_a_config_of_several_lines_stays_readable_in_the_script() -> None:
    task = Task({}, "run", '{\n  "seed": 1\n}\n')
    rendered = render_script(SHELL_SCRIPT, BatchOptions(), setup="", tasks=[task])
    assert "\nqueuecast_config='{\n  \"seed\": 1\n}\n'\n" in rendered


@pytest.mark.parametrize("shell", SHELLS)
def test_each_task_of_an_array_gets_its_own_run(shell: str, tmp_path: Path) -> None:
    tasks = [
        Task({"SEED": str(seed), "TEXT": text}, f"runs/{seed}", text, seed)
        for seed, text in enumerate(HOSTILE_TEXTS)
    ]
    rendered = render_script(SHELL_SCRIPT, BatchOptions(), setup="", tasks=tasks)
    for seed in (0, 7, len(tasks) - 1):
        assert run(rendered, tmp_path, shell, SLURM_ARRAY_TASK_ID=str(seed)).returncode == 0
        environment = environment_in(tmp_path)
        assert environment["SEED"] == str(seed)
        assert environment["TEXT"] == HOSTILE_TEXTS[seed]
        config = tmp_path / "runs" / str(seed) / "config.yaml"
        assert config.read_bytes().decode() == HOSTILE_TEXTS[seed]
    assert len(list((tmp_path / "runs").iterdir())) == 3


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("environment", [{}, {"SLURM_ARRAY_TASK_ID": "9"}])
def test_a_task_that_no_run_belongs_to_fails_before_it_does_anything(
    shell: str, environment: dict[str, str], tmp_path: Path
) -> None:
    tasks = [Task({}, "a", "", 0), Task({}, "b", "", 1)]
    rendered = render_script(SHELL_SCRIPT, BatchOptions(), setup="", tasks=tasks)
    finished = run(rendered, tmp_path, shell, **environment)
    assert finished.returncode == 1
    assert f"array task {environment.get('SLURM_ARRAY_TASK_ID', 'none')}" in finished.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["slurm_script"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("in_the_way", ["run", "run/logs", "run/config.yaml/x"])
def test_a_folder_that_cannot_be_written_fails_the_job_loudly(
    shell: str, in_the_way: str, tmp_path: Path
) -> None:
    (tmp_path / in_the_way).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / in_the_way).touch()
    rendered = render_script(SHELL_SCRIPT, BatchOptions(), setup="", tasks=[TASK])
    finished = run(rendered, tmp_path, shell)
    assert finished.returncode == 1
    assert f"run folder {tmp_path}/run cannot be written; choose another" in finished.stderr
    assert not (tmp_path / "environment").exists()


def test_a_full_path_is_taken_as_it_stands_and_a_repeat_writes_over(tmp_path: Path) -> None:
    task = Task({}, str(tmp_path / "deep/run"), "two")
    rendered = render_script(SHELL_SCRIPT, BatchOptions(), setup="cd /", tasks=[task])
    (tmp_path / "elsewhere").mkdir()
    for _ in range(2):
        run(rendered.replace(">environment", ">/dev/null"), tmp_path / "elsewhere")
    assert (tmp_path / "deep/run/config.yaml").read_text() == "two"


def test_set_up_lines_stand_as_they_are_between_the_environment_and_the_body(
    tmp_path: Path,
) -> None:
    setup = 'module() { MODULES="$MODULES $2 for $RUN_ID"; export MODULES; }\nmodule load cuda'
    rendered = render_script(SHELL_SCRIPT, BatchOptions(), setup=setup, tasks=[TASK])
    assert f"\n{setup}\n{BODY}" in rendered
    run(rendered, tmp_path)
    assert environment_in(tmp_path)["MODULES"] == " cuda for r1"


@pytest.mark.parametrize("shebang", ["#!/bin/bash -eu", "#!/bin/sh -eu", "#! /usr/bin/env bash"])
def test_a_strict_shell_finds_nothing_to_complain_of(shebang: str, tmp_path: Path) -> None:
    script = Script(shebang, BatchOptions(), BODY)
    rendered = render_script(script, BatchOptions(), setup="", tasks=[TASK])
    assert rendered.startswith(shebang + "\n")
    path = tmp_path / "slurm_script"
    path.write_text(rendered)
    path.chmod(0o700)
    finished = subprocess.run([path], cwd=tmp_path, capture_output=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, b"")


PROGRAM = """#SBATCH --qos=late
'''EOF $(touch canary)
QUEUECAST_END
'''
import json, os, sys
json.dump([sys.argv, os.environ["RUN_ID"], os.environ["SETUP"]], open("answer", "w"))
raise SystemExit(7)"""


@pytest.mark.parametrize("ending", ["", "\n", "\n\n"])
@pytest.mark.parametrize("flag", ["", " -I"])
def test_a_program_in_another_language_runs_from_the_run_folder_after_the_set_up(
    ending: str, flag: str, tmp_path: Path
) -> None:
    shebang = f"#!{sys.executable}{flag}"
    script = Script(shebang, BatchOptions(), PROGRAM + ending)
    task = Task({"RUN_ID": "r 1"}, "-my $(run)", "{}")
    setup = "export SETUP=done; mkdir -p sub; cd sub"
    rendered = render_script(script, BatchOptions(qos="long"), setup=setup, tasks=[task])
    assert rendered.startswith("#!/bin/bash\n#SBATCH --qos=long\n")
    assert run(rendered, tmp_path, "/bin/bash").returncode == 7
    written = tmp_path / "-my $(run)" / "script"
    assert written.read_text() == f"{shebang}\n{PROGRAM}{ending}"
    answer = (tmp_path / "sub/answer").read_text()
    assert answer == f'[["{written}"], "r 1", "done"]'
    assert not list(tmp_path.rglob(CANARY))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("body", [*TYPED_TEXTS, "", "QUEUECAST_END"])
def test_a_body_for_another_interpreter_is_written_byte_by_byte(
    body: str, shell: str, tmp_path: Path
) -> None:
    shebang = f"#!{shutil.which('cat')}"
    script = Script(shebang, BatchOptions(), body)
    rendered = render_script(script, BatchOptions(), setup="", tasks=[TASK])
    assert run(rendered, tmp_path, shell).returncode == 0
    assert (tmp_path / "run/script").read_bytes().decode() == f"{shebang}\n{body}"
    assert not list(tmp_path.rglob(CANARY))


@pytest.mark.parametrize(
    ("shebang", "is_wrapped"),
    [
        ("", False),
        ("#!/usr/bin/zsh", False),
        ("#!/usr/bin/env -S bash -l", False),
        ("#!/usr/bin/env -i A=1 ksh", False),
        ("#!/bin/csh -f", True),
        ("#!/bin/tcsh", True),
        ("#!/usr/bin/fish", True),
        ("#!/usr/bin/env", True),
        ("#!/usr/bin/env -S python3 -u", True),
        ("#!/usr/bin/perl -w", True),
        ("#!/opt/it's here/$(x)", True),
    ],
)
def test_only_posix_shells_run_the_lines_themselves(shebang: str, is_wrapped: bool) -> None:
    script = Script(shebang, BatchOptions(), "echo hi\n")
    rendered = render_script(script, BatchOptions(), setup="", tasks=[TASK])
    last = rendered.rstrip("\n").rpartition("\n")[2]
    if is_wrapped:
        program, *argument = shebang[2:].split(None, 1)
        assert rendered.startswith("#!/bin/bash\n")
        assert shlex.split(last) == ["exec", program, *argument, "$queuecast_folder/script"]
    else:
        assert rendered.startswith(f"{shebang or '#!/bin/bash'}\n")
        assert last == "echo hi"


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ([], "give one task, or several with ids"),
        ([TASK, TASK], "with ids of their own"),
        ([Task({}, "a", "", 1), Task({}, "b", "", 1)], "with ids of their own"),
        ([Task({}, "a", "", 1), Task({}, "b", "")], "with ids of their own"),
        ([Task({}, "a", "", 1), Task({}, "b", "", 2)], "array: 0-1 is not the 2 tasks"),
        ([Task({"A B": ""}, "a", "")], "'A B' is no name of a variable"),
        ([Task({"": ""}, "a", "")], "'' is no name of a variable"),
        ([Task({"A": "x" * 131_070}, "a", "")], "A is longer than the 131072 bytes"),
        ([Task({}, "", "")], "no folder"),
        ([Task({}, "a", "x" * 4 * 1024**2)], "submit fewer tasks"),
    ],
)
def test_tasks_that_could_not_run_are_refused_with_the_cure(
    tasks: list[Task], problem: str
) -> None:
    with pytest.raises(ScriptError, match=problem):
        render_script(SHELL_SCRIPT, BatchOptions(array="0-1"), setup="", tasks=tasks)


def test_the_longest_variable_that_is_accepted_still_lets_commands_start(tmp_path: Path) -> None:
    task = Task({"LONG": "x" * (131_072 - len("LONG") - 2)}, "run", "{}")
    finished = run(render_script(SHELL_SCRIPT, BatchOptions(), setup="", tasks=[task]), tmp_path)
    assert (finished.returncode, finished.stderr) == (0, "")
    with pytest.raises(ScriptError, match="LONG is longer"):
        longer = Task({"LONG": task.variables["LONG"] + "x"}, "run", "{}")
        render_script(SHELL_SCRIPT, BatchOptions(), setup="", tasks=[longer])


@pytest.mark.parametrize("text", [*UNSENDABLE_TEXTS, "\r\n"])
def test_what_no_script_can_hold_is_refused_wherever_it_stands(text: str) -> None:
    python = Script("#!/usr/bin/python3", BatchOptions(), text)
    for script, setup, task in [
        (Script("#!/bin/sh", BatchOptions(), text), "", TASK),
        (python, "", TASK),
        (SHELL_SCRIPT, text, TASK),
    ]:
        with pytest.raises(ScriptError):
            render_script(script, BatchOptions(), setup=setup, tasks=[task])
    with pytest.raises(ScriptError, match="line 1"):
        render_script(
            Script(f"#!/bin/sh{text}", BatchOptions(), ""), BatchOptions(), setup="", tasks=[TASK]
        )


@pytest.mark.parametrize("text", UNSENDABLE_TEXTS)
def test_a_run_cannot_be_given_what_no_process_can_hold(text: str) -> None:
    for task in (Task({"A": text}, "a", ""), Task({}, text, ""), Task({}, "a", text)):
        with pytest.raises(ScriptError, match="take it out"):
            render_script(SHELL_SCRIPT, BatchOptions(), setup="", tasks=[task])
