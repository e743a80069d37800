"""MelGAN's adversarial and feature-matching losses in keras.ops: float32 or float64 scalars.

The discriminator's output is a list per scale: the features of each layer, then the score. See
`tf_melgan.models.base.Outputs`.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.models.base import Outputs


def _full(x: Any) -> Any:
    """Casts half precisions to float32, for sums."""
    is_half = keras.backend.standardize_dtype(x.dtype) in ("bfloat16", "float16")
    return ops.cast(x, "float32") if is_half else x


def _mean(x: Any) -> Any:
    return ops.mean(_full(x))


def _total(terms: Sequence[Any]) -> Any:
    return ops.sum(ops.stack(terms))


def mean_scores(outputs: Outputs) -> list[Any]:
    """Returns the mean score of each scale, a scalar each."""
    return [_mean(scale[-1]) for scale in outputs]


def accuracy(kind: str, real: Outputs, fake: Outputs) -> Any:
    """Returns the share of scores on the right side, averaged over scales: 0.5 by chance.

    The right side is above 0 for recordings and below 0 for generated waveforms with "hinge";
    with "least_squares" it is above and below 0.5.

    Args:
        kind: "hinge" or "least_squares".
        real: outputs for recordings.
        fake: outputs for generated waveforms.
    """
    middle = 0.0 if kind == "hinge" else 0.5
    right = [ops.cast(_full(scale[-1]) > middle, "float32") for scale in real]
    right += [ops.cast(_full(scale[-1]) < middle, "float32") for scale in fake]
    return ops.mean(ops.stack([ops.mean(x) for x in right]))


def discriminator_loss(kind: str, real: Outputs, fake: Outputs) -> Any:
    """Returns the discriminator's loss, summed over scales.

    "hinge": mean max(0, 1 − D(x)) + mean max(0, 1 + D(G(s))) (arXiv 1910.06711, equation 1).
    The paper prints min(0, ·), which is unbounded when minimized; max(0, ·) is the intended loss.
    "least_squares": mean (1 − D(x))² + mean D(G(s))².

    Args:
        kind: "hinge" or "least_squares".
        real: outputs for recordings.
        fake: outputs for generated waveforms.
    """
    if kind == "hinge":
        terms = [_mean(ops.relu(1 - _full(scale[-1]))) for scale in real]
        terms += [_mean(ops.relu(1 + _full(scale[-1]))) for scale in fake]
    else:
        terms = [_mean(ops.square(1 - _full(scale[-1]))) for scale in real]
        terms += [_mean(ops.square(_full(scale[-1]))) for scale in fake]
    return _total(terms)


def generator_loss(kind: str, fake: Outputs) -> Any:
    """Returns the generator's adversarial loss, summed over scales.

    "hinge": −mean D(G(s)) (arXiv 1910.06711, equation 2).
    "least_squares": mean (1 − D(G(s)))².

    Args:
        kind: "hinge" or "least_squares".
        fake: outputs for generated waveforms.
    """
    if kind == "hinge":
        return _total([-_mean(scale[-1]) for scale in fake])
    return _total([_mean(ops.square(1 - _full(scale[-1]))) for scale in fake])


def feature_matching_loss(real: Outputs, fake: Outputs, reduction: str) -> Any:
    """Returns the mean absolute difference of features, reduced over layers and scales.

    Source: arXiv 1910.06711, equation 3. Three scales of six layers give 18 means. `reduction`
    combines them; λ is the weight of this loss:

    - "sum": the sum over layers and scales. λ = 10 is the text of the paper: 180 × the mean of
      the 18.
    - "mean_of_scales": the sum over layers, averaged over scales. λ = 10 gives 60 × the mean.
      This is the default. The official code's 48 × the mean is λ = 8.
    - "mean": the mean over layers and scales; λ is the factor of the mean.

    Args:
        real: outputs for recordings.
        fake: outputs for generated waveforms.
        reduction: "sum", "mean_of_scales" or "mean".
    """
    terms = [
        ops.mean(ops.abs(_full(a) - _full(b)))
        for real_scale, fake_scale in zip(real, fake, strict=True)
        for a, b in zip(real_scale[:-1], fake_scale[:-1], strict=True)
    ]
    divisor = {"sum": 1, "mean_of_scales": len(real), "mean": len(terms)}[reduction]
    return _total(terms) / divisor
