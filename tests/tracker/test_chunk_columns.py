"""Columns packed into bytes: every bit comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.metrics.chunk_columns import pack, unpack

int64 = st.integers(-(2**63), 2**63 - 1)
rows = st.lists(st.tuples(int64, int64, int64, st.booleans()), min_size=1, max_size=60)


@given(rows)
def test_what_is_packed_comes_back_to_the_bit(points):
    columns = unpack(pack(*zip(*points, strict=True)))
    arrays = (columns.step, columns.value_bits, columns.time_us, columns.by_client)
    assert list(zip(*(array.tolist() for array in arrays), strict=True)) == points


@given(rows, st.sets(int64, max_size=5))
def test_points_are_found_by_their_steps_with_the_clients_time_only(points, others):
    steps = {step for step, *_ in points[::2]} | others
    wanted = [(s, b, t if mine else None) for s, b, t, mine in points if s in steps]
    assert list(unpack(pack(*zip(*points, strict=True))).keys_at(steps)) == wanted


def test_a_thousand_points_of_a_training_take_ten_bytes_each():
    steps = range(5_000, 6_000)
    bits = [0x3FD0_0000_0000_0000 + 2_654_435_761 * step % 2**44 for step in steps]
    times = [1_764_300_000_000_000 + 50_000 * step + step % 997 for step in steps]
    assert len(pack(steps, bits, times, [True] * 1_000)) < 10_000


@pytest.mark.parametrize("packed", [b"", b"\x02" + pack([1], [2], [3], [True])[1:]])
def test_bytes_of_another_version_are_refused(packed):
    with pytest.raises(ValueError, match="version"):
        unpack(packed)
