"""Whatever slurmrestd sends: records or a ParseError, never another error."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slurm.restd import answer
from tracker.slurm.client import parse
from tracker.slurm.errors import ParseError
from tracker.slurm.rest import PARSERS
from tracker.slurm.rest.shown import show_jobs
from tracker.slurm.transports import Output

RECORDINGS = {
    "squeue": ("jobs", "slurm_38_jobs"),
    "sacct": ("jobs", "slurmdb_38_jobs"),
    "usage": ("jobs", "slurmdb_38_jobs_steps"),
    "sinfo": ("nodes", "slurm_38_nodes"),
    "nodes": ("nodes", "slurm_36_nodes"),
    "partitions": ("partitions", "slurm_38_partitions"),
    "reservations": ("reservations", "slurm_38_reservations"),
    "qos": ("QOS", "slurmdb_38_qos"),
    "assoc": ("associations", "slurmdb_38_associations"),
    "sdiag": ("statistics", "slurm_38_diag"),
}
AT = datetime(2026, 11, 23, tzinfo=UTC)
NUMBERS = st.sampled_from(
    [0, -1, 1, 2**31 - 1, 2**32 - 2, 2**32 - 1, 2**63, 2**64, -(2**63), 10**30, 0.5, 1e300]
)
TEXTS = st.sampled_from(
    ["", "(null)", "N/A", "0x7E", "0xZZ", "1-6%3", "9-1", "0-99999999", "gpu:a100:4", "cpu=8",
     "MIXED", "mixed+drain", "CANCELLED by 12", "CPU=1.0", "=", ",", "é\ud800", "\n"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | st.text(max_size=8)
OBJECTS = st.fixed_dictionaries(
    {"set": st.booleans() | st.none(), "infinite": st.booleans(), "number": SCALARS}
)
VALUES = st.recursive(
    SCALARS | OBJECTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@cache
def recorded(name: str) -> dict[str, Any]:
    key, recording = RECORDINGS[name]
    document = json.loads(answer(recording))
    if isinstance(document[key], list):
        document[key] = document[key][:20]
    return document


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything inside."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [path, *(found for key, inner in items for found in places(inner, (*path, key)))]


@cache
def places_of(name: str) -> list[tuple[Any, ...]]:
    return [path for path in places(recorded(name)) if path]


def check(name: str, text: str) -> None:
    try:
        parse(Output(name, ("GET", "/"), text, "", 0, AT, 0.1))
        if name == "squeue":
            show_jobs(text)
    except ParseError as error:
        assert error.problem


def test_every_parser_is_tried() -> None:
    assert RECORDINGS.keys() == PARSERS.keys()


@pytest.mark.parametrize("name", sorted(RECORDINGS))
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_answer_is_records_or_a_parse_error(name: str, data: st.DataObject) -> None:
    document = copy.deepcopy(recorded(name))
    for _ in range(data.draw(st.integers(1, 4))):
        *path, last = data.draw(st.sampled_from(places_of(name)))
        inside: Any = document
        try:
            for key in path:
                inside = inside[key]
            inside[last] = data.draw(VALUES)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier damage took this place away
    version = data.draw(st.sampled_from([36, 38, 39, 42]))
    text = json.dumps(document).replace("v0.0.38", f"v0.0.{version}")
    check(name, text)


@pytest.mark.parametrize("name", sorted(RECORDINGS))
@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 5_000), text=st.text(max_size=20))
def test_a_cut_answer_is_records_or_a_parse_error(name: str, cut: int, text: str) -> None:
    whole = json.dumps(recorded(name))
    check(name, whole[:cut] + text + whole[cut + len(text) :])


def test_an_answer_nested_without_end_is_a_parse_error() -> None:
    with pytest.raises(ParseError, match="not JSON"):
        parse(Output("squeue", ("GET", "/"), "[" * 200_000, "", 0, AT, 0.1))
