from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.slurm.records import Tres
from tracker.slurm.tres import parse_count, parse_gres, parse_mem_mib, parse_tres, parse_weights


@pytest.mark.parametrize(
    ("text", "mib"),
    [("64G", 65_536), ("2000M", 2000), ("62.50G", 64_000), ("1.5T", 1_572_864), ("512K", 0),
     ("2048K", 2), ("128000", 128_000), ("0", 0), ("(null)", None), ("N/A", None), ("", None)],
)  # fmt: skip
def test_memory_is_in_mib_whatever_its_unit(text: str, mib: int | None) -> None:
    assert parse_mem_mib(text) == mib


def test_counts_that_slurm_shortened_are_powers_of_1024() -> None:
    assert parse_count("1K") == 1024
    assert parse_count("1.5K") == 1536


def test_typed_and_untyped_gpus_overlap_and_are_not_added() -> None:
    tres = parse_tres("billing=8,cpu=8,gres/gpu:a100=2,gres/gpu=2,mem=64G,node=1")
    assert tres == Tres(8, 65_536, 1, 8, gpus=2, gpus_by_type={"a100": 2})


def test_gpus_are_counted_where_the_site_accounts_for_types_only_or_for_none() -> None:
    assert parse_tres("cpu=4,gres/gpu:a100=1,gres/gpu:v100=2").gpus == 3
    assert parse_tres("cpu=4,gres/gpu=3").gpus_by_type == {}
    assert parse_tres("cpu=4,gres/gpu=4,gres/gpu:a100=1").gpus == 4


@pytest.mark.parametrize("text", ["", "N/A", "(null)"])
def test_tres_that_are_not_said_are_all_none(text: str) -> None:
    assert parse_tres(text) == Tres()


@pytest.mark.parametrize(
    ("text", "gpus", "types"),
    [
        ("gres:gpu:a100:2", 2, {"a100": 2}),
        ("gres/gpu:a100:2", 2, {"a100": 2}),
        ("gres:gpu:4", 4, {}),
        ("gres/gpu=4", 4, {}),
        ("gpu:2", 2, {}),
        ("gpu:a100", 1, {"a100": 1}),
        ("gpu", 1, {}),
        ("gres/gpu:a100:1,gres/gpu:v100:2", 3, {"a100": 1, "v100": 2}),
    ],
)
def test_requests_are_read_in_every_spelling(text: str, gpus: int, types: dict[str, int]) -> None:
    assert (parse_tres(text).gpus, parse_tres(text).gpus_by_type) == (gpus, types)


def test_cpus_per_task_in_a_request_are_cpus() -> None:
    assert parse_tres("cpu:4,gres/gpu:1").cpus == 4
    assert parse_tres("cpu=4").cpus == 4


def test_other_resources_are_kept_by_name() -> None:
    assert parse_tres("energy=0,fs/disk=5,gres/shard=8,license/ansys=2").other == {
        "energy": 0, "fs/disk": 5, "gres/shard": 8, "license/ansys": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "gpus"),
    [
        ("gpu:a100:4(S:0-1)", {"a100": 4}),
        ("gpu:a100:2(IDX:0,3),gpu:v100:1(IDX:1)", {"a100": 2, "v100": 1}),
        ("gpu:a100:0(IDX:N/A)", {}),
        ("gpu:0", {}),
        ("gpu:2", {"": 2}),
        ("craynetwork:4K,gpu:tesla:no_consume:2", {"tesla": 2}),
        ("(null)", {}),
    ],
)
def test_gpus_of_a_node_come_by_type(text: str, gpus: dict[str, int]) -> None:
    assert parse_gres(text) == gpus


def test_billing_weights_of_memory_are_per_gib() -> None:
    text = "CPU=1.0,Mem=0.25G,GRES/gpu=16.0"
    assert parse_weights(text) == {"cpu": 1.0, "mem": 0.25, "gres/gpu": 16.0}
    assert parse_weights("Mem=0.25")["mem"] == 256


@given(st.text(max_size=40) | st.text(alphabet="gpure/:=,0123456789()KMGa", max_size=40))
def test_any_text_is_resources_or_a_value_error(text: str) -> None:
    for parse in (parse_tres, parse_gres, parse_weights, parse_mem_mib, parse_count):
        try:
            parse(text)
        except ValueError:
            continue
