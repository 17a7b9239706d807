"""Where one more job would start: ranked on a small world whose starts follow by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from planner.advice import Advice, Option, ranked
from planner.asking.request import Request
from planner.ensemble import Past
from planner.quantiles import Quantiles
from planner.snapshot import Facts
from tests.planner.advice_world import (
    CPU_JOB,
    GPU_JOB,
    HOUR_S,
    NOW,
    adviser_of,
    node,
    past_of,
    pending,
    small_facts,
)
from tracker.slurm import records as slurm


@pytest.fixture
def facts() -> Facts:
    return small_facts()


def advice(facts: Facts, request: Request, past: Past, horizon_s: float = 24 * HOUR_S) -> Advice:
    return adviser_of(facts, past, horizon_s=horizon_s).first(request)


def options(facts: Facts, request: Request, horizon_s: float = 24 * HOUR_S) -> dict[str, Option]:
    """In the order of the answer, with nothing known of the past: all jobs run to their limits."""
    found = advice(facts, request, Past(), horizon_s=horizon_s).options
    return {option.partition: option for option in found}


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
    ahead = pending(3, "gpu", priority=4_000_000_000)
    found = options(replace(facts, queue=[*facts.queue, ahead]), CPU_JOB)["gpu"]
    assert found.start.p50_s >= 5 * HOUR_S


def test_without_a_limit_the_partitions_default_counts(facts: Facts) -> None:
    found = options(facts, replace(CPU_JOB, limit_minutes=None))
    assert found["gpu"].limit_minutes == 60
    assert found["slow"].limit_minutes == 24 * 60


def test_the_partition_asked_for_is_the_default_and_others_are_alternatives(facts: Facts) -> None:
    found = advice(facts, replace(CPU_JOB, partitions=("gpu",)), Past())
    assert {option.partition for option in found.options} == {"gpu", "slow", "idle"}
    assert found.options[found.default].partition == "gpu"
    assert sum(option.is_default for option in found.options) == 1
    assert found.options[found.best].partition == "idle"


def test_of_several_partitions_asked_for_the_one_that_ends_first_is_the_default(
    facts: Facts,
) -> None:
    found = advice(facts, replace(CPU_JOB, partitions=("slow", "gpu")), Past())
    assert found.options[found.default].partition == "gpu"


def test_without_a_partition_the_clusters_default_is_the_default(facts: Facts) -> None:
    found = advice(facts, CPU_JOB, Past())
    assert found.options[found.default].partition == "slow"
    none = [replace(partition, is_default=False) for partition in facts.partitions]
    assert advice(replace(facts, partitions=none), CPU_JOB, Past()).default is None


def test_a_default_that_is_refused_is_named_all_the_same(facts: Facts) -> None:
    found = advice(facts, replace(GPU_JOB, partitions=("slow",)), Past())
    default = found.options[found.default]
    assert default.partition == "slow" and "it has no GPUs" in default.why_not


@pytest.fixture
def two_qos(facts: Facts) -> Facts:
    """alice may use normal, by default, and long, which gpu does not admit; bob has neither."""
    gpu, *others = facts.partitions
    return replace(
        facts,
        partitions=[replace(gpu, allow_qos=frozenset({"normal"})), *others],
        qos=(slurm.Qos("normal", 10), slurm.Qos("long", 5)),
        associations=(
            slurm.Association("c", "root", None),
            slurm.Association("c", "vision", None, "root"),
            slurm.Association("c", "vision", "alice", qos=("normal", "long"), default_qos="normal"),
            slurm.Association("c", "vision", "bob"),
        ),
    )


def test_every_qos_of_the_user_is_an_option_where_the_partition_admits_it(two_qos: Facts) -> None:
    found = advice(two_qos, CPU_JOB, Past()).options
    asked = {(option.partition, option.request.qos) for option in found}
    everywhere = {(name, qos) for name in ("slow", "idle") for qos in ("normal", "long")}
    assert asked == {("gpu", "normal"), *everywhere}
    assert [option.request.qos for option in found if option.is_default] == ["normal"]
    assert all(f"--qos={option.request.qos}" in option.sbatch_args for option in found)


def test_a_qos_of_which_the_user_has_none_is_refused_with_those_there_are(two_qos: Facts) -> None:
    found = advice(two_qos, replace(CPU_JOB, qos="urgent"), Past())
    default = found.options[found.default]
    assert default.why_not == "QOS urgent is not among yours; use normal, long"
    assert found.options[found.best].request.qos in {"normal", "long"}


def test_each_gpu_type_of_a_partition_is_an_option_where_none_is_named(facts: Facts) -> None:
    gpu, *others = facts.partitions
    mixed = replace(
        facts,
        nodes=[*facts.nodes, node("gpu2", "gpu", gpus_by_type={"h100": 4})],
        partitions=[replace(gpu, node_list="gpu[1-2]"), *others],
    )
    found = advice(mixed, replace(GPU_JOB, gpu_type=None), Past())
    first, *_ = (option for option in found.options if option.request.gpu_type == "a100")
    types = [option.request.gpu_type for option in found.options if option.partition == "gpu"]
    assert sorted(map(str, types)) == ["None", "a100", "h100"]
    assert found.options[0].p50_s == 0.0 and first.p50_s >= 2 * HOUR_S
    alone = advice(facts, replace(GPU_JOB, gpu_type=None), Past())
    assert [one.request.gpu_type for one in alone.options if one.partition == "gpu"] == [None]


def test_what_a_job_costs_is_told_in_units_and_in_fair_share(two_qos: Facts) -> None:
    shares = (
        slurm.Share("root", None, 0, 1, 0.0),
        slurm.Share("vision", None, 1, 1, 100.0),
        slurm.Share("vision", "alice", 2, 1, 0.0),
        slurm.Share("vision", "bob", 2, 1, 100.0),
    )
    config = slurm.ClusterConfig("c", "24.05.4", priority_weights={"fair_share": 1000})
    found = advice(replace(two_qos, config=config, shares=shares), CPU_JOB, Past()).options[0]
    assert (found.billing_units, found.billing_unit_hours) == (4.0, 4.0)
    assert (found.fair_share.now, found.fair_share.after) == (1.0, 0.5)


def test_ends_that_are_the_same_to_a_person_rank_by_what_was_asked_and_then_by_cost() -> None:
    def option(partition: str, end_s: float, cost: float, **fields: bool) -> Option:
        times = Quantiles(None, end_s, None)
        return Option(
            partition, CPU_JOB, 60, None, p50_s=end_s, finish=times, billing_units=cost, **fields
        )

    dear, cheap = option("dear", 10_000, 8), option("cheap", 10_050, 4)
    asked, late = option("asked", 10_090, 9, is_default=True), option("late", 10_200, 1)
    found = ranked([late, dear, asked, cheap])
    assert [one.partition for one in found] == ["asked", "cheap", "dear", "late"]


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
        ("idle", {"mem_mib": 20_000, "mem_per_cpu": True}, "80000 MiB on one node are more"),
        ("gpu", {"constraint": ("nvme|ssd",)}, "none of its nodes has the feature nvme|ssd"),
    ],
)
def test_a_refusal_names_the_value_and_the_cure(
    facts: Facts, partition: str, changes: dict, said: str
) -> None:
    found = options(facts, replace(CPU_JOB, **changes))[partition]
    assert found.why_not is not None and said in found.why_not
    assert found.start.p50_s is None


def test_one_feature_of_a_choice_is_enough(facts: Facts) -> None:
    found = options(facts, replace(CPU_JOB, constraint=("nvme|ib",)))
    assert found["gpu"].allowed and not found["slow"].allowed


def test_a_qos_that_the_partition_does_not_admit_is_refused(facts: Facts) -> None:
    partitions = [replace(facts.partitions[0], allow_qos=frozenset({"normal"}))]
    request = replace(CPU_JOB, qos="long")
    found = options(replace(facts, partitions=partitions), request)["gpu"]
    assert found.why_not == "QOS long is not allowed here; use normal"


def test_a_hidden_partition_is_an_option_only_where_it_is_named(facts: Facts) -> None:
    gpu, *others = facts.partitions
    with_hidden = replace(facts, partitions=[replace(gpu, hidden=True), *others])
    assert "gpu" not in options(with_hidden, GPU_JOB)
    assert "gpu" in options(with_hidden, replace(GPU_JOB, partitions=("gpu",)))


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
    found = advice(facts, GPU_JOB, past_of(facts))
    assert (found.method, found.replicas, found.complete) == ("ensemble", 16, False)
    gpu = found.options[0]
    assert 0 < gpu.start.p10_s < gpu.start.p50_s < gpu.start.p90_s <= 115 * 60 + 120
    assert gpu.start.p50_s < options(facts, GPU_JOB)["gpu"].start.p50_s  # than at its limit
    assert gpu.finish.p50_s > gpu.start.p50_s
    assert gpu.p_within_10_min is not None and 0.0 <= gpu.p_within_10_min < 0.5


def test_what_lies_beyond_the_horizon_is_named(facts: Facts) -> None:
    gpu = advice(facts, GPU_JOB, past_of(facts), horizon_s=HOUR_S / 2).options[0]
    assert gpu.start.p10_s is not None and gpu.start.p90_s is None
    assert "p90" in gpu.later_than_horizon


def test_a_correction_beyond_the_horizon_is_named_and_its_end_is_not_said() -> None:
    said = {"p10_s": 60.0, "p50_s": 600.0, "p90_s": 9000.0}
    option = Option("gpu", GPU_JOB, 60, None, **said, finish=Quantiles(**said))
    told = option.within(HOUR_S)
    assert told.start == told.finish == Quantiles(60.0, 600.0, None)
    assert told.later_than_horizon == ("p90",)
    assert option.within(10 * HOUR_S) == option


def test_a_job_that_may_not_begin_before_a_time_starts_no_sooner(facts: Facts) -> None:
    request = replace(CPU_JOB, begin_at=NOW + timedelta(hours=1))
    found = adviser_of(facts, zone="Europe/Berlin").first(request).options[0]
    assert (found.partition, found.start.p50_s) == ("idle", HOUR_S)
    assert found.sbatch_args[-1] == "--begin=2026-11-23T14:00:00"
    assert found.as_json()["begin_at"] == "2026-11-23T13:00:00+00:00"


def test_a_user_without_an_association_is_planned_without_fair_share_and_told_so(
    facts: Facts,
) -> None:
    found = options(facts, replace(CPU_JOB, user="eve"))["idle"]
    assert "No association of eve in account vision is known" in found.reasons[1]
    assert found.fair_share is None


def test_simulated_with_the_job_in_the_queue_an_option_is_no_longer_approximate(
    facts: Facts,
) -> None:
    adviser = adviser_of(facts, past_of(facts))
    fitted = adviser.first(GPU_JOB).options[0]
    exact = adviser.inserted(fitted, [range(8), range(8, 16)], 24 * HOUR_S)
    assert fitted.approximate and not exact.approximate
    assert exact.start.p50_s == pytest.approx(fitted.start.p50_s, abs=120)
    assert exact.finish.p50_s == pytest.approx(fitted.finish.p50_s, abs=240)
    assert adviser.inserted(fitted, [range(16)], 24 * HOUR_S) == exact


def test_the_same_world_gives_the_same_answer(facts: Facts) -> None:
    past = past_of(facts)
    assert advice(facts, GPU_JOB, past) == advice(facts, GPU_JOB, past)


def test_what_was_asked_for_comes_first_unless_another_is_worth_a_change() -> None:
    def option(partition: str, start_s: float, **fields: bool) -> Option:
        ends = Quantiles(None, start_s + 60_000.0, None)
        return Option(partition, CPU_JOB, 60, None, p50_s=start_s, finish=ends, **fields)

    asked, sooner = option("asked", 10_000.0, is_default=True), option("sooner", 9100.0)
    much_sooner, late = option("much sooner", 8900.0), option("late", 20_000.0)
    assert ranked([late, sooner, asked]) == (asked, sooner, late)
    assert ranked([late, sooner, asked, much_sooner]) == (much_sooner, sooner, asked, late)


@pytest.mark.parametrize(
    ("limit_minutes", "sooner_s", "is_worth_a_change"),
    [(5, 70.0, False), (5, 80.0, True), (60, 590.0, False), (60, 610.0, True)],
)
def test_who_asks_for_minutes_counts_in_minutes(
    limit_minutes: int, sooner_s: float, *, is_worth_a_change: bool
) -> None:
    def option(start_s: float, *, is_default: bool) -> Option:
        ends = Quantiles(None, start_s + 30.0, None)
        fields = {"p50_s": start_s, "finish": ends, "is_default": is_default}
        return Option("any", CPU_JOB, limit_minutes, None, **fields)

    asked, sooner = option(700.0, is_default=True), option(700.0 - sooner_s, is_default=False)
    assert (ranked([asked, sooner])[0] is sooner) == is_worth_a_change
