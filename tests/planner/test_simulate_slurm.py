"""``manage.py simulate --policy slurm``: small logs, with starts that can be worked out by hand.

Slurm's main scheduler looks at the queue when something happens, but not within three seconds of
its last look; backfill looks every 30 s from the first submission on.
"""

from __future__ import annotations

import csv
import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.planner.recorded import CAPTURE
from tracker.slurm.rows import SEPARATOR
from tracker.slurm.sacct import FIELDS

T0 = 1_800_000_000  # a whole minute: Slurm's plan has its slots on those
CLUSTER = """\
[[nodes]]
NodeName = "n[1-2]"
CPUs = 4
Gres = "gpu:a100:2"

[[partitions]]
PartitionName = "p"
Nodes = "ALL"
Default = true
MaxTime = 60

[[partitions]]
PartitionName = "one"
Nodes = "n1"

[[qos]]
Name = "normal"
MaxJobsPU = 3

[[qos]]
Name = "urgent"
Priority = 10

[config]
PriorityWeightQOS = 1000
"""
HEADER = (
    "JobID|JobIDRaw|State|User|Account|Partition|QOS|Submit|Eligible|Start|End|Timelimit|ReqCPUS"
    "|ReqNodes|ReqTRES|NodeList|Constraints|Reservation"
)


def row(job_id: int, at: int, run_s: int, tres: str = "cpu=8,node=2", **changed: object) -> str:
    """A job of ada's that asks for both nodes, submitted so many seconds after T0."""
    asked = dict(item.split("=", 1) for item in tres.split(","))
    told: dict[str, object] = {
        "JobID": job_id,
        "JobIDRaw": job_id,
        "State": "COMPLETED",
        "User": "ada",
        "Account": "lab",
        "Partition": "p",
        "QOS": "normal",
        "Submit": T0 + at,
        "Eligible": T0 + at,
        "Start": T0 + at + 9,
        "End": T0 + at + 9 + run_s,
        "Timelimit": 10,
        "ReqCPUS": asked["cpu"],
        "ReqNodes": asked.get("node", 1),
        "ReqTRES": tres,
        "NodeList": "n1",
    }
    return "|".join(str((told | changed).get(name, "")) for name in HEADER.split("|"))


class Folder:
    """A log of sacct and a cluster file, and what the command makes of them."""

    def __init__(self, path: Path) -> None:
        self.log = path / "jobs.psv"
        self.cluster = path / "small.toml"
        self.out = path / "starts.csv"
        self.cluster.write_text(CLUSTER)

    def told(self, *rows: str, arguments: tuple[str, ...] | None = None) -> dict[str, Any]:
        self.log.write_text("\n".join([HEADER, *rows]))
        out = StringIO()
        options = ("--cluster", str(self.cluster)) if arguments is None else arguments
        call_command(
            "simulate", str(self.log), "--policy=slurm", "--json", f"--starts={self.out}", *options,
            stdout=out, stderr=StringIO(),
        )  # fmt: skip
        return json.loads(out.getvalue())

    def starts(self, *rows: str, arguments: tuple[str, ...] | None = None) -> dict[int, float]:
        """Seconds after T0, by job id."""
        self.told(*rows, arguments=arguments)
        with self.out.open(newline="") as lines:
            return {int(one["job_id"]): float(one["start_s"]) - T0 for one in csv.DictReader(lines)}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_jobs_start_when_others_end_and_limits_are_for_the_plan_only(folder: Folder) -> None:
    jobs = [row(1, 0, run_s=100), row(2, 10, run_s=50), row(3, 11, run_s=5)]
    assert folder.starts(*jobs) == {1: 0, 2: 100, 3: 150}


def test_a_job_that_comes_right_after_a_pass_waits_for_the_next(folder: Folder) -> None:
    jobs = [row(1, 0, 100, "cpu=1"), row(2, 1, 100, "cpu=1")]
    assert folder.starts(*jobs) == {1: 0, 2: 3}


def test_backfill_lets_a_short_job_slip_in_before_a_wide_one(folder: Folder) -> None:
    # Node 2 is free. The second job waits for both nodes until 600 s, as the limit of the first
    # says; so backfill, at 30 s, has room for five minutes and not for ten.
    first, wide = row(1, 0, 500, "cpu=4"), row(2, 10, 50)
    short, long = row(3, 11, 60, "cpu=4", Timelimit=5), row(4, 12, 60, "cpu=4", Timelimit=20)
    assert folder.starts(first, wide, short, long) == {1: 0, 3: 30, 2: 500, 4: 550}


def test_a_quality_of_service_comes_before_the_order_of_submission(folder: Folder) -> None:
    jobs = [row(1, 0, 100), row(2, 10, 50), row(3, 20, 50, QOS="urgent")]
    assert folder.starts(*jobs) == {1: 0, 3: 100, 2: 150}


def test_limits_of_a_quality_of_service_are_kept(folder: Folder) -> None:
    jobs = [row(job, 0, 100, "cpu=1") for job in (1, 2, 3, 4)]
    assert folder.starts(*jobs) == {1: 0, 2: 0, 3: 0, 4: 100}


def test_gpus_are_of_a_type_and_on_a_node(folder: Folder) -> None:
    both = "cpu=2,node=1,gres/gpu=2,gres/gpu:a100=2"
    one_each = "cpu=2,node=2,gres/gpu=2"
    jobs = [row(1, 0, 100, both), row(2, 3, 70, one_each), row(3, 6, 50, both)]
    assert folder.starts(*jobs) == {1: 0, 2: 100, 3: 170}


def test_memory_counts_where_the_cluster_allots_it(folder: Folder) -> None:
    jobs = [row(1, 0, 100, "cpu=2,node=1,mem=6000M"), row(2, 3, 70, "cpu=1,node=1,mem=6000M")]
    on_one = [job.replace("|p|", "|one|") for job in jobs]
    assert folder.starts(*on_one) == {1: 0, 2: 3}
    text = CLUSTER.replace("CPUs", "RealMemory = 8000\nCPUs")
    folder.cluster.write_text(text + 'SelectTypeParameters = "CR_Core_Memory"\n')
    assert folder.starts(*on_one) == {1: 0, 2: 100}


def test_a_job_starts_no_sooner_than_it_may(folder: Folder) -> None:
    # What it waited for, another job or its begin time, is told by its eligible time. The periodic
    # pass finds that it has come.
    assert folder.starts(row(1, 0, 100, "cpu=1"), row(2, 3, 100, "cpu=1", Eligible=T0 + 47)) == {
        1: 0,
        2: 60,
    }


def test_a_reservation_in_the_file_holds_at_its_date(folder: Folder) -> None:
    folder.cluster.write_text(
        f"{CLUSTER}[[reservations]]\nReservationName = 'service'\nNodes = 'ALL'\n"
        f"StartTime = {T0 + 300}\nEndTime = {T0 + 900}\n"
    )
    short = row(2, 0, 100, "cpu=1", Timelimit=5)
    assert folder.starts(row(1, 0, 100, "cpu=1"), short) == {1: 900, 2: 0}
    inside = row(3, 0, 100, "cpu=1", Reservation="service")
    assert folder.starts(inside) == {3: 300}
    late = folder.told(row(1, 2000, 10), row(4, 2000, 100, "cpu=1", Reservation="service"))
    assert (
        "jobs without their reservation, service, which is not in the cluster: 1" in late["notes"]
    )


def test_whoever_used_less_comes_first(folder: Folder) -> None:
    folder.cluster.write_text(
        CLUSTER + "PriorityWeightFairShare = 100000\nPriorityCalcPeriod = '00:01:00'\n"
    )
    jobs = [row(1, 0, 100), row(2, 10, 50), row(3, 20, 50, User="bob", Account="other")]
    assert folder.starts(*jobs) == {1: 0, 3: 100, 2: 150}
    added = "users who are not in the cluster, added with one share each: 2"
    assert added in folder.told(*jobs)["notes"]


def test_what_the_cluster_lacks_is_left_out_and_counted(folder: Folder) -> None:
    answer = folder.told(
        row(1, 0, 100, "cpu=1"),
        row(2, 0, 100, Partition="q"),
        row(3, 0, 100, "cpu=1,gres/gpu=1,gres/gpu:h100=1"),
        row(4, 0, 100, "cpu=9,node=3"),
        row(5, 0, 100, "cpu=1", Timelimit=120),
        row(6, 0, 100, "cpu=1", Constraints="infiniband"),
        row(7, 0, 100, "cpu=1", QOS="gold"),
        row(8, 0, 100, "cpu=1", Partition="", QOS=""),
        row(9, 0, 0, "cpu=1"),
        row(10, 0, 100, "cpu=1", Start="Unknown", End="Unknown", State="PENDING"),
    )
    assert answer["jobs"] == 3
    assert answer["processors"] == 8
    assert answer["notes"][1:] == [
        "jobs dropped, run time 0 or not known: 1",
        "jobs left out, as no node has GPUs of type h100: 1",
        "jobs left out, as they can never start here (BadConstraints): 2",
        "jobs left out, as they can never start here (PartitionTimeLimit): 1",
        "jobs left out, as they never ran or ran still: 1",
        "jobs left out, their partition, q, is not in the cluster: 1",
        "jobs put into partition p: 1",
        "jobs without their QOS, gold, which is not in the cluster: 1",
    ]


def test_figures_are_of_the_cpus_that_jobs_hold(folder: Folder) -> None:
    folder.cluster.write_text(CLUSTER.replace('"p"', '"p"\nOverSubscribe = "EXCLUSIVE"'))
    answer = folder.told(row(1, 0, 100, "cpu=1"), row(2, 0, 100, "cpu=1"), row(3, 0, 50, "cpu=1"))
    assert (answer["mean_wait_s"], answer["makespan_s"]) == (round(100 / 3, 3), 150)
    assert answer["utilisation"] == round((4 + 4 + 2) * 100 / (8 * 150), 6)
    assert answer["events"] == 9


def test_a_preempted_job_counts_with_its_last_start(folder: Folder) -> None:
    folder.cluster.write_text(
        CLUSTER.replace('"one"', '"one"\nPriorityTier = 2').replace('"n1"', '"ALL"')
        + 'PreemptType = "preempt/partition_prio"\nPreemptMode = "REQUEUE"\n'
    )
    jobs = [row(1, 0, 400), row(2, 100, 50, Partition="one")]
    # The pass at 100 s ends the first, and that end calls the one that starts the second; a job
    # that is requeued may start again once its credential, of 120 s, is over, as the periodic pass
    # finds.
    assert folder.starts(*jobs) == {1: 240, 2: 100}
    again = "times that a job was preempted and waited again: 1"
    assert folder.told(*jobs)["notes"][-1] == again


def test_a_job_that_nothing_will_start_does_not_keep_the_clock_going(folder: Folder) -> None:
    folder.cluster.write_text(
        f"{CLUSTER}[[reservations]]\nReservationName = 'course'\nNodes = 'n1'\n"
        f"StartTime = {T0}\nEndTime = {T0 + 50}\n"
    )
    jobs = [row(1, 0, 100, "cpu=1"), row(2, 10, 100, "cpu=1", Reservation="course")]
    jobs += [row(3, 100, 100, "cpu=1", Reservation="course")]
    answer = folder.told(*jobs)
    assert answer["jobs"] == 2
    assert answer["notes"][-1] == "jobs that never started in the model, left out: 1"


def test_the_first_jobs_are_those_submitted_first(folder: Folder) -> None:
    jobs = [row(1, 20, 100), row(2, 10, 50), row(3, 0, 50)]
    arguments = ("--cluster", str(folder.cluster), "--first", "2")
    assert folder.starts(*jobs, arguments=arguments) == {3: 0, 2: 50}


def test_without_a_cluster_each_partition_is_as_large_as_what_ran_at_once(folder: Folder) -> None:
    jobs = [
        row(1, 0, 100, "cpu=4"),
        row(2, 50, 100, "cpu=2"),
        row(3, 60, 100, "cpu=1", Partition="one"),
        row(4, 70, 100, "cpu=5"),
    ]
    answer = folder.told(*jobs, arguments=())
    assert answer["processors"] == 11 + 1
    assert [note for note in answer["notes"] if note.startswith("partition")] == [
        "partition one: 1 processors, the most that ran at once in the log, taken as 1 nodes of 1",
        "partition p: 11 processors, the most that ran at once in the log, taken as 11 nodes of 1",
    ]
    as_one = folder.starts(*jobs, arguments=("--processors", "6"))
    assert as_one == {1: 0, 2: 50, 3: 100, 4: 150}


def test_a_log_without_waits_must_be_told_how_large_its_machine_is(folder: Folder) -> None:
    log = folder.log.with_name("log.swf")
    line = "{} {} -1 100 {} -1 -1 {} 100 -1 1 1 1 -1 -1 {} -1 -1\n"
    log.write_text(line.format(7, 1000, 6, 6, 1) + line.format(8, 1010, 8, 8, 2))
    with pytest.raises(CommandError, match=r"give --processors N, --cluster FILE\.toml or"):
        call_command("simulate", str(log), "--policy", "slurm")
    call_command(
        "simulate", str(log), "--policy=slurm", "--processors=10", f"--starts={folder.out}",
        stdout=StringIO(), stderr=StringIO(),
    )  # fmt: skip
    assert folder.out.read_text() == "job_id,start_s\n7,1000\n8,1100\n"


def test_the_recorded_cluster_runs_its_own_log(folder: Folder) -> None:
    with gzip.open(CAPTURE / "sacct.txt.gz", "rt") as lines:
        folder.log.write_text(f"{SEPARATOR.join(FIELDS)}\n{lines.read()}")
    out = StringIO()
    call_command(
        "simulate", str(folder.log), "--policy=slurm", f"--capture={CAPTURE}", "--first=150",
        "--json", stdout=out, stderr=StringIO(),
    )  # fmt: skip
    answer = json.loads(out.getvalue())
    assert answer["jobs"] == 150
    assert "nodes that are down or drained throughout: 2" in answer["notes"]
    shares = "usage of accounts and users: is as of the capture, 2026-11-23 12:30:13 UTC, at the"
    assert any(note.startswith(shares) for note in answer["notes"])


@pytest.mark.parametrize(
    ("arguments", "problem", "code"),
    [
        (["--cluster", "small.toml"], "give --policy slurm with --cluster", 2),
        (["--capture", "folder"], "give --policy slurm with --capture", 2),
        (["--policy", "slurm", "--cluster", "no.toml"], "no.toml cannot be read: No such file", 1),
        (["--policy", "slurm", "--capture", "nowhere"], r"manage\.py capture", 1),
    ],
)
def test_a_cluster_that_cannot_be_had_is_told_of(
    folder: Folder, arguments: list[str], problem: str, code: int
) -> None:
    folder.log.write_text("\n".join([HEADER, row(1, 0, 100)]))
    with pytest.raises(CommandError, match=problem) as refused:
        call_command("simulate", str(folder.log), *arguments)
    assert refused.value.returncode == code


def test_the_cluster_is_told_in_one_way(folder: Folder) -> None:
    with pytest.raises(CommandError, match="--processors: not allowed with argument --cluster"):
        folder.told(row(1, 0, 100), arguments=("--cluster", "a.toml", "--processors", "4"))


def test_a_log_of_another_cluster_is_told_of(folder: Folder) -> None:
    with pytest.raises(CommandError, match="no job is left that the cluster can run"):
        folder.told(row(1, 0, 100, Partition="q"))
