"""Random arrays, and their comparison relative to the largest value."""

import numpy as np
from keras import ops


def normal(seed: int, *shape: int) -> np.ndarray:
    """Normally distributed values in float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def assert_close(actual: object, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    """Asserts equal shapes and max |actual − expected| ≤ tolerance × max |expected|."""
    actual = ops.convert_to_numpy(actual)
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()
