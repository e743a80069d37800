"""Log-mel to waveform without learning: the baseline that a vocoder has to beat."""

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec

_ITERATIONS = 60


def griffin_lim(mel: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Magnitudes by non-negative least squares, phases by 60 fast Griffin-Lim iterations.

    Griffin & Lim 1984; Perraudin, Balazs & Søndergaard 2013. The random first phases are the same
    at each call.

    Args:
        mel: log-mel, (frames, n_mels), as `spec` says.
        spec: the convention of `mel`.

    Returns:
        float32 (frames · hop,), within [-1, 1].
    """
    import librosa

    base = 10.0 if spec.log == "log10" else np.e
    magnitudes = librosa.util.nnls(spec.mel_matrix(), np.power(base, mel.T).astype(np.float64))
    padded = librosa.griffinlim(
        magnitudes, n_iter=_ITERATIONS, hop_length=spec.hop, center=False, random_state=0
    )
    audio = padded[spec.margin : spec.margin + len(mel) * spec.hop]
    return np.clip(audio, -1, 1).astype(np.float32)
