"""Every loss that compares the generated waveform with the recording, by its name in a config.

To add one, write its function and its line below; CONTRIBUTING.md shows how. Adversarial training
has two further terms, in `tf_melgan.losses.adversarial`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tf_melgan.audio.mel_spec import MelSpec

SpectralLoss = Callable[[Any, Any, MelSpec], Any]
"""(real, generated, mel) → scalar; both waveforms are (batch, samples, 1)."""

# By name, so that reading a config does not import Keras.
SPECTRAL_LOSSES = {
    "stft": "tf_melgan.losses.spectral:multi_resolution_stft_loss",
    "compressed_stft": "tf_melgan.losses.spectral:compressed_stft_loss",
    "mel": "tf_melgan.losses.spectral:log_mel_l1_loss",
    "coherence": "tf_melgan.losses.spectral:coherence_loss",
    "envelope": "tf_melgan.losses.spectral:envelope_loss",
}


def spectral_loss(name: str) -> SpectralLoss:
    """The loss of that name in `SPECTRAL_LOSSES`."""
    module, function = SPECTRAL_LOSSES[name].split(":")
    return getattr(import_module(module), function)
