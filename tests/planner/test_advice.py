"""Where one more job would start: ranked on a small world whose starts follow by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from planner.advice import Advice, Option, advise
from planner.ensemble import Past, asked_run
from planner.quantiles import Quantiles
from planner.request import Request
from planner.runtimes import PastRuns, Ran, RunTimes
from planner.snapshot import Facts, build
from planner.snapshot.requests import Site
from tracker.slurm import records as slurm

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR_S = 3600.0
GPU_TRES = slurm.Tres(cpus=8, mem_mib=1000, nodes=1, gpus=4, gpus_by_type={"a100": 4})


def node(name: str, *partitions: str, cpus: int = 8, **fields: object) -> slurm.Node:
    return slurm.Node(name, "IDLE", cpus=cpus, mem_mib=64_000, partitions=partitions, **fields)


def running(job_id: int, node_name: str, hours_left: int, **fields: object) -> slurm.QueuedJob:
    return slurm.QueuedJob(
        job_id=job_id,
        state="RUNNING",
        user="bob",
        name="train",
        account="vision",
        submit_at=NOW - timedelta(hours=2),
        start_at=NOW - timedelta(hours=1),
        end_at=NOW + timedelta(hours=hours_left),
        limit_minutes=60 * (hours_left + 1),
        node_count=1,
        ntasks=1,
        cpus=8,
        node_list=node_name,
        **fields,
    )


@pytest.fixture
def facts() -> Facts:
    """Partition gpu: one node of four a100, busy for 2 h. slow: one CPU node, busy for 5 h.
    idle: one CPU node, free. Jobs of slow and idle may run at most a day."""
    day = 24 * 60
    return Facts(
        taken_at=NOW,
        queue=[
            running(1, "gpu1", 2, partitions=("gpu",), tres_alloc=GPU_TRES),
            running(2, "slow1", 5, partitions=("slow",), tres_alloc=slurm.Tres(cpus=8)),
        ],
        nodes=[
            node("gpu1", "gpu", gpus_by_type={"a100": 4}, features=frozenset({"ib"})),
            node("slow1", "slow"),
            node("idle1", "idle", cpus=4),
        ],
        partitions=[
            slurm.Partition("gpu", node_list="gpu1", max_minutes=2 * day, default_minutes=60),
            slurm.Partition("slow", node_list="slow1", max_minutes=day),
            slurm.Partition(
                "idle",
                node_list="idle1",
                max_minutes=day,
                allow_accounts=frozenset({"vision", "nlp"}),
            ),
        ],
    )


def advice(
    facts: Facts,
    request: Request,
    past: Past,
    batches: Iterable[range] = (range(8), range(8, 16)),
    horizon_s: float = 24 * HOUR_S,
) -> Advice:
    world = build(facts).world
    site = Site.of(facts, world.nodes, world.partitions)
    return advise(world, site, request, past, seed=0, batches=batches, horizon_s=horizon_s)


def options(facts: Facts, request: Request, horizon_s: float = 24 * HOUR_S) -> dict[str, Option]:
    """In the order of the answer, with nothing known of the past: all jobs run to their limits."""
    found = advice(facts, request, Past(), horizon_s=horizon_s).options
    return {option.partition: option for option in found}


def past_of(facts: Facts) -> Past:
    """Bob's jobs with a limit of 3 h ran from 65 to 175 min, alice's with one of 1 h all 30 min."""
    world = build(facts).world
    ran = [
        *(Ran("bob", "vision", "train", "gpu", 8, 3 * HOUR_S, -run_s, 0.0) for run_s in RUNS_S),
        *(Ran("alice", "vision", "", "gpu", 4, HOUR_S, -HOUR_S / 2, 0.0) for _ in range(40)),
    ]
    runs = RunTimes.learn(PastRuns.of(ran), now_s=1.0)
    asked = {job.key: asked_run(job, world, "train") for job in world.jobs}
    return Past(runs, asked=asked)


RUNS_S = [60.0 * minutes for minutes in range(65, 176)]


CPU_JOB = Request(user="alice", account="vision", cpus=4, mem_mib=1000, limit_minutes=60)
GPU_JOB = replace(CPU_JOB, gpus=2, gpu_type="a100")


def test_the_earliest_start_comes_first(facts: Facts) -> None:
    found = options(facts, CPU_JOB)
    assert list(found) == ["idle", "gpu", "slow"]
    assert found["idle"].start.p50_s == 0.0


def test_a_start_is_when_the_running_job_reaches_its_limit(facts: Facts) -> None:
    """Backfill looks every 30 s and plans in minutes, so a start may come that much later."""
    found = options(facts, CPU_JOB)
    assert 2 * HOUR_S <= found["gpu"].start.p50_s <= 2 * HOUR_S + 120
    assert 5 * HOUR_S <= found["slow"].start.p50_s <= 5 * HOUR_S + 120
    assert found["gpu"].finish.p50_s == found["gpu"].start.p50_s + HOUR_S


def test_a_start_past_the_horizon_is_not_told_but_still_ranks_before_a_refusal(
    facts: Facts,
) -> None:
    found = options(facts, replace(CPU_JOB, account="physics"), horizon_s=3 * HOUR_S)
    assert list(found) == ["gpu", "slow", "idle"]
    assert found["slow"].start.p50_s is None and found["slow"].why_not is None
    assert found["slow"].later_than_horizon == ("p50",)
    assert found["idle"].why_not is not None


def test_a_waiting_job_of_higher_priority_goes_first(facts: Facts) -> None:
    ahead = slurm.QueuedJob(
        job_id=3,
        state="PENDING",
        user="bob",
        name="next",
        account="vision",
        partitions=("gpu",),
        reason="Resources",
        priority=4_000_000_000,
        submit_at=NOW - timedelta(hours=1),
        limit_minutes=180,
        node_count=1,
        ntasks=1,
        cpus=8,
    )
    found = options(replace(facts, queue=[*facts.queue, ahead]), CPU_JOB)["gpu"]
    assert found.start.p50_s >= 5 * HOUR_S
    assert found.reasons[0] == "1 waiting job of the partition is ahead of it."


def test_without_a_limit_the_partitions_default_counts(facts: Facts) -> None:
    found = options(facts, replace(CPU_JOB, limit_minutes=None))
    assert found["gpu"].limit_minutes == 60
    assert found["slow"].limit_minutes == 24 * 60


def test_only_the_partitions_asked_for_are_answered(facts: Facts) -> None:
    assert list(options(facts, replace(CPU_JOB, partitions=("slow",)))) == ["slow"]


@pytest.mark.parametrize(
    ("partition", "changes", "said"),
    [
        ("idle", {"account": "physics"}, "account physics is not allowed here; use nlp, vision"),
        ("idle", {"limit_minutes": 3000}, "longer than the 1-00:00:00 that the partition allows"),
        ("idle", {"gpus": 1}, "it has no GPUs"),
        ("gpu", {"gpus": 1, "gpu_type": "h100"}, "it has no h100 GPUs; it has a100"),
        ("gpu", {"gpus": 8, "gpu_type": "a100"}, "ask for at most 4 a node"),
        ("gpu", {"nodes": 2, "ntasks": 2}, "2 nodes are more than its 1"),
        ("gpu", {"constraint": ("nvme",)}, "none of its nodes has the feature nvme"),
        ("idle", {"cpus": 6}, "6 CPUs on one node are more than its nodes have; ask for at most 4"),
        ("idle", {"mem_mib": 100_000}, "ask for at most 64000M"),
    ],
)
def test_a_refusal_names_the_value_and_the_cure(
    facts: Facts, partition: str, changes: dict, said: str
) -> None:
    found = options(facts, replace(CPU_JOB, **changes))[partition]
    assert found.why_not is not None and said in found.why_not
    assert found.start.p50_s is None


def test_a_qos_that_the_partition_does_not_admit_is_refused(facts: Facts) -> None:
    partitions = [replace(facts.partitions[0], allow_qos=frozenset({"normal"}))]
    request = replace(CPU_JOB, qos="long")
    found = options(replace(facts, partitions=partitions), request)["gpu"]
    assert found.why_not == "QOS long is not allowed here; use normal"


def test_a_hidden_partition_is_an_option_only_where_it_is_named(facts: Facts) -> None:
    gpu, *others = facts.partitions
    with_hidden = replace(facts, partitions=[replace(gpu, hidden=True), *others])
    assert "gpu" not in options(with_hidden, GPU_JOB)
    assert options(with_hidden, replace(GPU_JOB, partitions=("gpu",))).keys() == {"gpu"}


def test_nodes_that_are_down_refuse_until_they_are_back(facts: Facts) -> None:
    down = replace(facts.nodes[2], base_state="DOWN")
    found = options(replace(facts, nodes=[*facts.nodes[:2], down]), CPU_JOB)["idle"]
    assert "down or drained" in found.why_not


def test_the_answer_carries_the_options_of_sbatch(facts: Facts) -> None:
    told = options(facts, GPU_JOB)["gpu"].as_json()
    assert told["sbatch_args"] == [
        "--partition=gpu",
        "--account=vision",
        "--nodes=1",
        "--ntasks=1",
        "--cpus-per-task=4",
        "--mem=1000M",
        "--gpus=a100:2",
        "--time=01:00:00",
    ]
    assert told["allowed"] is True


def test_with_nothing_known_of_the_past_one_replica_tells_the_middle_alone(facts: Facts) -> None:
    found = advice(facts, GPU_JOB, Past())
    assert (found.method, found.replicas) == ("plan", 1)
    told = found.options[0].as_json()
    assert told["start"].keys() == told["finish"].keys() == {"p10_s", "p50_s", "p90_s"}
    assert told["start"]["p10_s"] is told["start"]["p90_s"] is told["p_within_10_min"] is None


def test_a_start_spreads_as_the_run_times_of_the_past_do(facts: Facts) -> None:
    """Job 1 has run 60 min: it ends within the next 115."""
    found = advice(facts, replace(GPU_JOB, partitions=("gpu",)), past_of(facts))
    assert (found.method, found.replicas) == ("ensemble", 16)
    (gpu,) = found.options
    assert 0 < gpu.start.p10_s < gpu.start.p50_s < gpu.start.p90_s <= 115 * 60 + 120
    assert gpu.start.p50_s < options(facts, GPU_JOB)["gpu"].start.p50_s  # than at its limit
    assert gpu.finish.p50_s - gpu.start.p50_s == pytest.approx(HOUR_S / 2, rel=0.2)
    assert gpu.p_within_10_min is not None and 0.0 <= gpu.p_within_10_min < 0.5


def test_what_lies_beyond_the_horizon_is_named(facts: Facts) -> None:
    asked = replace(GPU_JOB, partitions=("gpu",))
    (gpu,) = advice(facts, asked, past_of(facts), horizon_s=HOUR_S / 2).options
    assert gpu.start.p10_s is not None and gpu.start.p90_s is None
    assert "p90" in gpu.later_than_horizon


def test_a_correction_beyond_the_horizon_is_named_and_its_end_is_not_said() -> None:
    said = {"p10_s": 60.0, "p50_s": 600.0, "p90_s": 9000.0}
    option = Option("gpu", GPU_JOB, 60, None, **said, finish=Quantiles(**said))
    told = option.within(HOUR_S)
    assert told.start == told.finish == Quantiles(60.0, 600.0, None)
    assert told.later_than_horizon == ("p90",)
    assert option.within(10 * HOUR_S) == option


def test_a_caller_whose_time_is_up_gets_what_was_simulated_by_then(facts: Facts) -> None:
    found = advice(facts, CPU_JOB, past_of(facts), batches=[range(4)])
    assert found.replicas == 4
    assert all(option.start.p90_s is not None for option in found.options)


def test_the_same_world_gives_the_same_answer(facts: Facts) -> None:
    past = past_of(facts)
    assert advice(facts, GPU_JOB, past) == advice(facts, GPU_JOB, past)


def test_batches_change_nothing_but_the_number_of_replicas(facts: Facts) -> None:
    past = past_of(facts)
    assert advice(facts, GPU_JOB, past) == advice(facts, GPU_JOB, past, batches=[range(16)])
