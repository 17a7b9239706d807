"""The demo's past as the service takes it up: polls, replays, scores."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from planner.management.commands.demo_cluster import introduce
from planner.models import Forecast
from planner.record import replay, scoring
from tests.planner.demo import NOW_AT, DemoCluster
from tests.planner.test_demo_past import LOOKS_AT, EarlyPoller
from tracker import ingest
from tracker.models import Attempt, Cluster, Poll, StartEstimate
from tracker.slurm.commands import COMMANDS, FORMAT_ENV, accounting_argv

pytestmark = pytest.mark.django_db
NOW = datetime.fromtimestamp(NOW_AT, UTC)
DAY = timedelta(days=1)
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def past() -> EarlyPoller:
    return EarlyPoller()


@pytest.fixture(scope="module")
def demo(past: EarlyPoller, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoCluster]:
    demo = DemoCluster(tmp_path_factory.mktemp("demo"), history_days=2, witness=past)
    yield demo
    demo.controller.stop()


@pytest.fixture
def cluster(past: EarlyPoller, demo: DemoCluster, tmp_path: Path) -> Cluster:
    introduce(tmp_path / "bin", tmp_path / "home", "ada", past)
    return Cluster.objects.get()


def read_accounting(demo: DemoCluster, cluster: Cluster) -> None:
    """As the first poll of it does."""
    argv = accounting_argv(NOW - 3 * DAY)
    rows = COMMANDS["sacct"].parse(demo.ask(*argv, **FORMAT_ENV).stdout)
    ingest.record_accounting(cluster, rows, NOW)
    Poll.objects.create(
        cluster=cluster, command="sacct", argv=argv, started_at=NOW, seconds=0, ok=True
    )


def test_the_first_start_stores_the_past_polls_and_asks_for_their_replays(
    past: EarlyPoller, cluster: Cluster
) -> None:
    assert Poll.objects.filter(cluster=cluster, ok=True).count() == len(past.outputs) == 20
    assert [row.as_of for row in Forecast.objects.order_by("as_of")] == past.looked_at
    assert replay.progress(cluster) == (0, len(LOOKS_AT))


def test_a_later_start_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    introduce(tmp_path / "bin", tmp_path / "home", "ada", EarlyPoller())
    assert Poll.objects.count() == 20
    assert Forecast.objects.count() == len(LOOKS_AT)


def test_forecasts_of_the_past_are_scored_by_what_came(demo: DemoCluster, cluster: Cluster) -> None:
    Cluster.objects.update(polling_paused=True)  # else the present comes first
    assert replay.replay_next(LATER) is False  # no job is known yet
    read_accounting(demo, cluster)
    Forecast.objects.update(replicas=2, horizon_s=4 * 3600)  # quick
    assert [replay.replay_next(LATER + days * DAY) for days in range(3)] == [True, True, False]
    scoring.score(NOW)
    record = StartEstimate.objects.exclude(milestone_minutes=None)
    assert set(record.values_list("is_replayed", flat=True)) == {True}
    started = record.filter(outcome=StartEstimate.Outcome.STARTED, is_of_array=False)
    assert started.count() > 20
    starts = dict(Attempt.objects.values_list("job", "start_at"))
    for estimate in started:
        assert estimate.outcome_at == starts[estimate.job_id] > estimate.snapshot_at
    assert started.exclude(slurm_start_at=None).count() > 10
    assert started.exclude(p50_at=None).count() > 10
