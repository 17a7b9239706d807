"""What the demo's jobs used, as its sacct prints it and the service's adapter reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.planner.demo import DemoCluster
from tracker.slurm.commands import FORMAT_ENV, usage_argv
from tracker.slurm.rows import SEPARATOR
from tracker.slurm.usage import JobUsage, parse_usage


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoCluster]:
    demo = DemoCluster(tmp_path_factory.mktemp("demo"), history_days=2)
    yield demo
    demo.controller.stop()


def ended_ids(demo: DemoCluster, least_s: int = 0) -> list[int]:
    since_at = demo.controller.now_at - 2 * 86_400
    return sorted(
        one.job_id
        for one in demo.controller.roster.attempts_since(since_at)
        if one.end_at and one.shares and one.elapsed_s(0) >= least_s
    )[:20]


def used(demo: DemoCluster, ids: list[int]) -> list[JobUsage]:
    answer = demo.ask(*usage_argv(ids), **FORMAT_ENV)
    assert answer.rc == 0, answer.stderr
    return parse_usage(answer.stdout)


def test_long_jobs_used_some_of_what_they_held(demo: DemoCluster) -> None:
    jobs = used(demo, ended_ids(demo, least_s=60))
    assert len(jobs) >= 20
    for job in jobs:
        assert job.max_rss_mib is not None and job.alloc_tres.mem_mib is not None
        assert 0 < job.max_rss_mib <= job.alloc_tres.mem_mib + 1
        assert job.cpu_s is not None and job.elapsed_s and job.alloc_tres.cpus
        assert 0 < job.cpu_s <= job.elapsed_s * job.alloc_tres.cpus
        assert (job.gpu_util_percent is None) == (not job.alloc_tres.gpus)


def test_it_is_the_same_whenever_it_is_asked(demo: DemoCluster) -> None:
    ids = ended_ids(demo)
    assert used(demo, ids) == used(demo, ids)


def test_steps_stand_below_their_job_and_only_where_they_are_asked_for(demo: DemoCluster) -> None:
    [job_id, *_] = ended_ids(demo)
    fields = ("-n", "-P", f"--delimiter={SEPARATOR}", "--format=JobID,JobName,User")
    rows = demo.ask("sacct", *fields, "-j", str(job_id)).stdout.splitlines()
    shown = rows[0].split(SEPARATOR)[0]
    assert rows[1] == f"{shown}.batch{SEPARATOR}batch{SEPARATOR}"
    assert demo.ask("sacct", "-X", *fields, "-j", str(job_id)).stdout.splitlines() == rows[:1]


def test_a_script_that_has_not_run_has_no_steps(demo: DemoCluster, tmp_path: Path) -> None:
    job_id = demo.submit("true", "--hold", f"--chdir={tmp_path}")
    [job] = used(demo, [job_id])
    assert (job.cpu_s, job.max_rss_mib) == (None, None)
