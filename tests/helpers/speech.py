"""Recordings from the folder in TF_MELGAN_SPEECH, or synthetic speech if it is not set."""

import os
import tempfile
from functools import cache
from pathlib import Path

from helpers import espeak
from tf_melgan.audio.sound_files import resample, write_audio

_SENTENCES = (
    "The harbor lay quiet under a thin morning fog, and nobody had yet come down to the boats.",
    "She counted the steps aloud, forty two of them, and stopped before the last green door.",
    "Rain is expected in the north, while the valleys further south should stay dry until night.",
    "He asked whether seven tickets would do; perhaps, she said, but eight would be better.",
    "Old bridges of this kind were built of oak, and many of them still carry a railway.",
    "Please leave the keys with our neighbor, feed the cat, and water the two smallest plants.",
)


@cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="tf-melgan-speech-")


@cache
def _synthesized(index: int) -> Path:
    path = Path(_folder().name) / f"sentence-{index:02d}.wav"
    sound, rate = espeak.speak(_SENTENCES[index % len(_SENTENCES)], speed=150 + index)
    write_audio(path, resample(sound, rate, 22050), 22050)
    return path


def recordings(count: int) -> list[Path]:
    """`count` recordings of one speaker, 22.05 kHz mono, of a few seconds each."""
    folder = os.environ.get("TF_MELGAN_SPEECH")
    if folder:
        return sorted((Path(folder) / "ljspeech" / "train").glob("*.flac"))[:count]
    return [_synthesized(index) for index in range(count)]
