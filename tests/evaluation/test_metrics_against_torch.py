"""The multi-resolution STFT distance against PyTorch."""

import pytest
import torch
from helpers.noisy_speech import RATE

from tf_melgan.evaluation.metrics import stft_distance


def test_stft_distance_equals_torch(speech, noisy):
    total = 0.0
    for n_fft in (512, 1024, 2048):
        a, b = (
            torch.stft(
                torch.tensor(x, dtype=torch.float64),
                n_fft,
                n_fft // 4,
                window=torch.hann_window(n_fft, dtype=torch.float64),
                center=False,
                return_complex=True,
            )
            .abs()
            .clamp(min=1e-5)
            for x in (speech, noisy)
        )
        total += (torch.linalg.norm(a - b) / torch.linalg.norm(a)).item()
        total += (a.log() - b.log()).abs().mean().item()
    assert stft_distance(speech, noisy, RATE) == pytest.approx(total / 3, rel=1e-9)
