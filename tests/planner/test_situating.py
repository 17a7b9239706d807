"""What a learner is told of a job that waits in a recorded cluster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.ensemble import Past
from planner.learnt.situating import LONGEST_S, Situations, StartedColumns
from planner.quantiles import Quantiles
from planner.runtimes import AskedRun, PastRuns, Ran, RunTimes
from planner.snapshot import Snapshot, build
from tests.planner.recorded import recorded_facts, row, with_rows

SAID = {"ensemble": Quantiles(60.0, 600.0, None), "recent_like": None}
SNAPSHOT = build(recorded_facts())
NOW_S = SNAPSHOT.world.origin_s


def started(*rows: tuple[float, float, str, str]) -> StartedColumns:
    """(seconds ago, wait, partition, user), oldest first."""
    ago_s, wait_s, partition, user = zip(*rows, strict=True) if rows else ((), (), (), ())
    return StartedColumns(
        NOW_S - np.array(ago_s, dtype=np.float64),
        np.array(wait_s, dtype=np.float64),
        np.ones(len(rows)),
        np.array(partition, dtype=np.str_),
        np.array(user, dtype=np.str_),
    )


NOBODY = started()


def told(
    job_id: int,
    *,
    snapshot: Snapshot = SNAPSHOT,
    past: Past | None = None,
    starts: StartedColumns = NOBODY,
) -> dict[str, float]:
    found = Situations(snapshot, past or Past(), starts).features(row(job_id), SAID)
    assert found is not None
    return found


def procs_running(snapshot: Snapshot, partition: str) -> int:
    world = snapshot.world
    nodes = next(one.nodes for one in world.partitions if one.name == partition)
    shares = [share for job in world.jobs for share in job.allocation]
    return sum(share.cpus for share in shares if nodes[world.nodes.index_of[share.node]])


def test_all_jobs_have_the_same_features_and_none_is_infinite() -> None:
    situations = Situations(SNAPSHOT, Past(), started((60.0, 10.0, "cpu", "bob")))
    found = [situations.features(one.record, SAID) for one in SNAPSHOT.pending]
    known = [each for each in found if each is not None]
    assert len(known) > 200
    assert len({tuple(each) for each in known}) == 1
    assert not any(np.isinf(list(each.values())).any() for each in known)


def test_processors_of_a_partition_are_busy_whoever_holds_them() -> None:
    """Those of the debug nodes are of the cpu and of the gpu partition too."""
    assert told(864)["free"] == pytest.approx(1 - procs_running(SNAPSHOT, "debug") / 128)
    others = [job for job in SNAPSHOT.world.jobs if job.partitions != ("debug",)]
    without = replace(SNAPSHOT, world=replace(SNAPSHOT.world, jobs=tuple(others)))
    gone = procs_running(SNAPSHOT, "debug") - procs_running(without, "debug")
    assert gone > 0
    assert told(870)["free"] < told(870, snapshot=without)["free"]


def test_who_waits_before_it_was_submitted_earlier_and_is_not_held() -> None:
    earlier = [
        job
        for job in SNAPSHOT.world.jobs
        if job.start_s is None and "cpu" in job.partitions and job.submit_s < -136.0
    ]
    assert any(job.held for job in earlier)
    assert told(870)["waiting"] == sum(job.held is None for job in earlier)  # submitted at -136 s


def test_it_knows_which_jobs_are_its_users_own() -> None:
    own = [
        job
        for job in SNAPSHOT.world.jobs
        if job.user == "bob" and job.start_s is None and job.held is None
        and "cpu" in job.partitions and job.submit_s < -136.0
    ]  # fmt: skip
    assert 0 < told(870)["own_waiting"] == len(own) < told(870)["waiting"]


def test_a_higher_priority_is_ahead_wherever_it_stands() -> None:
    record = row(870)
    least = build(with_rows(replace(record, priority=0)))
    most = build(with_rows(replace(record, priority=10**9)))
    assert told(870, snapshot=most)["ahead"] == 0.0
    assert told(870, snapshot=least)["ahead"] > 20.0
    assert told(870, snapshot=least)["ahead_procs"] > told(870)["ahead_procs"] > 0.0


def test_run_times_are_expected_from_history_and_limits_without_one() -> None:
    assert told(870)["log_run"] == told(870)["log_limit"] == pytest.approx(np.log1p(120))
    ran = [
        Ran("bob", "", "x", "cpu", 32.0, 120.0, NOW_S - 1000.0 - n, NOW_S - 988.0 - n)
        for n in range(40)
    ]
    past = Past(
        runs=RunTimes.learn(PastRuns.of(ran), NOW_S),
        asked={"870": AskedRun("bob", "", "x", "cpu", 32.0, 120.0)},
    )
    assert told(870, past=past)["log_run"] == pytest.approx(np.log1p(12), abs=0.2)
    assert told(870, past=past)["log_limit"] == pytest.approx(np.log1p(120))


def test_without_a_limit_a_job_counts_as_a_very_long_one() -> None:
    """Job 796 runs in highmem without one."""
    left_s = np.expm1(told(869)["left_work_limit"]) * 128
    assert left_s > 0.9 * LONGEST_S


def test_starts_are_those_of_its_partition_and_the_newest_counts_as_last() -> None:
    starts = started(
        (900.0, 10.0, "cpu", "bob"), (600.0, 50.0, "cpu", "erin"), (60.0, 500.0, "gpu", "bob")
    )
    found = told(870, starts=starts)
    assert found["last_start_ago"] == pytest.approx(np.log1p(600.0))
    assert found["last_wait"] == pytest.approx(np.log1p(50.0))
    assert found["own_last_wait"] == pytest.approx(np.log1p(10.0))
    assert found["starts_1h"] == 2.0


def test_a_start_after_the_queue_was_read_is_not_known() -> None:
    before = (600.0, 50.0, "cpu", "erin")
    assert told(870, starts=started(before, (-30.0, 9.0, "cpu", "bob"))) == pytest.approx(
        told(870, starts=started(before)), nan_ok=True
    )


def test_how_long_it_has_waited_and_what_others_foretell_is_told() -> None:
    found = told(870)
    assert found["log_waited"] == pytest.approx(np.log1p(136.0))
    assert found["ensemble_p50"] == pytest.approx(np.log1p(600.0))
    assert np.isnan(found["ensemble_p90"])
    assert np.isnan(found["recent_like_p50"])


def test_gpus_are_counted_beside_processors() -> None:
    cpu, gpu = told(870), told(830)
    assert (cpu["gpus"], gpu["gpus"]) == (0.0, 2.0)
    shares = [share for job in SNAPSHOT.world.jobs for share in job.allocation]
    held = sum(sum(share.gpus.values()) for share in shares)
    up = 38  # of 40: two are on a node that is down
    assert gpu["gpus_free_after"] == pytest.approx((up - held - 2) / up)


def test_an_array_is_told_of_as_its_first_task() -> None:
    first = replace(row(1072), array_tasks=(row(1072).array_tasks[0],))
    situations = Situations(SNAPSHOT, Past(), NOBODY)
    assert situations.features(first, SAID) == pytest.approx(told(1072), nan_ok=True)


def test_a_job_that_the_model_does_not_hold_is_not_told_of() -> None:
    stranger = replace(row(870), job_id=999_999)
    assert Situations(SNAPSHOT, Past(), NOBODY).features(stranger, SAID) is None
