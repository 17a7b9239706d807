"""slurmrestd of a real Slurm: what it tells is what the commands tell, and what it does is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from planner.forecasting.forecasts import forecast
from planner.snapshot import build, read_facts
from tests import services
from tests.cluster.lab import Lab
from tests.slurm.corpus import HOSTILE_TEXTS
from tracker.slurm.batch import BatchOptions
from tracker.slurm.client import Slurm
from tracker.slurm.errors import SlurmRefused, SlurmUnavailable
from tracker.slurm.records import Node
from tracker.slurm.rest import RestTransport
from tracker.slurm.transports import LocalTransport

pytestmark = pytest.mark.service
USER = "qc-dave"

# What slurmrestd 22.05 does not tell, or tells otherwise than the commands.
QUEUE_LACKS = {"scheduled_nodes"}
QUEUE_LACKS |= {"mem_per_cpu"}  # squeue does not tell, and its reader guesses
QUEUE_LACKS |= {"cpus"}  # of jobs that were cancelled before they started
ACCOUNTING_LACKS = {"db_index", "flags", "exit_code", "cancelled_by_uid"}


@pytest.fixture(scope="module")
def rest(lab: Lab) -> RestTransport:
    token = lab.jwt(USER)
    return RestTransport(lab.rest_url, USER, lambda: token)


@pytest.fixture(scope="module")
def by_rest(rest: RestTransport) -> Slurm:
    return Slurm(rest)


@pytest.fixture(scope="module")
def by_command(lab: Lab) -> Slurm:
    return Slurm(LocalTransport(slurm_conf=lab.environment["SLURM_CONF"]))


@pytest.fixture(scope="module")
def options(lab: Lab) -> BatchOptions:
    return BatchOptions(
        job_name="by-rest", chdir=f"{lab.home}/work", output="%j.txt", time_limit_minutes=2
    )


@pytest.fixture(scope="module")
def jobs(lab: Lab, rest: RestTransport, options: BatchOptions) -> Mapping[str, int]:
    """One job of each kind, submitted by REST; settled, so that nothing moves any more."""

    def submit(body: str = "sleep 300", **more: Any) -> int:
        return rest.submit(f"#!/bin/bash\n{body}\n", replace(options, **more), {})

    jobs = {
        "done": submit("exit 0"),
        "failed": submit("exit 7"),
        "killed": submit("kill -9 $$"),
        "running": submit(partition="gpu", gres="gpu:a100:2", cpus_per_task=4, mem="8G"),
        "array": submit(array="1-6%2", begin="now+1hour"),
        "later": submit(nodes=2, ntasks=4, constraint="cpu&avx512", qos="high", begin="now+1hour"),
        "cancelled": submit(begin="now+1hour"),
    }
    jobs["dependent"] = submit(dependency=f"afterok:{jobs['running']}", partition="cpu,highmem")
    rest.cancel([str(jobs["cancelled"])])
    ended = [jobs[name] for name in ("done", "failed", "killed", "cancelled")]

    def settled() -> bool:
        """Accounting has the ends, and of those that wait the limits, which come a moment later."""
        asked = ("sacct", "-X", "-n", "-P", "-o", "jobidraw,end,timelimit", "-j")
        rows = lab.run(*asked, ",".join(map(str, jobs.values()))).splitlines()
        told = {words[0].partition("_")[0]: words for words in (row.split("|") for row in rows)}
        state = lab.run("squeue", "-h", "-o", "%T", "-j", str(jobs["running"])).strip()
        have_ended = all(told.get(str(job), ["", "Unknown"])[1] != "Unknown" for job in ended)
        return have_ended and all(words[2] for words in told.values()) and state == "RUNNING"

    services.wait_until(settled, "the jobs", 60)
    return jobs


def differing(one: Any, other: Any) -> set[str]:
    names = (field.name for field in fields(one))
    return {name for name in names if getattr(one, name) != getattr(other, name)}


def test_the_queue_is_that_of_squeue(
    by_rest: Slurm, by_command: Slurm, jobs: Mapping[str, int]
) -> None:
    told = {job.job_id: job for job in by_rest.queue()}
    printed = {job.job_id: job for job in by_command.queue()}
    assert told.keys() >= set(jobs.values())
    for job_id in jobs.values():
        assert differing(told[job_id], printed[job_id]) <= QUEUE_LACKS


def test_accounting_is_that_of_sacct_by_ids_and_by_window(
    by_rest: Slurm, by_command: Slurm, jobs: Mapping[str, int]
) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    ours = set(jobs.values())
    for since, ids in ((None, sorted(ours)), (hour_ago, ())):
        told = {job.job_id: job for job in by_rest.accounting(since, ids) if job.job_id in ours}
        printed = {job.job_id: job for job in by_command.accounting(since, ids)}
        assert told.keys() == printed.keys() & ours
        # without ids, those that were never eligible are missing
        assert told.keys() >= {jobs[name] for name in ("done", "failed", "killed", "running")}
        for job_id, job in told.items():
            # the running one grows older between the questions
            lacks = ACCOUNTING_LACKS | ({"elapsed_s"} if job.end_at is None else set())
            assert differing(job, printed[job_id]) <= lacks


def test_an_exit_code_is_right_or_unknown(by_rest: Slurm, jobs: Mapping[str, int]) -> None:
    ends = {job.job_id: job for job in by_rest.accounting(None, list(jobs.values()))}
    codes = {name: ends[jobs[name]].exit_code for name in ("done", "failed", "killed")}
    assert codes == {"done": 0, "failed": None, "killed": 0}
    assert ends[jobs["killed"]].exit_signal == 9


def test_an_id_that_accounting_does_not_know_is_an_empty_answer(by_rest: Slurm) -> None:
    assert by_rest.accounting(None, range(900_000_000, 900_000_200)) == []


def _in_order(node: Node) -> Node:
    return replace(node, partitions=tuple(sorted(node.partitions)))


def test_the_cluster_is_that_of_the_commands(by_rest: Slurm, by_command: Slurm) -> None:
    assert by_rest.nodes() == by_command.nodes()
    told, printed = by_rest.sinfo(), by_command.sinfo()
    assert [_in_order(node) for node in told] == [_in_order(node) for node in printed]
    assert by_rest.partitions() == by_command.partitions()
    assert by_rest.reservations() == by_command.reservations()
    assert by_rest.qos() == by_command.qos()
    assert sorted(by_rest.associations(), key=repr) == sorted(by_command.associations(), key=repr)
    assert by_rest.diagnostics().server_threads is not None


def test_a_queue_that_it_tells_is_forecast_and_what_is_assumed_is_said(
    by_rest: Slurm, jobs: Mapping[str, int]
) -> None:
    facts = read_facts(by_rest)
    assert {note.about for note in facts.notes} == {"config", "sshare", "sprio"}
    told = forecast(build(facts), replicas=2, seed=0, horizon_s=86_400).jobs
    answers = {each.pending.record.job_id: each for each in told}
    later_s, dependent = answers[jobs["later"]].p50_s, answers[jobs["dependent"]]
    assert later_s is not None
    assert 3000 < later_s < 3700  # it begins an hour after it was submitted
    assert dependent.p50_s is not None or dependent.why


def test_variables_arrive_as_they_are_beside_the_users_own(
    lab: Lab, rest: RestTransport, options: BatchOptions
) -> None:
    variables = {f"V{number}": text for number, text in enumerate(HOSTILE_TEXTS)}
    found = Path(f"{lab.home}/work/environ")
    script = f"#!/bin/bash\ncat /proc/$$/environ >{found}.new\nmv {found}.new {found}\n"
    rest.submit(script, options, variables)
    services.wait_until(found.exists, "the job's environment", 60)
    pairs = (word.partition("=") for word in found.read_bytes().decode().split("\0"))
    environment = {name: value for name, _, value in pairs}
    assert {name: environment[name] for name in variables} == variables
    assert environment["HOME"] == f"/home/{USER}"
    assert "/usr/bin" in environment["PATH"]
    assert "SLURM_JWT" not in environment


def test_slurms_no_is_given_in_its_words(rest: RestTransport, options: BatchOptions) -> None:
    with pytest.raises(SlurmRefused, match="Invalid partition name specified"):
        rest.submit("#!/bin/bash\n", replace(options, partition="nope"), {})


def test_a_job_is_cancelled_once_and_again_and_only_by_its_owner(
    lab: Lab, rest: RestTransport, options: BatchOptions, by_rest: Slurm
) -> None:
    later = replace(options, begin="now+1hour", array="0-2")
    mine = rest.submit("#!/bin/bash\nsleep 300\n", later, {})
    token = lab.jwt("qc-erin")
    with pytest.raises(SlurmRefused, match=r"(?i)denied|permission"):
        RestTransport(lab.rest_url, "qc-erin", lambda: token).cancel([str(mine)])
    rest.cancel([f"{mine}_1"])
    rest.cancel([f"{mine}_1", str(mine), "999999"])
    states = {job.state for job in by_rest.queue() if mine in (job.job_id, job.array_job_id)}
    assert states == {"CANCELLED"}


def test_a_job_is_shown_with_its_paths(
    lab: Lab, rest: RestTransport, jobs: Mapping[str, int]
) -> None:
    job_id = jobs["running"]
    lines = {line.strip() for line in rest.show_job(job_id).splitlines()}
    printed = {
        line.strip() for line in lab.run("scontrol", "show", "job", str(job_id)).splitlines()
    }
    paths = {line for line in printed if line.startswith(("StdOut=", "StdErr=", "WorkDir="))}
    assert len(paths) == 3
    assert paths <= lines


@pytest.mark.parametrize("token", ["", "x.y.z"])
def test_no_token_and_a_bad_one_are_refused_and_not_taken_for_silence(
    lab: Lab, options: BatchOptions, token: str
) -> None:
    stranger = RestTransport(lab.rest_url, USER, lambda: token)
    for deed in (
        lambda: Slurm(stranger).queue(),
        lambda: Slurm(stranger).qos(),
        lambda: stranger.submit("#!/bin/bash\n", options, {}),
    ):
        with pytest.raises(SlurmRefused):
            deed()


def test_a_controller_that_is_away_is_silence(
    lab: Lab, rest: RestTransport, options: BatchOptions
) -> None:
    lab.stop_controller()
    try:
        with pytest.raises(SlurmUnavailable):
            Slurm(rest).queue()
        with pytest.raises(SlurmUnavailable, match="Unable to contact slurm controller"):
            rest.submit("#!/bin/bash\n", options, {})
    finally:
        lab.start_controller()
