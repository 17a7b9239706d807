from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slurm.corpus import HOSTILE_TEXTS, UNSENDABLE_TEXTS
from tracker.slurm.batch import BatchOptions
from tracker.slurm.script import ScriptError, check_options, read_script


def options_of(*lines: str) -> BatchOptions:
    return read_script("\n".join(["#!/bin/bash", *lines, "srun train", ""])).options


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("#SBATCH --job-name=vit", BatchOptions(job_name="vit")),
        ("#SBATCH --job-name vit", BatchOptions(job_name="vit")),
        ("#SBATCH -J vit -p gpu,debug", BatchOptions(job_name="vit", partition="gpu,debug")),
        ("#SBATCH -Jvit -N2 -n 8 -c4", BatchOptions("vit", "", 2, 8, 4)),
        ("#SBATCH --job-name -x", BatchOptions(job_name="-x")),
        ("#SBATCH\t--qos=normal\t", BatchOptions(qos="normal")),
        ("#SBATCH--qos=normal", BatchOptions(qos="normal")),
        ("#SLURM --qos=normal", BatchOptions(qos="normal")),
        ("#SBATCH --mem=64gb", BatchOptions(mem="64G")),
        ("#SBATCH --mem=0", BatchOptions(mem="0")),
        ("#SBATCH -t 1-12", BatchOptions(time_limit_minutes=2160)),
        ("#SBATCH --time=0:30", BatchOptions(time_limit_minutes=1)),
        ("#SBATCH --qos=normal # of the lab", BatchOptions(qos="normal")),
        ("#SBATCH --qos=normal#of the lab", BatchOptions(qos="normal")),
        ("#SBATCH --comment='two words'", BatchOptions(comment="two words")),
        ("#SBATCH --comment='it\\'s'", BatchOptions(comment="it's")),
        ('#SBATCH --comment="a \\"b\\" \\\\ #c"', BatchOptions(comment='a "b" \\ #c')),
        ("#SBATCH --comment=a' b 'c", BatchOptions(comment="a b c")),
        ("#SBATCH -d afterok:1:2?singleton", BatchOptions(dependency="afterok:1:2?singleton")),
        ("#SBATCH --exclusive", BatchOptions(others=("--exclusive",))),
        ("#SBATCH --exclusive=user", BatchOptions(others=("--exclusive=user",))),
        ("#SBATCH -Hw n1", BatchOptions(others=("--hold", "--nodelist=n1"))),
        ("#SBATCH --container-image a.sqsh", BatchOptions(others=("--container-image=a.sqsh",))),
        ("#SBATCH --my-flag -p gpu", BatchOptions(partition="gpu", others=("--my-flag",))),
        ("#SBATCH --nodes=2-4", BatchOptions(others=("--nodes=2-4",))),
        ("#SBATCH --time=UNLIMITED", BatchOptions(others=("--time=UNLIMITED",))),
        ("#SBATCH --parsable -Qv --quiet", BatchOptions()),
        ("#SBATCH", BatchOptions()),
    ],
)  # fmt: skip
def test_an_option_is_read_as_sbatch_reads_it(line: str, options: BatchOptions) -> None:
    assert options_of(line) == options


def test_a_later_line_wins_whatever_the_form() -> None:
    assert options_of("#SBATCH -p a", "#SBATCH --partition=b").partition == "b"
    assert options_of("#SBATCH -N 2-4", "#SBATCH -N 3") == BatchOptions(nodes=3)
    assert options_of("#SBATCH -N 3", "#SBATCH -N 2-4") == BatchOptions(others=("--nodes=2-4",))


def test_lines_count_until_the_first_command_and_comments_and_blanks_are_none() -> None:
    script = read_script(
        "#!/bin/sh\n# a\n \t\n #SBATCH --qos=indented\n##SBATCH --qos=off\n# SBATCH --qos=off\n"
        "#SBATCH --qos=long\necho\n#SBATCH --qos=late\n"
    )
    assert script.options == BatchOptions(qos="long")
    assert script.shebang == "#!/bin/sh"
    assert script.body == (
        "# a\n \t\n #SBATCH --qos=indented\n##SBATCH --qos=off\n# SBATCH --qos=off\n"
        "echo\n#SBATCH --qos=late\n"
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("#SBATCH --uid=0", "user who submits"),
        ("#SBATCH --gid 0", "user who submits"),
        ("#SBATCH -M other", "--clusters: .* take it out"),
        ("#SBATCH --cluster=other", "--cluster: .* take it out"),
        ("#SBATCH --test-only", "nothing would be submitted"),
        ("#SBATCH -W", "--wait: .* take it out"),
        ("#SBATCH -HW", "--wait: .* take it out"),
        ("#SBATCH --export=ALL,FOO=1", "export NAME=value"),
        ("#SBATCH --export=FOO", "export NAME=value"),
        ("#SBATCH --export-file=f", "export NAME=value"),
        ("#SBATCH --get-user-env", "load your profile"),
        ("#SBATCH --get-user-env=10L", "load your profile"),
        ("#SBATCH --wrap=id", "the script is the command"),
        ("#SBATCH --help", "submit nothing"),
        ("#SBATCH -V", "submit nothing"),
        ("#SBATCH --ui=0", "write --uid"),
        ("#SBATCH --expor=ALL", "write --export or --export-file"),
        ("#SBATCH --part=gpu", "write --partition"),
        ("#SBATCH hetjob", "heterogeneous"),
        ("#SBATCH -J x HetJob", "heterogeneous"),
        ("#SBATCH -N1 : -N2", "heterogeneous"),
        ("#SBATCH --partition=", "no value"),
        ("#SBATCH -J", "-J has no value"),
        ("#SBATCH --job-name", "--job-name has no value"),
        ("#SBATCH -J '' -p gpu", "empty word"),
        ("#SBATCH -p gpu \\", "continues no line"),
        ("#SBATCH --comment=a\\ b", "double quotes"),
        ("#SBATCH --comment=it's", "never closed"),
        ("#SBATCH gpu", "'gpu' belongs to no option"),
        ("#SBATCH --comment=two words", "'words' belongs to no option"),
        ("#SBATCH --exclusive user", "'user' belongs to no option"),
        ("#SBATCH -- -p gpu", "no option of sbatch"),
        ("#SBATCH -Z", "-Z of '-Z' is no option"),
        ("#SBATCH --nodes=two", "'two' is not a count"),
        ("#SBATCH -N=4", "'=4' is not a count"),
        ("#SBATCH --ntasks=0", "0 is not between 1"),
        ("#SBATCH --ntasks=٣", "not a count"),
        ("#SBATCH --time=soon", "not a time limit"),
        ('#SBATCH --time=" unlimited"', "not a time limit"),
        ("#SBATCH --partition='a b'", "names of partitions"),
        ("#SBATCH --chdir=runs", "path from / on"),
        ("#SBATCH --comment='a\tb'", "control"),
        ("#SBATCH --container-image='a\tb'", "control"),
        ("#SLURM_VERSION is 22", "belongs to no option"),
        ("#PBS -q other", "write it as #SBATCH"),
        ("#BSUB -q other", "write it as #SBATCH"),
    ],
)
def test_what_cannot_be_submitted_is_refused_with_line_piece_and_cure(
    line: str, problem: str
) -> None:
    with pytest.raises(ScriptError, match=problem) as refusal:
        options_of("#SBATCH -J x", line)
    assert str(refusal.value).startswith(f"line 3, {line[:80]!r}: ")


def test_directives_of_other_schedulers_count_as_far_as_sbatch_translates_them() -> None:
    assert options_of("#SBATCH --ignore-pbs", "#PBS -q a") == BatchOptions(others=("--ignore-pbs",))
    with pytest.raises(ScriptError, match="line 102"):
        options_of(*["echo"] * 100, "#PBS -q a")
    assert options_of(*["echo"] * 101, "#PBS -q a") == BatchOptions()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "first line must be #!"),
        ("\n#!/bin/bash\n", "first line must be #!"),
        ("echo hi\n", "first line must be #!"),
        ("#!\necho\n", "names no interpreter"),
        ("#!/bin/bash\x07\n", "names no interpreter"),
        ("#!/bin/bash\r\necho\r\n", r"line 1: ends as in DOS"),
        ("#!/bin/bash\necho\r\n", r"line 2: ends as in DOS"),
        ("#!/bin/bash\n" + "x" * 4 * 1024**2, "Slurm takes 4194304"),
        *[("#!/bin/bash\necho\n" + text, "line 3: .* take it out") for text in UNSENDABLE_TEXTS],
    ],
)
def test_a_text_that_is_no_batch_script_is_refused_with_the_cure(text: str, problem: str) -> None:
    with pytest.raises(ScriptError, match=problem):
        read_script(text)


PIECES = st.sampled_from(
    ["#SBATCH", "#SBATCH ", "\n", " ", "\t", "=", "-", "--", "-J", "-p", "-N", "-H", "'", '"',
     "\\", "#", ":", "%", "--time", "--mem=1G", "--array", "0-3", "afterok:1", "--uid", "hetjob",
     "2-4", "--foo", "echo", "é"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES | st.sampled_from(HOSTILE_TEXTS) | st.text(max_size=8)).map("".join))
def test_any_text_is_a_script_with_submittable_options_or_a_script_error(text: str) -> None:
    try:
        script = read_script("#!/bin/bash\n" + text)
    except ScriptError:
        return
    assert check_options(script.options) == {}
    assert len(script.body) <= len(text)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80))
def test_a_body_without_directives_stays_as_it_is(body: str) -> None:
    assert read_script("#!/bin/bash\necho\n" + body).body == "echo\n" + body


@pytest.mark.parametrize("value", ["ALL", "NONE", "TRACKER_API,EXPERIMENT_ID"])
def test_an_export_that_names_nothing_of_the_submitters_is_left_out(value: str) -> None:
    script = read_script(f"#!/bin/sh\n#SBATCH --export={value} --nodes=2\ntrue\n")
    assert script.options == BatchOptions(nodes=2)
