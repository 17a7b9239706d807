"""Points through appends, repeats and sealing against a plain dict: none lost, none twice."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import NOW, make_experiment
from tracker import recording
from tracker.metrics.points import bits_of
from tracker.metrics.series import read_curve, read_curves
from tracker.models import Actor, MetricChunk, MetricPoint, MetricSeries, Run
from tracker.recording import NewPoint, append_points, seal_points, sealing
from tracker.recording import points as appending

AT_ONCE = timedelta(0)
VALUES = [0.5, 1.0, -0.0, 0.0, math.nan, math.inf, -math.inf]

stretches = st.builds(
    lambda name, first, count, value, attempt, is_timed, turn: [
        NewPoint(name, first + n, value + n, 1_000 * (first + n) if is_timed else None, attempt)
        for n in range(count)
    ][::turn],
    st.sampled_from(["loss", "acc"]),
    st.integers(0, 60),
    st.integers(1, 40),
    st.sampled_from([0.5, 1.0]),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from([1, -1]),
)
scattered = st.lists(
    st.builds(
        NewPoint,
        st.sampled_from(["loss", "acc"]),
        st.integers(0, 30),
        st.sampled_from(VALUES),
        st.sampled_from([None, 1, 2]),
        st.integers(0, 2),
    ),
    max_size=12,
)
deeds = st.lists(
    st.one_of(stretches, scattered, st.just("seal"), st.integers(0, 5)), min_size=1, max_size=12
)


@dataclass
class Remembered:
    """What a run should hold: per series its points in the order they first came."""

    points: dict[str, dict[tuple, float]] = field(default_factory=dict)

    def append(self, points: list[NewPoint]) -> int:
        new = 0
        for name, step, value, client_us, attempt in points:
            held = self.points.setdefault(name, {})
            identity = (attempt, step, bits_of(value), client_us)
            new += identity not in held
            held.setdefault(identity, value)
        return new

    def curve(self, name: str) -> list[tuple[int, int]]:
        held = self.points[name]
        newest: dict[int, int] = {}
        for attempt, step, *_ in held:
            newest[step] = max(attempt, newest.get(step, 0))
        shown = [(step, bits) for attempt, step, bits, _ in held if attempt == newest[step]]
        return sorted(shown, key=lambda point: point[0])


@pytest.fixture
def run(people) -> Run:
    return recording.create_run(make_experiment(people.alice), actor=Actor(people.alice))[0]


@pytest.fixture
def small_chunks(monkeypatch):
    """Limits so low that a few points meet all of them."""
    monkeypatch.setattr(appending, "STRETCH_MIN", 4)
    monkeypatch.setattr(appending, "STRETCH_MAX", 16)
    monkeypatch.setattr(sealing, "STRETCH_MAX", 16)
    monkeypatch.setattr(sealing, "SMALL", 8)
    monkeypatch.setattr(sealing, "ROWS_AT_ONCE", 10)
    monkeypatch.setattr(sealing, "LOOSE_WORTH_SEALING", 1)


def bits_shown(curve) -> list[tuple[int, int]]:
    return list(zip(curve.step.tolist(), curve.value.view(np.int64).tolist(), strict=True))


@pytest.mark.django_db
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(deeds)
def test_any_mix_of_appends_repeats_and_sealing_reads_as_a_dict_would(run, small_chunks, deeds):
    MetricSeries.objects.all().delete()
    remembered, sent = Remembered(), []
    for deed in deeds:
        if deed == "seal":
            seal_points(NOW, quiet_for=AT_ONCE)
            continue
        if isinstance(deed, int):  # an earlier batch again, as a client does that heard nothing
            batch = sent[deed % len(sent)] if sent else []
        else:
            batch = deed
            sent.append(batch)
        assert append_points(run, batch, now=NOW) == remembered.append(batch)
    series = {one.name: one for one in run.series.all()}
    assert set(series) == set(remembered.points)
    for name, one in series.items():
        held = remembered.points[name]
        assert bits_shown(read_curve(one)) == remembered.curve(name)
        assert_summary(one, held)
    curves = read_curves(list(series.values()))
    assert {pk: bits_shown(curve) for pk, curve in curves.items()} == {
        one.pk: remembered.curve(name) for name, one in series.items()
    }


def assert_summary(one: MetricSeries, held: dict[tuple, float]) -> None:
    finite = [value for value in held.values() if math.isfinite(value)]
    assert (one.count, one.non_finite_count) == (len(held), len(held) - len(finite))
    assert (one.min_value, one.max_value) == (
        min(finite, default=None),
        max(finite, default=None),
    )
    top = max(identity[:2] for identity in held)
    last = [identity for identity in held if identity[:2] == top][-1]
    assert (one.last_attempt, one.last_step, one.last_bits) == last[:3]
    value = held[last]
    assert one.last_value == (value if math.isfinite(value) else None)


@pytest.mark.django_db
def test_a_long_series_is_sealed_but_for_its_last_step(run):
    for first in range(0, 5_000, 10):
        points = [NewPoint("loss", step, float(step)) for step in range(first, first + 10)]
        append_points(run, points, now=NOW)
    assert MetricPoint.objects.count() == 5_000
    assert seal_points(NOW) == 4_999
    assert list(MetricPoint.objects.values_list("step", flat=True)) == [4_999]
    assert sorted(MetricChunk.objects.values_list("count", flat=True)) == [2_499, 2_500]
    assert seal_points(NOW) == 0
    curve = read_curve(run.series.get())
    np.testing.assert_array_equal(curve.step, np.arange(5_000))


@pytest.mark.django_db
def test_a_short_series_is_sealed_once_it_has_been_quiet(run):
    for step in range(100):
        append_points(run, [NewPoint("loss", step, 0.5)], now=NOW)
    assert seal_points(NOW + timedelta(minutes=59)) == 0
    assert seal_points(NOW + timedelta(minutes=61)) == 99
    append_points(run, [NewPoint("loss", 7, 0.5)], now=NOW)
    assert run.series.get().count == 100


@pytest.mark.django_db
def test_sealing_changes_nothing_that_a_page_looks_at(run):
    points = [NewPoint("loss", step, float(step)) for step in range(300)]
    append_points(run, points[:150], now=NOW)
    append_points(run, points[149:], now=NOW)
    before = MetricSeries.objects.values("count", "updated_at", "last_step", "last_value").get()
    seal_points(NOW, quiet_for=AT_ONCE)
    assert MetricSeries.objects.values(*before).get() == before


@pytest.mark.django_db
def test_a_stretch_that_goes_on_is_one_row_and_a_late_point_of_it_another(run):
    append_points(run, [NewPoint("loss", step, 0.5) for step in range(1_000)], now=NOW)
    assert (MetricChunk.objects.count(), MetricPoint.objects.count()) == (1, 0)
    late = [NewPoint("loss", 500, 0.5), NewPoint("loss", 500, 0.7)]
    assert append_points(run, late, now=NOW) == 1
    assert MetricPoint.objects.count() == 1
    assert read_curve(run.series.get(), from_step=499, to_step=501).value.tolist() == [
        *(0.5, 0.5, 0.7, 0.5)
    ]


@pytest.mark.django_db
def test_small_chunks_of_a_client_that_sends_each_second_are_joined(run):
    for first in range(0, 4_000, 20):
        points = [NewPoint("loss", step, float(step)) for step in range(first, first + 20)]
        append_points(run, points, now=NOW)
    assert MetricChunk.objects.count() == 200
    assert seal_points(NOW) == 4_000
    assert MetricChunk.objects.get().count == 4_000


@pytest.mark.django_db
def test_curves_of_many_series_take_one_query(run, django_assert_num_queries):
    names = [f"m{number}" for number in range(30)]
    append_points(run, [NewPoint(name, s, float(s)) for s in range(20) for name in names], now=NOW)
    append_points(run, [NewPoint(name, 20, 20.0) for name in names[::2]], now=NOW)
    series = list(run.series.all())
    with django_assert_num_queries(1):
        curves = read_curves(series, max_points=10)
    for one in series:
        np.testing.assert_array_equal(curves[one.pk].step, read_curve(one, max_points=10).step)
    assert read_curves([]) == {}


@pytest.mark.django_db
def test_a_series_without_points_is_an_empty_curve(run):
    series = MetricSeries.objects.create(run=run, name="loss")
    assert len(read_curve(series)) == len(read_curves([series])[series.pk]) == 0
