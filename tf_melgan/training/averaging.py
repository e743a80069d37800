"""The exponential moving average of weights, in which the weights before training have no part.

After n steps the average is Σ decay^(n−i) · weights_i / Σ decay^(n−i) over the steps i = 1 … n. The
denominator is the total weight of what is averaged: 0 at first, 1 after one step, and 1 / (1 −
decay) in the end, where the update is that of a plain moving average.
"""

from typing import Any

import keras


def update_average(average: keras.Model, total: keras.Variable, model: Any, decay: float) -> None:
    """Takes the weights of `model` into its average; call it once after each step.

    Args:
        average: a model with the same variables, which hold the average.
        total: scalar, the total weight of what is averaged so far.
        model: the model that is trained.
        decay: the factor of every weight at each step, in (0, 1).
    """
    total.assign(decay * total.value + 1)
    for mean, variable in zip(average.variables, model.variables, strict=True):
        mean.assign(mean + (variable.value - mean.value) / total.value)


def keep_start(total: keras.Variable, decay: float) -> None:
    """Lets the average go on from trained weights, as if training had given them for ever.

    Args:
        total: scalar, the total weight of what is averaged so far.
        decay: the factor of every weight at each step, in (0, 1).
    """
    total.assign(1 / (1 - decay))
