"""An option and a request as fields, words and links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from planner.asking.option_asks import asks_of
from planner.asking.request import Request
from planner.asking.request_words import query_of, words_of
from planner.asking.told_option import ToldOption, best_of
from tests.planner.watch_world import answer, option

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_an_option_fills_the_fields_that_an_experiment_is_started_with() -> None:
    request = Request(
        qos="high", nodes=2, ntasks=4, cpus=8, mem_mib=65_536, gpus=4, gpu_type="a100",
        constraint=("ib",), limit_minutes=90,
    )  # fmt: skip
    asks = asks_of(request.sbatch_args("gpu"))
    assert asks.fields == {
        "partition": "gpu",
        "qos": "high",
        "nodes": "2",
        "ntasks": "4",
        "cpus_per_task": "8",
        "mem": "65536M",
        "gres": "gpu:a100:2",  # on each node
        "constraint": "ib",
        "time_limit_minutes": "01:30:00",
    }
    assert asks.left_out == ()


@pytest.mark.parametrize(
    ("word", "gres"),
    [("--gpus=3", "gpu:3"), ("--gpus-per-node=h100:2", "gpu:h100:2"), ("--gres=gpu:1", "gpu:1")],
)
def test_gpus_are_asked_for_on_each_node_however_they_were_written(word, gres) -> None:
    assert asks_of([word]).fields == {"gres": gres}


def test_what_has_no_field_of_its_own_is_left_out_and_named() -> None:
    asks = asks_of(["--nodes=2", "--gpus=3", "--exclusive", "--mem-per-cpu=2G"])
    assert asks.fields == {"nodes": "2"}
    assert asks.left_out == ("--gpus=3", "--exclusive", "--mem-per-cpu=2G")


def test_the_best_option_is_the_first_with_a_start_or_the_first_that_may_still() -> None:
    soon, far = option(timedelta(hours=1)), option(None, partition="cpu")
    refused = option(None, partition="no", allowed=False, later_than_horizon=[])
    assert best_of(answer(soon, far), NOON) == ToldOption.of(soon, NOON)
    beyond = best_of(answer(refused, far), NOON)
    assert beyond and (beyond.where, beyond.p50_at) == ("cpu, a100", None)
    assert best_of(answer(refused), NOON) is None
    assert best_of(answer(), NOON) is None


def test_a_request_is_said_in_a_line() -> None:
    assert words_of(Request()) == "1 CPU"
    asked = Request(
        partitions=("gpu", "debug"), qos="high", nodes=2, ntasks=4, cpus=8, mem_mib=65_536, gpus=4,
        gpu_type="a100", limit_minutes=90, exclusive=True,
    )  # fmt: skip
    assert words_of(asked) == (
        "2 nodes, 4 a100 GPUs, 4 × 8 CPUs, 64 GiB a node, whole nodes, 01:30:00 in gpu, debug, "
        "QOS high"
    )


def test_a_request_asks_again_by_its_link() -> None:
    asked = Request(partitions=("a", "b"), gpus=1, mem_mib=1024, limit_minutes=1500)
    assert parse_qs(query_of("lab", asked)) == {
        "cluster": ["lab"], "partition": ["a", "b"], "nodes": ["1"], "ntasks": ["1"],
        "cpus": ["1"], "mem": ["1024M"], "gpus": ["1"], "gpus_option": ["gpus"],
        "time": ["1-01:00:00"], "ask": ["1"],
    }  # fmt: skip
