from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slurm.corpus import HOSTILE_TEXTS
from tests.slurm.test_script_options import GOOD
from tracker.slurm.batch import OPTION_BY_FIELD, BatchOptions
from tracker.slurm.script import (
    Script,
    ScriptError,
    Task,
    check_options,
    read_script,
    render_script,
)

SCRIPT = Script("#!/bin/sh", BatchOptions(), "srun train\n")
TASK = Task({"RUN_ID": "r1"}, "run", "{}")
FREE_TEXT = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
    | st.text("ab -='\"\\#:$`é", max_size=12)
    | st.sampled_from(HOSTILE_TEXTS)
)
OPTIONS = st.builds(
    BatchOptions,
    **{
        field: st.sampled_from(["", *GOOD[field]]) if field in GOOD else st.just("")
        for field in OPTION_BY_FIELD
        if field not in ("nodes", "ntasks", "cpus_per_task", "time_limit_minutes")
    }
    | dict.fromkeys(("job_name", "comment", "output", "error"), FREE_TEXT)
    | {name: st.none() | st.integers(1, 10**6) for name in ("nodes", "ntasks", "cpus_per_task")}
    | {"time_limit_minutes": st.none() | st.integers(1, 5 * 10**6)}
    | {"chdir": FREE_TEXT.map(lambda text: "/" + text)}
    | {"others": st.lists(FREE_TEXT.map(lambda text: f"--plugin={text}")
                          | st.sampled_from(["--hold", "--exclusive=user", "--plugin",
                                             "--nodes=2-4", "--time=UNLIMITED"]),
                          max_size=3).map(tuple)},
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(OPTIONS)
def test_options_written_are_read_back_the_same(options: BatchOptions) -> None:
    if check_options(options):
        with pytest.raises(ScriptError):
            render_script(SCRIPT, options, setup="", tasks=[TASK])
        return
    rendered = render_script(SCRIPT, options, setup="", tasks=[TASK])
    assert read_script(rendered).options == options


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(OPTION_BY_FIELD)), FREE_TEXT)
def test_every_text_that_a_field_takes_comes_back_the_same(field: str, text: str) -> None:
    options = BatchOptions(**{field: text})
    if field in ("nodes", "ntasks", "cpus_per_task", "time_limit_minutes"):
        return
    if check_options(options):
        return
    rendered = render_script(SCRIPT, options, setup="", tasks=[TASK])
    assert read_script(rendered).options == options


def test_options_that_sbatch_may_not_be_given_are_not_written() -> None:
    options = BatchOptions(job_name="a\n#SBATCH --uid=0", mem="lots")
    with pytest.raises(ScriptError, match=r"job_name: .*; mem: 'lots' .* such as 64G"):
        render_script(SCRIPT, options, setup="", tasks=[TASK])
