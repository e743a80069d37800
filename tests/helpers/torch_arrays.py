"""Arrays of torch in the layout of Keras, and their comparison with those of Keras."""

import keras
import numpy as np
import torch

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}


def channels_last(signal: torch.Tensor) -> np.ndarray:
    return signal.detach().numpy().swapaxes(1, 2)


def assert_close(actual, expected: np.ndarray, tolerance: float) -> None:
    """Asserts max |actual − expected| ≤ tolerance × max |expected|."""
    actual = keras.ops.convert_to_numpy(actual)
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()
