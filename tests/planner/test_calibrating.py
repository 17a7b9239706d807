"""A site's own record, and what it makes of what the replicas say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from planner.forecasting.calibrating import Calibrator
from planner.models import SelfCheck
from planner.quantiles import Quantiles
from tests.factories import NOW, make_cluster, make_job
from tracker.models import Cluster, Job, StartEstimate
from tracker.slurm.records import QueuedJob

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SAID = Quantiles(600.0, 3600.0, 7200.0)


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


def waiting(*partitions: str) -> QueuedJob:
    return QueuedJob(
        job_id=1, state="PENDING", user="alice", name="x", partitions=partitions or ("gpu",),
        submit_at=NOW, cpus=4, limit_minutes=60.0,
    )  # fmt: skip


def tell(
    cluster: Cluster,
    said_minutes: tuple[float, float, float] | None,
    waits_minutes: list[float],
    *,
    history_minutes: tuple[float, float, float] | None = None,
    ago: timedelta = 5 * DAY,
    **fields: Any,
) -> None:
    """A forecast for each of the waits, evenly spread over the time since, and its start."""
    job = Job.objects.filter(cluster=cluster).first() or make_job(cluster)
    first = StartEstimate.objects.count()
    rows = []
    for place, minutes in enumerate(waits_minutes):
        at = NOW - ago * (1 - 0.8 * place / len(waits_minutes))
        given: dict[str, Any] = {
            "issued_at": at,
            "snapshot_at": at,
            "submit_at": NOW - (first + place) * MINUTE,  # attempts of their own
            "horizon_s": 86_400,
            "replicas": 16,
            "method": "ensemble",
            "partition": "gpu",
            "milestone_minutes": 0,
            "is_newest": False,
            "outcome": "started",
            "outcome_at": at + minutes * MINUTE,
        }
        for source, said in (("raw", said_minutes), ("history", history_minutes)):
            for level, wait in zip(("p10", "p50", "p90"), said or (), strict=False):
                given[f"{source}_{level}_at"] = at + wait * MINUTE
        rows.append(StartEstimate(job=job, **(given | fields)))
    StartEstimate.objects.bulk_create(rows)


def left(cluster: Cluster, *partitions: str, said: Quantiles = SAID, at=NOW):
    return Calibrator(cluster, at).left(waiting(*partitions), said)


def check_says(cluster: Cluster, trust: str, *, ago: timedelta = MINUTE, name: str = "gpu") -> None:
    SelfCheck.objects.create(
        cluster=cluster,
        requested_at=NOW - ago,
        snapshot_at=NOW - ago,
        state=SelfCheck.State.DONE,
        result={"verdicts": {name: {"trust": trust}}},
    )


def starts(cluster: Cluster, waits_minutes: list[float], partition: str = "gpu") -> None:
    """Jobs that started lately, for history to know."""
    start_at = NOW - 10 * MINUTE
    first = Job.objects.count() + 1000
    Job.objects.bulk_create(
        Job(
            cluster=cluster, job_id=first + place, state="COMPLETED", partition=partition, cpus=4,
            limit_minutes=60, start_at=start_at, end_at=start_at + MINUTE, node_list="n1",
            submit_at=start_at - minutes * MINUTE, first_submit_at=start_at - minutes * MINUTE,
            first_seen_at=start_at, changed_at=start_at,
        )
        for place, minutes in enumerate(waits_minutes)
    )  # fmt: skip


# True quantiles: 10, 50, 90. In no order, for the newest count most.
SPREAD = [float(place * 37 % 100 + 1) for place in range(100)]


def test_a_record_too_short_changes_nothing(cluster: Cluster) -> None:
    assert left(cluster) == (SAID, "")
    tell(cluster, (1, 5, 9), SPREAD[:19])
    assert left(cluster) == (SAID, "")


def test_replicas_that_told_half_of_the_waits_are_doubled(cluster: Cluster) -> None:
    tell(cluster, (5, 25, 45), SPREAD)
    told, how = left(cluster)
    assert how == "calibrated on 100 scored forecasts"
    assert [told.p10_s, told.p50_s, told.p90_s] == pytest.approx([1200, 7200, 14_400], rel=0.12)


def test_replicas_that_told_right_are_left_as_they_are(cluster: Cluster) -> None:
    tell(cluster, (10, 50, 90), SPREAD)
    told, _ = left(cluster)
    assert [told.p10_s, told.p50_s, told.p90_s] == pytest.approx([600, 3600, 7200], rel=0.12)


def test_each_partition_learns_from_its_own_starts(cluster: Cluster) -> None:
    tell(cluster, (5, 25, 45), SPREAD * 5)
    tell(cluster, (10, 50, 90), SPREAD * 5, partition="cpu")
    gpu, cpu, both = (left(cluster, *asked)[0] for asked in (("gpu",), ("cpu",), ("gpu", "cpu")))
    assert gpu.p50_s == pytest.approx(7200, rel=0.1)
    assert cpu.p50_s == pytest.approx(3600, rel=0.1)
    # As many of either: the middle of all lies on the edge between them, or within. Told at one
    # instant they come in any order from the database, and the newest count a little more.
    assert 0.98 * cpu.p50_s <= both.p50_s <= gpu.p50_s


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "plan"},
        {"milestone_minutes": None},
        {"ago": 200 * DAY},
        {"ago": -MINUTE},
    ],
)
def test_what_is_not_of_the_record_or_too_old_or_to_come_teaches_nothing(
    cluster: Cluster, fields: dict[str, Any]
) -> None:
    tell(cluster, (5, 25, 45), SPREAD, **fields)
    assert left(cluster) == (SAID, "")


def test_another_cluster_teaches_nothing(cluster: Cluster) -> None:
    tell(make_cluster("other"), (5, 25, 45), SPREAD)
    assert left(cluster) == (SAID, "")


def test_a_job_that_waits_still_has_waited_longer_than_so_far(cluster: Cluster) -> None:
    tell(cluster, (10, 50, 90), SPREAD)
    told, _ = left(cluster)
    tell(
        cluster, (10, 50, 90), [0.0] * 40, ago=timedelta(hours=2),
        outcome=StartEstimate.Outcome.OPEN, outcome_at=None,
    )  # fmt: skip
    longer, how = left(cluster)
    assert how == "calibrated on 100 scored forecasts"
    assert longer.p50_s > 1.2 * told.p50_s


def test_a_start_that_came_later_is_not_known_yet(cluster: Cluster) -> None:
    tell(cluster, (5, 25, 45), SPREAD)
    tell(cluster, (5, 25, 45), [300.0] * 30, ago=timedelta(hours=2))
    then = left(cluster)
    late = StartEstimate.objects.filter(outcome_at__gt=NOW)
    assert late.update(outcome=StartEstimate.Outcome.OPEN, outcome_at=None) == 30
    assert left(cluster) == then


def test_what_the_replicas_left_unsaid_stays_so(cluster: Cluster) -> None:
    tell(cluster, (5, 25, 45), SPREAD)
    told, _ = left(cluster, said=Quantiles(600.0, 3600.0, None))
    assert told.p50_s == pytest.approx(7200, rel=0.1)
    assert told.p90_s is None


def test_later_than_the_horizon_counts_as_the_horizon(cluster: Cluster) -> None:
    tell(cluster, (10, 50), SPREAD, later_than_horizon=["p90"], horizon_s=180 * 60)
    told, how = left(cluster)
    assert how == "calibrated on 100 scored forecasts"
    assert told.p90_s == pytest.approx(3600, rel=0.1)  # twice too long was said


def test_where_the_self_check_fails_history_speaks_and_promises_by_the_bound(
    cluster: Cluster,
) -> None:
    check_says(cluster, "not trusted")
    starts(cluster, SPREAD)
    told, how = left(cluster)
    assert "the waits of like jobs" in how
    assert how.endswith("as the self-check does not trust the simulation of gpu")
    assert told.p50_s == pytest.approx(50.5 * 60)
    assert told.p90_s == pytest.approx(96 * 60)  # of a hundred, the 96th bounds the 90 % quantile


def test_where_the_self_check_fails_without_history_the_simulation_is_told_with_the_doubt(
    cluster: Cluster,
) -> None:
    check_says(cluster, "not trusted")
    told, how = left(cluster)
    assert told == SAID
    assert "does not trust the simulation of gpu" in how
    assert "too few" in how


@pytest.mark.parametrize(
    ("trust", "ago", "name"),
    [
        ("trusted", MINUTE, "gpu"),
        ("cannot tell", MINUTE, "gpu"),
        ("not trusted", MINUTE, "cpu"),
        ("not trusted", 2 * DAY, "gpu"),
        ("not trusted", -MINUTE, "gpu"),
    ],
)
def test_other_checks_give_up_nothing(
    cluster: Cluster, trust: str, ago: timedelta, name: str
) -> None:
    starts(cluster, SPREAD)
    check_says(cluster, trust, ago=ago, name=name)
    assert left(cluster) == (SAID, "")


def test_the_last_check_counts(cluster: Cluster) -> None:
    starts(cluster, SPREAD)
    check_says(cluster, "not trusted", ago=20 * MINUTE)
    check_says(cluster, "trusted", ago=10 * MINUTE)
    assert left(cluster) == (SAID, "")


def test_history_replaces_a_simulation_that_told_the_newest_starts_worse(cluster: Cluster) -> None:
    starts(cluster, SPREAD)
    # The replicas take long waits for short ones: no factor sets that right.
    tell(cluster, (40, 50, 60), [1.0] * 30, history_minutes=(1, 1, 2))
    tell(cluster, (1, 1, 2), [50.0] * 30, history_minutes=(40, 50, 60), ago=4 * DAY)
    told, how = left(cluster)
    assert "they told the newest starts of gpu jobs better" in how
    assert told.p50_s == pytest.approx(50.5 * 60)


def test_history_that_is_no_better_replaces_nothing(cluster: Cluster) -> None:
    starts(cluster, SPREAD)
    tell(cluster, (10, 50, 90), SPREAD, history_minutes=(10, 50, 90))
    assert left(cluster)[1] == "calibrated on 100 scored forecasts"


def test_history_is_not_judged_by_a_few_starts(cluster: Cluster) -> None:
    starts(cluster, SPREAD)
    tell(cluster, (40, 50, 60), [1.0] * 20, history_minutes=(1, 1, 2))
    tell(cluster, (1, 1, 2), [50.0] * 20, history_minutes=(40, 50, 60), ago=4 * DAY)
    assert left(cluster)[1] == "calibrated on 40 scored forecasts"


def test_the_database_is_read_once_and_only_when_asked(cluster: Cluster) -> None:
    tell(cluster, (5, 25, 45), SPREAD)
    with CaptureQueriesContext(connection) as queries:
        calibrator = Calibrator(cluster, NOW)
        assert len(queries) == 0
        calibrator.left(waiting(), SAID)
        read = len(queries)
        for _ in range(3):
            calibrator.left(waiting(), SAID)
        assert len(queries) == read == 2
