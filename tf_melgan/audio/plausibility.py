"""Whether a log-mel can be what it claims to be, and what it may be otherwise."""

import numpy as np

from tf_melgan.audio.harmonics import harmonic_evidence
from tf_melgan.audio.magnitudes import log10_magnitudes
from tf_melgan.audio.mel_conversion import bands
from tf_melgan.audio.mel_sources import SOURCES
from tf_melgan.audio.mel_spec import MelSpec, hann_window

# Some band of a recording is below this log10 magnitude in some frame of this many.
_QUIET, _FEW_FRAMES = -1.0, 20
_NAME_IT = "name its convention if it is another"
_HEARD_PITCHES, _FOREIGN = 12, -0.15


def out_of_range(mel: np.ndarray, spec: MelSpec) -> str:
    """What is wrong with the range of a log-mel of audio within [-1, 1], or "".

    Args:
        mel: finite log-mel (frames, n_mels).
        spec: the convention that it claims.
    """
    low, high = spec.log_floor, spec.log_ceiling
    tolerance = (high - low) / 10
    least, most = float(mel.min()), float(mel.max())
    if least < low - tolerance or most > high + tolerance:
        kind = "power" if spec.power == 2 else "magnitudes"
        return (
            f"goes from {least:.2f} to {most:.2f}, but {spec.log} of {kind} goes from {low:.2f} "
            f"to {high:.2f}"
        )
    return ""


def doubt(mel: np.ndarray, spec: MelSpec, named: bool) -> str:
    """What is unlikely about the log-mel of a recording, with advice, or "".

    Args:
        mel: finite log-mel (frames, n_mels).
        spec: the convention that it claims.
        named: whether the user said that it is of `spec`.
    """
    if _energies(mel, spec).max() > 1:
        fault = f"goes up to {mel.max():.2f}, and is louder than any sound within [-1, 1] can be"
        return f"{fault}; {guess(mel) or _NAME_IT}"
    if len(mel) >= _FEW_FRAMES and log10_magnitudes(mel, spec).min() > _QUIET:
        fault = f"is nowhere below {mel.min():.2f}, as mels of recordings are"
        return f"{fault}; {guess(mel) or _NAME_IT}"
    if named or bands(spec) != bands(MelSpec()):
        return ""
    evidence = harmonic_evidence(mel, spec, SOURCES["parallel_wavegan"].spec)
    if len(evidence) < _HEARD_PITCHES or evidence.mean() > _FOREIGN:
        return ""
    fault = "has harmonics at the bands of a mel from 80 to 7600 Hz (espnet, parallel_wavegan)"
    return f"{fault}; {_NAME_IT}"


def guess(mel: np.ndarray) -> str:
    """What values of another kind than log10 magnitudes may be, as advice; "" if unknown."""
    least, most = float(mel.min()), float(mel.max())
    if least >= 0 and np.median(mel) < most / 20:
        return "it seems to have no logarithm; take that, or name its convention (torchaudio)"
    if least >= -1e-3 and most <= 1.001:
        return "it seems to be scaled to [0, 1]; undo that"
    if least >= -1.001 and most <= 1.001:
        return "it seems to be scaled to [-1, 1]; undo that, or name its convention (whisper)"
    if least >= -1.5 and most <= min(2.2, least + 2.001):
        return "it seems to be Whisper's; name its convention (whisper)"
    if least < -20 or most > 15:
        return "it seems to be in dB; divide it by 20, or name its convention (coqui)"
    if abs(mel.mean()) < 0.5 and 0.5 < mel.std() < 1.5:
        return "it seems to be normalized; name its convention (espnet) and give its statistics"
    if -4.001 <= least <= -3.5 and most <= 4.001:
        return "it seems to be scaled to [-4, 4]; name its convention (coqui)"
    if -10.001 <= least < -5.3 and np.median(mel) > -4:
        return "it seems to have a lower floor; name its convention (espnet, parallel_wavegan)"
    if -13 < least < -4 and most < 4:
        return "it seems to be natural logarithms; name its convention (hifigan, tacotron2)"
    return ""


def _energies(mel: np.ndarray, spec: MelSpec) -> np.ndarray:
    """The least energy that a frame can have, over that of a full-scale square wave."""
    frequencies = spec.band_widths * spec.n_fft / spec.sample_rate  # in each band
    with np.errstate(over="ignore"):
        energy = (10 ** (2 * log10_magnitudes(mel, spec))) @ frequencies
    return energy / (spec.n_fft / 2 * np.square(hann_window(spec)).sum())
