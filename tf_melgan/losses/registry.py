"""The losses that compare the generated waveform with the recording, by their name in a config.

To add a loss, write its function and add a line below; CONTRIBUTING.md shows an example. The two
terms of adversarial training are in `tf_melgan.losses.adversarial`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tf_melgan.audio.mel_spec import MelSpec

SpectralLoss = Callable[[Any, Any, MelSpec], Any]
"""(real, generated, mel spec) → scalar; both waveforms are (batch, samples, 1)."""

# Strings instead of functions, so that reading a config does not import Keras.
SPECTRAL_LOSSES = {
    "stft": "tf_melgan.losses.spectral:multi_resolution_stft_loss",
    "compressed_stft": "tf_melgan.losses.spectral:compressed_stft_loss",
    "mel": "tf_melgan.losses.spectral:log_mel_l1_loss",
    "coherence": "tf_melgan.losses.spectral:coherence_loss",
    "envelope": "tf_melgan.losses.spectral:envelope_loss",
    "phase": "tf_melgan.losses.spectral:phase_loss",
}


def spectral_loss(name: str) -> SpectralLoss:
    """Imports and returns the loss `name` of `SPECTRAL_LOSSES`."""
    module, function = SPECTRAL_LOSSES[name].split(":")
    return getattr(import_module(module), function)
