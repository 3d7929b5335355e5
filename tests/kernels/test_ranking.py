"""Numbers of skewed keys, nearly all of which are in one bucket that no cache holds."""

from __future__ import annotations

import numpy as np
import pytest

from arkserver.engine.blocks import sets


@pytest.mark.parametrize("shape", [0.2, 0.35, 1.0])
@pytest.mark.parametrize("frequent", [0.0, 0.5, 0.9])
def test_skewed_keys(shape: float, frequent: float) -> None:
    rng = np.random.default_rng(3)
    keys = np.minimum(rng.pareto(shape, 400_000) * 100, 9e18).astype(np.int64)
    keys[rng.random(len(keys)) < frequent] = 12345
    values, inverse = np.unique(keys, return_inverse=True)
    found = sets.unique_inverse(keys)
    np.testing.assert_array_equal(found[0], values)
    np.testing.assert_array_equal(found[1], inverse)
    np.testing.assert_array_equal(sets.unique(keys), values)
