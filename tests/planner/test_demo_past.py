"""What a poller would have heard from the demo cluster before its first start, and no more."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from planner.demo import site
from planner.demo.controller import Controller
from planner.demo.history import Witness
from planner.demo.past import LEARNING_DAYS, LOOKS_A_DAY, PastPoller
from planner.snapshot import build, read_facts
from tests.planner.demo import NOW_AT, DemoCluster
from tracker.slurm.client import Slurm, parse
from tracker.slurm.records import QueuedJob
from tracker.slurm.transports import Output, ReplayTransport

DAY_S = 86_400
LOOKS_AT = (NOW_AT - 20 * 3600, NOW_AT - 9 * 3600)


class EarlyPoller(PastPoller):
    """Looks at a cluster that is not old enough for the other."""

    def instants(self, born_at: int, now_at: int) -> tuple[int, ...]:  # noqa: ARG002
        return LOOKS_AT


def is_waiting(job: QueuedJob) -> bool:
    return job.state == "PENDING"


def lived(folder: Path, witness: Witness | None, *, until_at: int = NOW_AT, days: int = 2):
    folder.mkdir()
    return DemoCluster(folder, now_at=until_at, history_days=days, witness=witness)


@pytest.fixture(scope="module")
def early() -> EarlyPoller:
    return EarlyPoller()


@pytest.fixture(scope="module")
def controller(
    early: EarlyPoller, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controller]:
    controller = lived(tmp_path_factory.mktemp("past") / "demo", early).controller
    yield controller
    controller.stop()


@pytest.fixture(scope="module")
def heard(early: EarlyPoller, controller: Controller) -> dict[int, dict[str, Output]]:
    """The outputs of each look."""
    outputs: dict[int, dict[str, Output]] = defaultdict(dict)
    for output in early.outputs:
        outputs[int(output.started_at.timestamp())][output.name] = output
    return outputs


def test_each_look_hears_what_a_poll_asks_and_a_forecast_needs(
    heard: dict[int, dict[str, Output]],
) -> None:
    assert len(heard) == len(LOOKS_AT)
    for looked_at, asked_at, outputs in zip(heard, LOOKS_AT, heard.values(), strict=True):
        assert asked_at <= looked_at < asked_at + 6 * 3600
        newest_at = max(job.submit_at.timestamp() for job in queue(outputs) if is_waiting(job))
        assert looked_at - newest_at < 60
    for outputs in heard.values():
        assert outputs.keys() == {
            "squeue", "nodes", "partitions", "config", "reservations", "sshare", "sprio", "qos",
            "assoc", "sdiag",
        }  # fmt: skip
        snapshot = build(read_facts(Slurm(ReplayTransport(outputs))))
        assert len(snapshot.pending) > 10
        assert not [note for note in snapshot.notes if "not modelled" in note.what]


def test_a_look_hears_of_no_later_time_but_plans_and_limits(
    heard: dict[int, dict[str, Output]],
) -> None:
    for look_at, outputs in heard.items():
        told = outputs["config"].stdout + outputs["nodes"].stdout + outputs["sdiag"].stdout
        assert max(map(int, re.findall(r"\b17\d{8}\b", told))) <= look_at
        for job in queue(outputs):
            times = [job.submit_at, None if job.state == "PENDING" else job.start_at]
            assert all(at is None or at.timestamp() <= look_at for at in times)


def test_what_is_heard_does_not_depend_on_what_comes_later(
    heard: dict[int, dict[str, Output]], tmp_path: Path
) -> None:
    longer = EarlyPoller()
    lived(tmp_path / "demo", longer, until_at=NOW_AT + DAY_S, days=3).controller.stop()
    assert longer.outputs == [output for outputs in heard.values() for output in outputs.values()]


def test_the_queue_of_a_look_is_what_came_to_pass(
    heard: dict[int, dict[str, Output]], controller: Controller
) -> None:
    attempts = {
        (attempt.key, int(attempt.submit_at)): attempt
        for attempt in controller.roster.attempts_since(0)
        if attempt.array_id is None
    }
    for look_at, outputs in heard.items():
        jobs = [job for job in queue(outputs) if job.array_job_id is None]
        assert {"PENDING", "RUNNING"} <= {job.state for job in jobs}
        for job in jobs:
            assert job.submit_at is not None
            attempt = attempts[job.job_id, int(job.submit_at.timestamp())]
            if job.state == "PENDING":
                assert attempt.start_at is None or attempt.start_at > look_at
            elif job.state == "RUNNING":
                assert job.start_at == datetime.fromtimestamp(attempt.start_at or 0, UTC)
                assert attempt.end_at is None or attempt.end_at > look_at
            else:
                assert look_at - site.MIN_JOB_AGE_S <= (attempt.end_at or 0) <= look_at


def test_slurms_own_plan_is_heard_for_most_of_who_waits(
    heard: dict[int, dict[str, Output]],
) -> None:
    for look_at, outputs in heard.items():
        waiting = [job for job in queue(outputs) if job.state == "PENDING"]
        planned = [job.start_at.timestamp() for job in waiting if job.start_at]
        assert len(planned) > len(waiting) / 2
        assert min(planned) > look_at


def test_a_restart_is_not_looked_at(tmp_path: Path) -> None:
    cluster = lived(tmp_path / "demo", EarlyPoller())
    cluster.controller.stop()
    late = EarlyPoller()
    DemoCluster(tmp_path / "demo", now_at=NOW_AT + 3600, witness=late).controller.stop()
    assert late.outputs == []


def test_looks_are_uneven_and_leave_the_first_week_to_be_learned_from() -> None:
    born_at = NOW_AT - 21 * DAY_S
    poller = PastPoller()
    instants = poller.instants(born_at, NOW_AT)
    assert len(instants) == (21 - LEARNING_DAYS) * LOOKS_A_DAY == 84
    assert sorted(instants) == instants
    assert born_at + LEARNING_DAYS * DAY_S <= instants[0] and instants[-1] < NOW_AT
    assert len({at % DAY_S // 3600 for at in instants}) > 20
    (sacct,) = poller.outputs
    assert (parse(sacct), sacct.started_at.timestamp()) == ([], born_at)
    assert PastPoller().instants(NOW_AT - LEARNING_DAYS * DAY_S, NOW_AT) == []


def queue(outputs: dict[str, Output]) -> list[QueuedJob]:
    return parse(outputs["squeue"])
