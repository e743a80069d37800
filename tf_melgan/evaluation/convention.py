"""What all metrics share: the type of their values, and the mel convention at a sample rate."""

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec

MetricValue = float | str
"""A number, or the reason why the metric is not defined, as text."""


def metric_mel_spec(rate: int) -> MelSpec:
    """The mel convention of the metrics at a sample rate.

    It is the default convention with the window scaled to the rate.

    Args:
        rate: the sample rate, Hz.

    Returns:
        The convention; `n_fft` is a power of two and `hop` a quarter of it.
    """
    n_fft = round(1024 * 2.0 ** round(np.log2(rate / 22050)))
    return MelSpec(sample_rate=rate, n_fft=n_fft, hop=n_fft // 4, fmax=rate / 2)
