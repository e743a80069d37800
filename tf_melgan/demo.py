"""A sentence, spoken by the voice that ships: its sound, and a picture of it."""

import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tf_melgan import audio, pictures, voices
from tf_melgan.features import log_mel
from tf_melgan.vocoder import Vocoder


def demo(out: Path) -> None:
    """Vocodes the log-mel that ships into `out`/vocoded.wav, with a picture where matplotlib is.

    Raises:
        BadInput: `out` cannot be written.
    """
    mel = np.load(voices.SENTENCE).astype(np.float32)
    begin = time.perf_counter()
    vocoder = Vocoder.load(voices.file(voices.DEFAULT))
    sound = vocoder.vocode(mel)
    took, rate = time.perf_counter() - begin, vocoder.spec.sample_rate
    audio.write(out / "vocoded.wav", sound, rate)
    mels = {"What it was given": mel, f"What {voices.DEFAULT} says": log_mel(sound, vocoder.spec)}
    print(f"{len(sound) / rate:.1f} s of sound in {took:.2f} s, the voice's start included")
    if find_spec("matplotlib") is None:
        print(f"{out}: listen to vocoded.wav (for a picture beside it, pip install matplotlib)")
        return
    pictures.spectrograms(out / "spectrograms.png", mels, vocoder.spec)
    print(f"{out}: listen to vocoded.wav, look at spectrograms.png")
