"""The weeks that the demo cluster has lived through before its first start, and its restarts."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from itertools import accumulate
from pathlib import Path

import pytest

from planner.demo import site
from planner.demo.jobs import Attempt
from planner.demo.journal import Journal
from tests.planner.demo import NOW_AT, DemoCluster

DAYS = 4


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lived")
    DemoCluster(folder, history_days=DAYS).controller.stop()
    return folder


@pytest.fixture
def folder(lived: Path, tmp_path: Path) -> Path:
    shutil.copytree(lived, tmp_path / "demo")
    return tmp_path / "demo"


@pytest.fixture(scope="module")
def attempts(lived: Path) -> list[Attempt]:
    journal = Journal(lived / "journal.sqlite3")
    every = [*journal.ended(0), *journal.active()]
    journal.close()
    return every


def started(attempts: list[Attempt]) -> list[tuple[Attempt, float, float]]:
    return [(a, a.start_at, a.end_at or NOW_AT) for a in attempts if a.start_at is not None]


def test_no_node_ever_gave_more_than_it_has(attempts: list[Attempt]) -> None:
    changes: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    for attempt, start_at, end_at in started(attempts):
        for share in attempt.shares:
            amounts = {"cpu": share.cpus, "mem": share.mem_mib, **share.gpus}
            for what, amount in amounts.items():
                changes[share.node, what] += [(start_at, amount), (end_at, -amount)]
    nodes = site.NODES
    for (name, what), steps in changes.items():
        index = nodes.names.index(name)
        sizes = {"cpu": nodes.cpus[index], "mem": nodes.mem_mib[index]}
        sizes |= dict(zip(nodes.gpu_types, nodes.gpus[index], strict=True))
        # At one instant, what ends makes room for what starts.
        in_use = accumulate(amount for _, amount in sorted(steps))
        assert max(in_use) <= sizes[what], (name, what)


def test_no_job_starts_before_its_submission_or_runs_past_its_limit(
    attempts: list[Attempt],
) -> None:
    for attempt, start_at, end_at in started(attempts):
        assert attempt.submit_at <= (attempt.eligible_at or 0) <= start_at
        assert end_at - start_at <= attempt.request.limit_minutes * 60


def test_nothing_runs_on_the_drained_node_or_through_maintenance(attempts: list[Attempt]) -> None:
    windows = [site.maintenance(NOW_AT // 86400 - day) for day in range(DAYS)]
    for attempt, start_at, end_at in started(attempts):
        assert not site.DRAINED.keys() & set(attempt.node_names)
        for _, node, closed_at, open_at in windows:
            assert node not in attempt.node_names or end_at <= closed_at or start_at >= open_at, (
                attempt.shown_id
            )


def test_history_shows_every_kind_of_ending(attempts: list[Attempt]) -> None:
    states = Counter(attempt.state for attempt in attempts)
    assert states.keys() >= {
        "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL",
    }  # fmt: skip
    assert any(attempt.restarts and attempt.state == "COMPLETED" for attempt in attempts)
    assert states["COMPLETED"] > 200


def test_sacct_tells_of_jobs_cancelled_while_they_waited(
    folder: Path, attempts: list[Attempt]
) -> None:
    """Or a record of waits would lack those who gave up."""
    gave_up = {
        str(attempt.job_id)
        for attempt in attempts
        if attempt.state == "CANCELLED" and attempt.start_at is None and attempt.array_id is None
        if not (attempt.request.held or attempt.request.dependency)
    }
    demo = DemoCluster(folder)
    words = (
        "-a",
        "-X",
        "-D",
        "-n",
        "-P",
        "-S",
        f"now-{DAYS + 1}days",
        "-o",
        "JobIDRaw,State,Start",
    )
    rows = [line.split("|") for line in demo.ask("sacct", *words).stdout.splitlines()]
    told = {job_id for job_id, state, start in rows if "CANCELLED" in state and start == "None"}
    assert gave_up
    assert gave_up <= told
    demo.controller.stop()


def test_the_same_seed_lives_the_same_history(tmp_path: Path) -> None:
    histories = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        controller = DemoCluster(tmp_path / name, history_days=1).controller
        histories.append([attempt.to_json() for attempt in controller.roster.attempts_since(0)])
        controller.stop()
    assert histories[0] == histories[1]
    assert histories[0]


def test_a_restart_ends_what_ended_meanwhile_and_loses_nothing(folder: Path) -> None:
    journal = Journal(folder / "journal.sqlite3")
    before = {attempt.db_index: attempt for attempt in journal.active()}
    journal.close()
    later_at = NOW_AT + 6 * 3600
    controller = DemoCluster(folder, now_at=later_at).controller
    after = {a.db_index: a for a in controller.roster.attempts_since(NOW_AT)}
    due = [
        a
        for a in before.values()
        if a.start_at is not None and a.start_at + (a.request.run_s or 0) < later_at
    ]
    assert before.keys() <= after.keys()
    assert due
    assert not any(after[attempt.db_index].is_active for attempt in due)
    assert min(after.keys() - before.keys()) > max(before.keys())
    controller.stop()


def test_job_ids_continue_after_a_restart(folder: Path) -> None:
    journal = Journal(folder / "journal.sqlite3")
    known = max(attempt.job_id for attempt in journal.ended(0))
    journal.close()
    controller = DemoCluster(folder, now_at=NOW_AT + 10).controller
    assert controller.next_job_id > known
    controller.stop()


def test_the_queue_fills_and_does_not_grow_without_bound(tmp_path: Path) -> None:
    controller = DemoCluster(tmp_path, history_days=5).controller
    assert 25 <= controller.roster.pending_count() <= 110
    controller.advance(NOW_AT + 60)
    reasons = {waiting.reason for waiting in controller.simulation.queue()}
    assert len(reasons) >= 4, reasons
    controller.stop()
