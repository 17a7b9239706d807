"""The figures of the proof of fidelity, on starts whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cluster.fidelity_load import scene
from tests.cluster.fidelity_scores import Apart, primary, spearman


def apart(first_s: list[float], second_s: list[float]) -> Apart:
    at_once = np.zeros(len(first_s))
    return Apart("two", (at_once, at_once), (np.array(first_s), np.array(second_s)))


def test_the_gap_is_that_of_the_starts() -> None:
    pair = apart([10.0, 20.0, 60.0], [12.0, 20.0, 30.0])
    assert pair.median_s == 2.0
    assert pair.mean_s == pytest.approx(32 / 3)
    assert pair.bias_s == pytest.approx(28 / 3)
    assert pair.within(10.0) == pytest.approx(2 / 3)
    assert pair.mean_wait_off == pytest.approx(90 / 62 - 1)


def test_waits_count_from_the_submission_of_the_same_run() -> None:
    submits_s = (np.array([0.0, 5.0]), np.array([1.0, 7.0]))
    pair = Apart("two", submits_s, (np.array([4.0, 9.0]), np.array([4.0, 9.0])))
    assert [waits_s.tolist() for waits_s in pair.waits_s] == [[4.0, 4.0], [3.0, 2.0]]


def test_spearman_sees_the_order_and_nothing_else() -> None:
    one = np.array([1.0, 2.0, 3.0, 4.0])
    assert spearman(one, one**3) == pytest.approx(1.0)
    assert spearman(one, -one) == pytest.approx(-1.0)


def test_ties_share_a_rank_in_spearman() -> None:
    # Ranks 0.5 0.5 2 3 and 0 1 2 3: covariance 4.5, variances 4.5 and 5.
    found = spearman(np.array([1.0, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def test_starts_that_do_not_vary_have_no_rank_correlation() -> None:
    assert np.isnan(spearman(np.ones(3), np.arange(3.0)))


def test_the_ratio_is_of_the_medians_and_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    base_s = rng.uniform(0, 600, 200)
    model = [apart((base_s + 6).tolist(), base_s.tolist())]
    slurm = [apart((base_s + 3).tolist(), base_s.tolist())]
    found = primary(model, slurm, np.arange(200) // 4, rng)
    assert found.ratio == pytest.approx(2.0)
    assert found.ratio_within.low <= found.ratio <= found.ratio_within.high


def test_the_same_seed_is_the_same_scene() -> None:
    first, second = (scene(np.random.default_rng(3), 4.0) for _ in range(2))
    assert first == second


def test_nothing_in_a_scene_hangs_on_what_the_cluster_does() -> None:
    for made in scene(np.random.default_rng(16), 7.0).submissions:
        assert made.patience_s is None
        assert made.release_s is None
        assert "--hold" not in made.words


def test_runs_that_do_not_differ_are_taken_to_differ_by_half_a_second() -> None:
    same = apart([5.0, 9.0], [5.0, 9.0])
    found = primary(
        [apart([6.0, 10.0], [5.0, 9.0])], [same], np.arange(2), np.random.default_rng(0)
    )
    assert found.ratio == 2.0
