"""`tf-melgan demo`: a sentence by the voice that ships, its sound and its picture."""

import argparse
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan import voices
from tf_melgan.cli.options import add_command, hide_engine_logs


def add_parser(commands: Any) -> None:
    command = add_command(
        commands, "demo", _run, "Hear the voice that ships, and see its sound.", "demo"
    )
    command.add_argument("out", nargs="?", type=Path, default=Path("demo"), help="(default: demo)")


def _run(arguments: argparse.Namespace) -> None:
    from tf_melgan.audio.mel import log_mel
    from tf_melgan.audio.sound_files import write_audio
    from tf_melgan.inference.vocoder import Vocoder

    out = arguments.out
    mel = np.load(voices.SENTENCE).astype(np.float32)
    start = time.perf_counter()
    with hide_engine_logs():
        vocoder = Vocoder.load(voices.DEFAULT)
        sound = vocoder.vocode(mel)
    took, rate = time.perf_counter() - start, vocoder.spec.sample_rate
    write_audio(out / "vocoded.wav", sound, rate)
    print(f"{len(sound) / rate:.1f} s of sound in {took:.2f} s, the voice's start included")
    if find_spec("matplotlib") is None:
        print(f"{out}: listen to vocoded.wav (for a picture beside it, pip install matplotlib)")
        return
    from tf_melgan.evaluation.pictures import spectrograms

    mels = {
        "The mel it was given": mel,
        f"The sound of {voices.DEFAULT}": log_mel(sound, vocoder.spec),
    }
    spectrograms(out / "spectrograms.png", mels, vocoder.spec)
    print(f"{out}: listen to vocoded.wav, look at spectrograms.png")
