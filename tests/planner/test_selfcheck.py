"""The model held against the recorded Slurm, as it was and with something changed by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from planner.selfcheck import (
    Check,
    Moments,
    Trust,
    check,
    moments,
    priorities,
    shares,
    verdict,
    verdicts,
)
from planner.selfcheck.priorities import FactorAgreement, Priorities
from planner.selfcheck.replay import one_cycle
from planner.selfcheck.starts import Pair, explained
from planner.selfcheck.told import as_json, as_text
from planner.snapshot import Facts, read_facts
from tests.planner.recorded import recorded_facts, recorded_slurm
from tracker.slurm.records import QueuedJob

SECOND = timedelta(seconds=1)
DOCUMENT = Path(__file__).parents[2] / "docs" / "self-check.md"


@cache
def recorded_moments() -> Moments:
    return moments(recorded_slurm(), recorded_facts())


@cache
def recorded() -> Check:
    return check(recorded_facts(), recorded_moments())


def checked(facts: Facts) -> Check:
    return check(facts, recorded_moments())


def with_weights(**weights: int) -> Facts:
    config = recorded_facts().config
    assert config is not None
    config = replace(config, priority_weights=config.priority_weights | weights)
    return replace(recorded_facts(), config=config)


def ranked(facts: Facts, at: Moments | None = None) -> Priorities:
    return priorities.compare(facts, at or recorded_moments())


def with_waiting(change: Callable[[QueuedJob], QueuedJob], partition: str) -> Facts:
    """The recorded cluster with every waiting row of a partition changed."""
    queue = [
        change(row) if row.state == "PENDING" and partition in row.partitions else row
        for row in recorded_facts().queue
    ]
    return replace(recorded_facts(), queue=queue)


def factor(found: Priorities, name: str) -> FactorAgreement:
    return next(one for one in found.factors if one.factor == name)


def with_share(user: str, **changed: float) -> Facts:
    rows = (
        replace(share, **changed) if share.user == user else share  # type: ignore[arg-type]
        for share in recorded_facts().shares
    )
    return replace(recorded_facts(), shares=tuple(rows))


# Priorities against sprio.


def test_priorities_are_those_of_sprio_but_for_ageing() -> None:
    rows, differing = recorded().priorities.rows, recorded().priorities.differing()
    assert len(rows) == 183
    # Slurm counts one more node for job 802 than its row in squeue shows.
    assert [row.pending.key for row in differing] == ["802"]
    assert recorded().priorities.why(differing[0]) == "JOBSIZE 12 for 19"
    others = [
        one for one in recorded().priorities.factors if one.factor not in ("JOBSIZE", "PRIORITY")
    ]
    assert {one.agree for one in others} == {183}


def test_age_may_be_a_calc_period_ahead_of_sprio_and_no_more() -> None:
    allows = recorded().priorities.ageing.allows
    period = 1000 * 60 / 7200  # PriorityWeightAge x PriorityCalcPeriod / PriorityMaxAge
    assert allows("AGE", period + 1)
    assert not allows("AGE", period + 1.1)
    assert not allows("AGE", -1.5)
    assert not allows("QOS", 1.1)


def test_the_time_between_two_commands_counts_as_ageing() -> None:
    at = recorded_facts().taken_at
    early = ranked(recorded_facts(), Moments(priorities_at=at - timedelta(minutes=3)))
    late = ranked(recorded_facts(), Moments(priorities_at=at + timedelta(minutes=3)))
    assert early.ageing.high == pytest.approx(1000 * (60 + 180) / 7200)
    assert late.ageing.low == pytest.approx(-1000 * 180 / 7200)


def test_a_wrong_weight_is_found_and_named() -> None:
    found = factor(ranked(with_weights(fair_share=1000)), "FAIRSHARE")
    assert (found.agree, found.rows) == (0, 183)
    assert found.why == "as if PriorityWeightFairShare were about 10,000, not 1,000"


def test_a_weight_that_is_missing_is_found_and_named() -> None:
    assert factor(ranked(with_weights(qos=0)), "QOS").why == "PriorityWeightQOS is 0 here"


def test_a_wrong_weight_that_turns_the_order_round_ends_the_trust() -> None:
    verdict = checked(with_weights(fair_share=0)).verdicts["gpu"]
    assert verdict.trust is Trust.NOT_TRUSTED
    assert "of the pairs of jobs stand in another order" in verdict.because


def test_the_correction_by_the_queues_own_priorities_hides_nothing() -> None:
    assert len(ranked(with_weights(partition=0)).differing()) > 100


# Fair share against sshare.


def test_fair_shares_are_those_of_sshare_to_the_digit() -> None:
    agree = [row.fair_share_agrees for row in recorded().shares]
    levels = [row.level_agrees for row in recorded().shares]
    assert (agree.count(True), agree.count(False)) == (7, 0)
    assert (levels.count(True), levels.count(False)) == (11, 0)


def test_a_changed_share_is_found() -> None:
    differing = {
        row.user: row for row in shares.compare(with_share("bob", raw_shares=300)) if row.why
    }
    assert set(differing) == {"alice", "bob"}
    assert differing["bob"].why == "other shares, or other siblings, than sshare counts"


def test_usage_charged_since_the_last_period_is_told_from_a_wrong_tree() -> None:
    rows = shares.compare(with_share("dave", raw_usage=1e6))
    whys = {row.user: row.why for row in rows if row.why}
    assert whys == dict.fromkeys(
        ("carol", "dave"), "usage since the last calc period changes the order"
    )


def test_without_sshare_and_sprio_the_starts_decide() -> None:
    found = checked(replace(recorded_facts(), shares=(), priorities=()))
    assert found.shares == () and found.priorities.rows == ()
    verdict = found.verdicts["gpu"]
    assert verdict.trust is Trust.TRUSTED
    assert "the order of its priorities could not be compared" in verdict.sentence


# Planned starts against squeue.


def test_the_recorded_partitions_are_trusted_where_enough_is_planned() -> None:
    trust = {name: one.trust for name, one in recorded().verdicts.items()}
    assert trust == {
        "cpu": Trust.TRUSTED,
        "gpu": Trust.TRUSTED,
        "highmem": Trust.CANNOT_TELL,
        "debug": Trust.CANNOT_TELL,
    }
    assert recorded().verdicts["highmem"].sentence == (
        "highmem: cannot tell, because 3 of its jobs have a planned start and 10 are needed."
    )


def test_a_partition_with_strange_starts_is_not_trusted() -> None:
    def moved(row: QueuedJob) -> QueuedJob:
        at = row.start_at
        return replace(row, start_at=None if at is None else at + timedelta(minutes=7))

    found = checked(with_waiting(moved, "gpu"))
    verdict = found.verdicts["gpu"]
    assert verdict.trust is Trust.NOT_TRUSTED
    assert verdict.because.startswith("only 0 of 41 planned starts")
    assert found.verdicts["cpu"].trust is Trust.TRUSTED
    why = explained(found.starts, found.interval_s)
    first = max(differing(found), key=lambda pair: pair.pending.record.priority or 0)
    assert why[first.pending.key] == "the same nodes at another time"
    assert f"behind job {first.pending.key}, the first to differ" in why["949"]


def differing(found: Check) -> list[Pair]:
    return [pair for pair in found.starts if pair.agrees(found.interval_s) is False]


def test_plans_that_only_one_side_has_count_against_it() -> None:
    def unplanned(row: QueuedJob) -> QueuedJob:
        return replace(row, start_at=None, scheduled_nodes=None)

    found = checked(with_waiting(unplanned, "gpu"))
    assert found.verdicts["gpu"].starts is not None
    assert (found.verdicts["gpu"].starts.agree, found.verdicts["gpu"].starts.of) == (0, 41)
    assert {pair.why(found.interval_s) for pair in differing(found)} == {
        "Slurm's cycle gave it none"
    }


def test_times_that_slurm_holds_no_nodes_for_are_not_compared() -> None:
    shown = [pair for pair in recorded().starts if pair.slurm_s is not None and not pair.is_plan]
    assert len(shown) == 17
    assert {pair.agrees(recorded().interval_s) for pair in shown} == {None}


def with_end_after_the_cycle(after: timedelta) -> Facts:
    """The recorded cluster, job 983 of two GPUs on gpu03 having ended so long after the cycle."""
    at = recorded_moments().cycle_at
    assert at is not None
    queue = [
        replace(row, state="COMPLETED", end_at=at + after) if row.job_id == 983 else row
        for row in recorded_facts().queue
    ]
    return replace(recorded_facts(), queue=queue)


def test_a_job_that_ended_since_the_cycle_still_ran_in_it() -> None:
    at = recorded_moments().cycle_at
    assert at is not None
    as_recorded = one_cycle(recorded_facts(), at)
    assert one_cycle(with_end_after_the_cycle(2 * SECOND), at) == as_recorded
    assert one_cycle(with_end_after_the_cycle(-SECOND), at) != as_recorded


def test_starts_that_hang_on_an_end_in_the_second_of_the_cycle_are_not_compared() -> None:
    found = checked(with_end_after_the_cycle(0 * SECOND))
    unsure = [pair for pair in found.starts if pair.is_open]
    assert unsure
    assert {pair.agrees(found.interval_s) for pair in unsure} == {None}
    agree, of = as_json(found)["starts"]
    assert 0 < agree == of  # the others are as recorded
    told = f"{len(unsure)} starts hang on jobs that ended in the second of the cycle"
    assert told in "\n".join(as_text(found))


def test_a_plan_that_cannot_be_dated_is_not_judged() -> None:
    told = verdicts(recorded_facts())
    assert {one.trust for one in told.values()} == {Trust.CANNOT_TELL}
    assert "no plan of Slurm's that could be dated" in told["cpu"].sentence
    shown = as_json(check(recorded_facts()))
    assert (shown["starts"], shown["differences"]["starts"]) == ([0, 0], [])


def test_a_queue_without_any_plan_is_not_judged() -> None:
    queue = [
        row if row.state != "PENDING" else replace(row, start_at=None, scheduled_nodes=None)
        for row in recorded_facts().queue
    ]
    found = checked(replace(recorded_facts(), queue=queue))
    assert {one.trust for one in found.verdicts.values()} == {Trust.CANNOT_TELL}


@pytest.mark.parametrize(
    ("read_s", "is_dated"),
    [
        (0, True),  # sdiag came a second after the queue, the cycle four seconds before it
        (5, True),  # sdiag came before, but the next cycle is to begin a second after the queue
        (6, False),
        (-4, True),
        (-5, False),  # the queue is older than the cycle
    ],
)
def test_sdiag_dates_the_plan_if_no_other_cycle_fits_between(read_s: int, is_dated: bool) -> None:
    facts = replace(recorded_facts(), taken_at=recorded_facts().taken_at + read_s * SECOND)
    assert (moments(recorded_slurm(), facts).cycle_at is not None) is is_dated


# Reasons against squeue.


def test_reasons_are_of_the_same_kind_but_for_old_ones() -> None:
    rows = recorded().reasons
    assert (sum(row.agrees for row in rows), len(rows)) == (187, 192)


def test_a_job_that_slurm_has_not_looked_at_has_no_reason_to_compare() -> None:
    def unseen(row: QueuedJob) -> QueuedJob:
        return replace(row, reason="None")

    assert checked(with_waiting(unseen, "gpu")).verdicts["gpu"].reasons.of == 0


def test_held_jobs_are_no_agreement() -> None:
    assert not [row for row in recorded().reasons if row.pending.held is not None]


def test_limits_that_the_model_does_not_know_end_the_trust() -> None:
    def limited(row: QueuedJob) -> QueuedJob:
        return replace(row, reason="QOSMaxNodePerUserLimit")

    verdict = checked(with_waiting(limited, "gpu")).verdicts["gpu"]
    assert verdict.trust is Trust.NOT_TRUSTED
    assert "only 11 of 85 reasons to wait" in verdict.because


# Told.


def test_the_json_has_no_infinity_and_says_what_the_text_says() -> None:
    told = json.loads(json.dumps(as_json(recorded()), allow_nan=False))
    assert told["starts"] == [121, 121]
    assert told["priorities"] == [182, 183]
    assert told["fair_share"] == [7, 7]
    text = "\n".join(as_text(recorded()))
    assert told["verdicts"]["cpu"]["sentence"] in text
    assert "121 of 121 planned starts within one backfill interval (10 s)" in text


def test_what_the_snapshot_lacks_is_told_as_well() -> None:
    told = as_json(checked(read_facts(recorded_slurm(without=("qos",)))))
    assert any("QOS priorities and limits are not modelled" in note for note in told["notes"])
    found = next(one for one in told["factors"] if one["factor"] == "QOS")
    assert found["why"] == "another priority of the QOS"


def test_at_most_ten_differences_of_a_kind_are_told() -> None:
    told = as_json(checked(with_weights(fair_share=1000)))
    assert len(told["differences"]["priorities"]) == 10
    sizes = [abs(one["slurm"] - one["model"]) for one in told["differences"]["priorities"]]
    assert sizes == sorted(sizes, reverse=True)


def test_the_document_tells_what_the_check_of_the_recording_says() -> None:
    said = "\n".join(as_text(recorded())).partition("\n\nLargest")[0]
    assert said in DOCUMENT.read_text(encoding="utf-8")


def test_the_document_tells_the_thresholds() -> None:
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    for told in (
        f"of the first {verdict.TOP_ROWS} of its jobs",
        f"at least {verdict.MIN_STARTS:.0%} start".replace("%", " %"),
        f"at least {verdict.MIN_ORDER:.0%} of the pairs".replace("%", " %"),
        f"at least {verdict.MIN_REASONS:.0%} of the reasons".replace("%", " %"),
        f"fewer than {verdict.MIN_ROWS} planned starts",
    ):
        assert told in text
