"""What to ask for next, by what was used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tracker.usage.next_request import Spent, gib, in_words, round_mib, suggest

HOUR_S = 3600
ASKED = Spent(
    state="COMPLETED", nodes=1, cpus=8, mem_mib=64 * 1024, gpus=1, limit_minutes=600,
    elapsed_s=2 * HOUR_S, cpu_s=12 * HOUR_S, max_rss_mib=20 * 1024, used_mem_mib=20 * 1024,
)  # fmt: skip


def test_memory_and_time_are_lowered_to_what_was_used_and_some_room() -> None:
    said = suggest([ASKED], ASKED)
    assert said.completed == 1
    assert said.mem_mib_per_node == 24 * 1024
    assert said.limit_minutes == 140  # 2 h and 15 %, up to five minutes
    assert said.cpus is None  # six of eight were busy
    assert said.asks == ("--mem=24G", "--time=02:20:00")
    assert said.sentences == (
        "At most 20 GiB of 64 GiB a node was used (31%).",
        "It ran 2 h of the 10 h asked for (20%).",
        "6.0 of 8 CPUs were busy on average (75%).",
    )


def test_nothing_is_lowered_before_a_run_has_completed() -> None:
    failed = replace(ASKED, state="FAILED")
    said = suggest([failed], failed)
    assert not said.asks and said.completed == 0 and said.sentences == ()


def test_what_a_failed_run_used_counts_too() -> None:
    said = suggest([ASKED, replace(ASKED, state="FAILED", max_rss_mib=30 * 1024)], ASKED)
    assert said.mem_mib_per_node == 36 * 1024


def test_the_time_is_that_of_nineteen_runs_in_twenty() -> None:
    runs = [replace(ASKED, elapsed_s=HOUR_S + minute * 60) for minute in range(40)]
    said = suggest(runs, ASKED)
    assert said.limit_minutes == 115  # 97 min at the 38th of 40, and 15 %
    assert said.sentences[1].startswith("Nineteen in twenty ran at most 1 h 37 min")


def test_a_run_that_was_cut_off_is_never_undercut() -> None:
    cut = replace(ASKED, state="TIMEOUT", elapsed_s=4 * HOUR_S, limit_minutes=240)
    said = suggest([ASKED] * 50 + [cut], ASKED)
    assert said.limit_minutes == 300
    assert "1 of 51 ran into the time limit after 4 h" in said.sentences[1]


def test_a_run_alone_that_was_cut_off_asks_for_more() -> None:
    cut = replace(ASKED, state="TIMEOUT", elapsed_s=10 * HOUR_S)
    said = suggest([cut], cut)
    assert said.limit_minutes == 750 and said.mem_mib_per_node is None


def test_out_of_memory_asks_for_half_as_much_again() -> None:
    killed = replace(ASKED, state="OUT_OF_MEMORY", max_rss_mib=None, used_mem_mib=None)
    said = suggest([killed], killed)
    assert said.mem_mib_per_node == 96 * 1024
    assert said.sentences[0] == "It ran out of memory, with 64 GiB a node: ask for more."
    more = replace(ASKED, mem_mib=128 * 1024)
    assert suggest([killed, more], more).mem_mib_per_node is None  # asked already


def test_memory_that_others_with_a_larger_request_used_is_not_a_share_of_this_one() -> None:
    small = replace(ASKED, mem_mib=200, max_rss_mib=20, used_mem_mib=20)
    large = replace(ASKED, mem_mib=500, max_rss_mib=240, used_mem_mib=240)
    said = suggest([small, large], small)
    assert said.mem_mib_per_node == 512
    assert said.sentences[0] == "240 MiB a node was used, more than the 200 MiB asked for."


def test_memory_that_was_nearly_all_used_gets_room() -> None:
    close = replace(ASKED, max_rss_mib=62 * 1024)
    said = suggest([close], close)
    assert said.mem_mib_per_node == 75 * 1024
    assert said.sentences[0].endswith("(97%): that is close.")


def test_what_would_change_by_a_tenth_stays() -> None:
    assert suggest([ASKED], replace(ASKED, mem_mib=26 * 1024)).mem_mib_per_node is None
    assert suggest([ASKED], replace(ASKED, limit_minutes=150)).limit_minutes is None


def test_tasks_of_several_nodes_share_the_memory_and_the_largest_decides() -> None:
    wide = replace(ASKED, nodes=4, mem_mib=256 * 1024, max_rss_mib=5 * 1024, used_mem_mib=40 * 1024)
    assert wide.used_mib_per_node == 10 * 1024
    assert replace(wide, max_rss_mib=15 * 1024).used_mib_per_node == 15 * 1024
    assert suggest([wide], wide).mem_mib_per_node == 12 * 1024


def test_cpus_are_lowered_only_where_half_of_them_idle_and_each_gpu_keeps_one() -> None:
    idle = replace(ASKED, cpu_s=2 * HOUR_S * 1.2)
    assert suggest([idle], idle).cpus == 2
    four = replace(idle, gpus=4, cpu_s=100)
    assert suggest([four], four).cpus == 4


def test_gpus_that_did_nothing_are_told() -> None:
    assert (
        "no sample above 3 %" in suggest([replace(ASKED, gpu_util_percent=3)], ASKED).sentences[-1]
    )
    busy = [replace(ASKED, gpu_util_percent=3), replace(ASKED, gpu_util_percent=80)]
    assert not any("GPU" in word for word in suggest(busy, ASKED).sentences)
    assert not any("GPU" in word for word in suggest([ASKED], ASKED).sentences)  # not recorded


def test_what_was_not_recorded_is_not_guessed() -> None:
    unknown = Spent(state="COMPLETED")
    said = suggest([unknown], unknown)
    assert (said.completed, said.asks, said.sentences) == (1, (), ())


@pytest.mark.parametrize(("mib", "rounded"), [(1, 256), (256, 256), (4000, 4096), (4097, 5120)])
def test_memory_is_rounded_up(mib: int, rounded: int) -> None:
    assert round_mib(mib) == rounded


def test_amounts_read_well() -> None:
    assert [gib(512), gib(1536), gib(131072)] == ["512 MiB", "1.5 GiB", "128 GiB"]
    assert [in_words(45), in_words(3600), in_words(5400), in_words(180_000)] == [
        "45 s", "1 h", "1 h 30 min", "2 d 2 h",
    ]  # fmt: skip
