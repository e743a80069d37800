"""Speaks an English text: hibari's acoustic model gives spectra, and a vocoder makes the sound.

    pip install hibari-tts==0.2.1
    python examples/text_to_speech.py "The boats lay quiet under the fog." --out speech.wav

hibari-tts has its model inside (Apache-2.0, 14 MB). For each sentence the model predicts spectra of
24,000 Hz with 1200 samples a window and 300 a hop. The filters and frames of the vocoder are laid
over them, which gives the log-mel that the vocoder takes.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from hibari import Hibari, dsp

from tf_melgan import MelSpec, Vocoder, write_audio


def magnitudes(acoustic_model: Hibari, text: str) -> Iterator[np.ndarray]:
    """The magnitudes that the model predicts for each sentence: float32 (frames, 601)."""
    for phonemes in acoustic_model.phonemize(text):
        ids = np.array([acoustic_model.ids(phonemes)], np.int64)
        outputs = acoustic_model.sess.run(None, {"ids": ids, "speed": np.ones(1, np.float32)})
        harmonics, turns, noise, rest, phases, f0 = (output[0] for output in outputs)
        # A train of pulses at the pitch, filtered; what has a phase of its own; and noise.
        voiced = dsp.stft(dsp.pulses(f0), len(f0)) * dsp.ex(harmonics)
        voiced = voiced * np.exp(1j * np.pi * np.tanh(turns)) + dsp.ex(rest) * np.exp(1j * phases)
        yield np.sqrt(np.abs(voiced) ** 2 + dsp.ex(noise) ** 2).T


def log_mel_of(spectrum: np.ndarray, spec: MelSpec) -> np.ndarray:
    """A log-mel of `spec`, float32 (frames, n_mels), of magnitudes (frames, 601)."""
    theirs = replace(spec, sample_rate=dsp.SR, n_fft=dsp.N_FFT, hop=dsp.HOP)
    # Magnitudes are proportional to the length of the window.
    bands = spectrum @ theirs.mel_matrix().T * (spec.n_fft / dsp.N_FFT)
    bands = np.log10(np.maximum(bands, spec.floor))
    # Their frame j is centered at the start of hop j, and ours in the middle of a hop.
    frames = int(len(bands) * dsp.HOP / dsp.SR * spec.sample_rate / spec.hop)
    seconds = (np.arange(frames) + 0.5) * spec.hop / spec.sample_rate
    at = seconds * dsp.SR / dsp.HOP
    mel = [np.interp(at, np.arange(len(bands)), band) for band in bands.T]
    return np.stack(mel, axis=1).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("text", help="one or more English sentences")
    parser.add_argument("--voice", default="lj-lite", help="a voice of 22,050 Hz")
    parser.add_argument("--out", type=Path, default=Path("speech.wav"), help="the wav to write")
    arguments = parser.parse_args()

    vocoder = Vocoder.load(arguments.voice)
    spectra = magnitudes(Hibari(), arguments.text)
    mels = [log_mel_of(spectrum, vocoder.spec) for spectrum in spectra]
    audio = vocoder.vocode(np.concatenate(mels))  # float32 (frames · hop,)
    write_audio(arguments.out, audio, vocoder.spec.sample_rate)
    print(f"{arguments.out}: {len(audio) / vocoder.spec.sample_rate:.1f} s")


if __name__ == "__main__":
    main()
