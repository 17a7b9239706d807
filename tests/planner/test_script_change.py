"""What an option changes in a batch script."""

from __future__ import annotations

from planner.asking.script_change import script_diff

HEAD = """\
#!/bin/bash
#SBATCH --job-name=train -p cpu
#SBATCH --time=2:00:00
#SBATCH --gres=gpu:2
# a remark
"""


def changed(text: str, *args: str) -> tuple[set[str], set[str]]:
    """(lines gone, lines new) of the diff."""
    lines = script_diff(text, args).splitlines()[2:]
    return (
        {line[1:] for line in lines if line.startswith("-")},
        {line[1:] for line in lines if line.startswith("+")},
    )


def test_a_script_that_asks_for_exactly_this_has_no_diff() -> None:
    args = ["--partition=cpu", "--time=02:00:00", "--nodes=1", "--ntasks=1", "--gres=gpu:2"]
    assert script_diff(HEAD, args) == ""


def test_an_option_is_replaced_where_it_stands_and_its_neighbours_stay() -> None:
    gone, new = changed(HEAD, "--partition=gpu", "--time=02:00:00", "--gres=gpu:2")
    assert gone == {"#SBATCH --job-name=train -p cpu"}
    assert new == {"#SBATCH --job-name=train --partition=gpu"}


def test_an_option_that_says_the_same_in_other_words_is_taken_out() -> None:
    gone, new = changed(HEAD, "--partition=cpu", "--time=120", "--gpus=a100:2")
    assert gone == {"#SBATCH --gres=gpu:2"}
    assert new == {"#SBATCH --gpus=a100:2"}


def test_other_generic_resources_stay() -> None:
    assert changed("#!/bin/sh\n#SBATCH --gres=nvme:1\n", "--gpus=1") == (
        set(),
        {"#SBATCH --gpus=1"},
    )


def test_only_the_head_is_read_and_what_cannot_be_read_is_left() -> None:
    text = "#!/bin/sh\n#SBATCH --time='\nrun\n#SBATCH --time=10\n"
    assert changed(text, "--time=00:20:00") == (set(), {"#SBATCH --time=00:20:00"})


def test_values_with_blanks_and_hashes_are_quoted_as_sbatch_needs_it() -> None:
    _, new = changed("#!/bin/sh\n", "--constraint=a&b", "--exclusive")
    assert new == {'#SBATCH --constraint="a&b"', "#SBATCH --exclusive"}
