"""Griffin-Lim: log-mel to waveform without a trained model, the baseline for a vocoder."""

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec

_ITERATIONS = 60


def griffin_lim(mel: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Reconstructs a waveform from a log-mel with 60 iterations of fast Griffin-Lim.

    Magnitudes come from non-negative least squares on the mel filters. The initial phases are
    random with a fixed seed, so results are reproducible.

    Source: Griffin & Lim 1984; Perraudin, Balazs & Søndergaard 2013.

    Args:
        mel: log-mel (frames, n_mels).
        spec: the convention of `mel`.

    Returns:
        float32 waveform (frames · hop,) within [-1, 1].

    Raises:
        ImportError: librosa is not installed.

    Examples:
        >>> spec = tf_melgan.MelSpec()
        >>> audio = tf_melgan.griffin_lim(np.load("utterance.npy"), spec)
        >>> tf_melgan.write_audio("utterance.wav", audio, spec.sample_rate)
    """
    import librosa

    base = 10.0 if spec.log == "log10" else np.e
    bands = np.power(base, mel.T).astype(np.float64)
    magnitudes = librosa.util.nnls(spec.mel_matrix(), bands) ** (1 / spec.power)
    padded = librosa.griffinlim(
        magnitudes,
        n_iter=_ITERATIONS,
        hop_length=spec.hop,
        win_length=spec.window,
        center=False,
        random_state=0,
    )
    audio = padded[spec.margin : spec.margin + len(mel) * spec.hop]
    return np.clip(audio, -1, 1).astype(np.float32)
