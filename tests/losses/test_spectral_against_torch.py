"""The spectral losses and their gradients against PyTorch."""

import numpy as np
import pytest
import torch
from helpers import torch_oracle
from helpers.torch_arrays import TOLERANCE, assert_close, channels_last

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.losses.spectral import (
    coherence_loss,
    compressed_stft_loss,
    envelope_loss,
    log_mel_l1_loss,
    multi_resolution_stft_loss,
    phase_loss,
)

tf = pytest.importorskip("tensorflow")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("samples", [300, 1000, 2000])
def test_spectral_losses_and_their_gradients_equal_torch(samples: int, dtype: str):
    """Values, and gradients with respect to the audio, on noise.

    A nearly empty bin of the noise makes any float32 gradient wrong. So float32 gradients are
    compared with the float64 oracle, and may be off by twice the error of torch in float32.
    """
    torch.manual_seed(samples)
    spec = MelSpec(n_fft=512, hop=100, n_mels=20)
    real, fake = torch.randn(2, 1, 1, samples, dtype=getattr(torch, dtype)).clamp(-3, 3) / 4
    audio = tf.constant(channels_last(fake))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(audio)
        values = [
            multi_resolution_stft_loss(tf.constant(channels_last(real)), audio),
            compressed_stft_loss(tf.constant(channels_last(real)), audio),
            log_mel_l1_loss(tf.constant(channels_last(real)), audio, spec),
            coherence_loss(tf.constant(channels_last(real)), audio, spec),
            envelope_loss(tf.constant(channels_last(real)), audio),
            phase_loss(tf.constant(channels_last(real)), audio),
        ]
    exact = oracle_losses(real.double(), fake.double(), spec)
    for value, expected, truth in zip(values, oracle_losses(real, fake, spec), exact, strict=True):
        assert_close(value, expected[0], TOLERANCE[dtype])
        scale = np.abs(truth[1]).max()
        torch_error = np.abs(expected[1] - truth[1]).max() / scale
        error = np.abs(tape.gradient(value, audio).numpy() - truth[1]).max() / scale
        assert error <= max(TOLERANCE[dtype], 2 * torch_error)


def oracle_losses(real: torch.Tensor, fake: torch.Tensor, spec: MelSpec) -> list[tuple]:
    """The losses in torch, each with its gradient with respect to `fake`."""
    fake.requires_grad_(True)
    mel = (spec.sample_rate, spec.n_fft, spec.hop, spec.n_mels)
    values = [
        torch_oracle.stft_loss(real, fake),
        torch_oracle.compressed_stft_loss(real, fake),
        torch_oracle.log_mel_loss(real, fake, *mel),
        torch_oracle.coherence_loss(real, fake, spec.hop),
        torch_oracle.envelope_loss(real, fake),
        torch_oracle.phase_loss(real, fake),
    ]
    gradients = [torch.autograd.grad(value, fake, retain_graph=True)[0] for value in values]
    return [(v.detach().numpy(), channels_last(g)) for v, g in zip(values, gradients, strict=True)]
