"""MelGAN's adversarial and feature-matching losses, on keras.ops: scalars in float32 or float64.

Outputs of the discriminators are, per scale, a list of features with the score at its end, as
`tf_melgan.models.base.Outputs` says.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.models.base import Outputs


def _full(x: Any) -> Any:
    """Half precisions are summed in float32."""
    narrow = keras.backend.standardize_dtype(x.dtype) in ("bfloat16", "float16")
    return ops.cast(x, "float32") if narrow else x


def _mean(x: Any) -> Any:
    return ops.mean(_full(x))


def _total(terms: Sequence[Any]) -> Any:
    return ops.sum(ops.stack(terms))


def mean_scores(outputs: Outputs) -> list[Any]:
    """The mean score of each scale."""
    return [_mean(scale[-1]) for scale in outputs]


def discriminator_loss(kind: str, real: Outputs, fake: Outputs) -> Any:
    """What the discriminators minimise, summed over scales.

    "hinge": mean max(0, 1 − D(x)) + mean max(0, 1 + D(G(s))) (arXiv 1910.06711, equation 1).
    The paper prints min(0, ·), which has no floor when minimised; this is what is meant.
    "least_squares": mean (1 − D(x))² + mean D(G(s))².
    """
    if kind == "hinge":
        terms = [_mean(ops.relu(1 - _full(scale[-1]))) for scale in real]
        terms += [_mean(ops.relu(1 + _full(scale[-1]))) for scale in fake]
    else:
        terms = [_mean(ops.square(1 - _full(scale[-1]))) for scale in real]
        terms += [_mean(ops.square(_full(scale[-1]))) for scale in fake]
    return _total(terms)


def generator_loss(kind: str, fake: Outputs) -> Any:
    """What the generator minimises, summed over scales.

    "hinge": −mean D(G(s)) (equation 2). "least_squares": mean (1 − D(G(s)))².
    """
    if kind == "hinge":
        return _total([-_mean(scale[-1]) for scale in fake])
    return _total([_mean(ops.square(1 - _full(scale[-1]))) for scale in fake])


def feature_matching_loss(real: Outputs, fake: Outputs, reduction: str) -> Any:
    """Mean absolute difference of each layer's features, over layers and scales (equation 3).

    With three scales of six layers there are 18 such means. What is done with them:

    - "sum": all are added. λ = 10 is then the paper's text: 180 × the mean of the 18.
    - "mean_of_scales": added over layers and averaged over scales, so that λ = 10 gives
      60 × the mean. The default. (The official code's 48 × the mean is λ = 8.)
    - "mean": averaged; λ is the factor itself.
    """
    terms = [
        ops.mean(ops.abs(_full(a) - _full(b)))
        for real_scale, fake_scale in zip(real, fake, strict=True)
        for a, b in zip(real_scale[:-1], fake_scale[:-1], strict=True)
    ]
    divisor = {"sum": 1, "mean_of_scales": len(real), "mean": len(terms)}[reduction]
    return _total(terms) / divisor
