import numpy as np
import pytest

from ratecast.modelling.calibration.star_groups import StarGroups


def test_each_star_in_use_has_a_run() -> None:
    counts = np.zeros(101, np.int64)
    counts[[10, 20, 50]] = 1000
    groups = StarGroups.of(counts)
    assert groups.used.tolist() == [10, 20, 50]
    assert groups.run(np.array([0, 10, 20, 36, 50, 100])).tolist() == [0, 0, 1, 2, 2, 2]
    # All of a run's probability is at its star: cuts below it are the run's lower one.
    levels = groups.weights @ [-1.0, 1.0] + 100.0 * groups.beyond
    assert levels[9] < -50
    assert levels[10] == levels[19] == -1
    assert levels[20] == levels[49] == 1
    assert levels[50] > 50
    assert groups.frequencies.sum() == pytest.approx(1)
    assert groups.frequencies[[10, 20, 50]].sum() > 0.99


def test_few_ratings_do_not_show_that_a_star_is_never_given() -> None:
    groups = StarGroups.of(np.array([0, 0, 3, 5, 2]))
    assert groups.cuts.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(groups.weights, np.eye(4))
    assert not groups.beyond.any()


def test_one_star_alone() -> None:
    for stars in (2, 5, 64):
        groups = StarGroups.of(np.eye(stars, dtype=np.int64)[0] * 900)
        assert len(groups.cuts)
        assert groups.frequencies[0] > 0.99


def test_a_smooth_scale_is_interpolated_evenly_and_a_heap_is_a_jump() -> None:
    random = np.random.default_rng(0)
    smooth = np.bincount(random.binomial(100, 0.5, 50_000), minlength=101) + 50
    weights = StarGroups.of(smooth).weights @ StarGroups.of(smooth).cuts
    np.testing.assert_allclose(weights, np.arange(100), atol=2.0)
    heaped = smooth.copy()
    heaped[::10] *= 20
    groups = StarGroups.of(heaped)
    steps = np.diff(groups.weights @ np.interp(groups.cuts, [0, 99], [0, 99]))
    inner = [k for k in range(20, 90, 10) if not {k - 1, k} & set(groups.cuts.tolist())]
    assert inner
    assert min(steps[k - 1] / steps[k] for k in inner) > 4
    np.testing.assert_allclose(groups.frequencies, heaped / heaped.sum(), rtol=0.2)
