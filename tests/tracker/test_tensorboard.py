"""Event files as real writers leave them, while they are written, cut, damaged and made up."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboardX import SummaryWriter

from tracker.tensorboard import Stretch, read_event, read_records
from tracker.tensorboard.records import MAX_RECORD_BYTES, _masked_sum

# Written by tensorboard 2.21.0's own tensorboard.summary.Writer: scalars as tensors, as
# TensorFlow 2 and Keras have them.
RECORDED = Path(__file__).parents[1] / "data/tensorboard/events.out.tfevents.1795836531.host.1.0"


def record(body: bytes) -> bytes:
    length = struct.pack("<Q", len(body))
    sums = [struct.pack("<I", _masked_sum(each)) for each in (length, body)]
    return length + sums[0] + body + sums[1]


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def read(path: Path, start: int = 0, max_bytes: int = 1 << 40) -> Stretch:
    with opened(path) as descriptor:
        return read_records(descriptor, start, max_bytes=max_bytes)


def scalars(stretch: Stretch) -> list[tuple[str, int, float]]:
    events = [event for each in stretch.records if (event := read_event(each))]
    return [(tag, event.step, value) for event in events for tag, value in event.scalars]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """By tensorboardX, as PyTorch's writer does: scalars as simple values, and other things."""
    with SummaryWriter(str(tmp_path)) as writer:
        for step in range(3):
            writer.add_scalar("loss/train", 1 / (step + 1), step, walltime=1_795_800_000 + step)
        writer.add_text("notes", "hello", 1)
        writer.add_histogram("weights", [1.0, 2.0], 1)
        writer.add_scalar("epoch", 7, -1)
    return next(tmp_path.iterdir())


def test_scalars_of_a_pytorch_writer_are_read_and_nothing_else(written: Path) -> None:
    assert scalars(read(written)) == [
        ("loss/train", 0, 1.0),
        ("loss/train", 1, 0.5),
        ("loss/train", 2, pytest.approx(1 / 3)),
        ("epoch", -1, 7.0),
    ]


def test_scalars_of_tensorboards_own_writer_are_read_with_what_is_not_finite() -> None:
    stretch = read(RECORDED)
    assert stretch.stop == "end"
    values = [value for _, _, value in scalars(stretch)]
    assert values[:5] == [pytest.approx(1 / (step + 1)) for step in range(5)]
    assert math.isnan(values[5])
    assert values[6] == -math.inf
    times = [event.wall_time_s for each in stretch.records if (event := read_event(each))]
    assert times[-2:] == [1_795_800_050, 1_795_800_060]


def test_reading_goes_on_where_it_ended_and_loses_nothing(written: Path) -> None:
    whole, parts, at = read(written), [], 0
    while True:
        stretch = read(written, at, max_bytes=1)
        parts += stretch.records
        at = stretch.end
        if stretch.stop == "end":
            break
        assert stretch.stop == "more"
    assert (parts, at) == (whole.records, whole.end)


def test_a_file_cut_anywhere_gives_its_whole_records_and_then_the_rest(written: Path) -> None:
    data, whole = written.read_bytes(), read(written).records
    for size in range(0, len(data), 3):
        written.write_bytes(data[:size])
        first = read(written)
        assert first.stop == "cut" or (first.stop == "end" and first.end == size)
        written.write_bytes(data)
        assert first.records + read(written, first.end).records == whole


def test_a_damaged_byte_ends_the_reading_before_its_record(written: Path) -> None:
    data, whole = bytearray(written.read_bytes()), read(written).records
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        written.write_bytes(damaged)
        stretch = read(written)
        assert stretch.stop in ("damaged", "cut")
        assert stretch.end <= at
        assert stretch.records == whole[: len(stretch.records)]


def test_zeros_that_a_network_file_system_shows_for_bytes_to_come_are_no_record(
    tmp_path: Path,
) -> None:
    path = tmp_path / "events"
    path.write_bytes(record(b"") + bytes(64))
    stretch = read(path)
    assert (stretch.records, stretch.end, stretch.stop) == ([b""], 16, "damaged")


def test_a_large_record_is_stepped_over_unread(tmp_path: Path) -> None:
    path = tmp_path / "events"
    large = bytearray(record(bytes(MAX_RECORD_BYTES + 1)))
    large[5_000] = 1  # nobody looks
    path.write_bytes(record(b"a") + large + record(b"b"))
    assert read(path).records == [b"a", b"b"]


def test_a_length_beyond_every_file_reads_nothing_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "events"
    length = struct.pack("<Q", 2**64 - 1)
    path.write_bytes(length + struct.pack("<I", _masked_sum(length)) + b"x" * 100)
    assert (read(path).stop, read(path).end) == ("cut", 0)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_to_an_end(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    stretch = read(path)
    assert stretch.end <= len(data)


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_any_records_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "records"
    path.write_bytes(b"".join(map(record, bodies)))
    assert read(path) == Stretch(bodies, path.stat().st_size, "end")


@given(st.binary(max_size=300))
def test_any_bytes_are_an_event_or_none(data: bytes) -> None:
    event = read_event(data)
    assert event is None or all(isinstance(value, float) for _, value in event.scalars)


@given(st.integers(0, 500), st.integers(0, 255))
def test_an_event_with_any_byte_changed_is_an_event_or_none(at: int, byte: int) -> None:
    body = bytearray(read(RECORDED).records[2])
    body[at % len(body)] = byte
    event = read_event(bytes(body))
    assert event is None or all(isinstance(tag, str) for tag, _ in event.scalars)


TENSORS = [
    (1, struct.pack("<f", 1.5), 1.5),
    (2, struct.pack("<d", 0.1), 0.1),
    (3, struct.pack("<i", -3), -3.0),
    (9, struct.pack("<q", 2**40), float(2**40)),
    (19, struct.pack("<e", 0.25), 0.25),
    (7, b"words", None),
    (1, b"too long", None),
    (1, b"", None),
]


@pytest.mark.parametrize(("dtype", "content", "value"), TENSORS)
def test_a_tensor_of_one_number_is_a_scalar(
    dtype: int, content: bytes, value: float | None
) -> None:
    tensor = bytes([0x08, dtype, 0x22, len(content)]) + content
    summary_value = b"\x0a\x04loss\x42" + bytes([len(tensor)]) + tensor
    summary = b"\x0a" + bytes([len(summary_value)]) + summary_value
    event = read_event(b"\x10\x05\x2a" + bytes([len(summary)]) + summary)
    assert event is not None
    assert (event.step, event.scalars) == (5, [] if value is None else [("loss", value)])


def test_a_tensor_of_several_numbers_is_no_scalar() -> None:
    tensor = b"\x08\x01\x12\x04\x12\x02\x08\x01\x22\x04" + struct.pack("<f", 1)  # its shape is (1,)
    summary_value = b"\x0a\x04loss\x42" + bytes([len(tensor)]) + tensor
    summary = b"\x0a" + bytes([len(summary_value)]) + summary_value
    event = read_event(b"\x2a" + bytes([len(summary)]) + summary)
    assert event is not None
    assert event.scalars == []
