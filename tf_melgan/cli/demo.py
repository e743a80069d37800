"""`tf-melgan demo`: vocodes a sentence with a shipped voice, writes a wav and spectrograms."""

import argparse
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan import voices
from tf_melgan.cli.options import add_command, hide_engine_logs, local_path


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "demo",
        _run,
        "Vocode a sentence with a shipped voice and plot its spectrogram.",
        "demo",
    )
    command.add_argument(
        "out",
        nargs="?",
        type=local_path,
        default=Path("demo"),
        help="output folder (default: demo)",
    )


def _run(arguments: argparse.Namespace) -> None:
    from tf_melgan.audio.mel import log_mel
    from tf_melgan.audio.sound_files import write_audio
    from tf_melgan.inference.vocoder import Vocoder

    out = arguments.out
    mel = np.load(voices.SENTENCE).astype(np.float32)
    start = time.perf_counter()
    with hide_engine_logs():
        vocoder = Vocoder.load(voices.DEFAULT)
        audio = vocoder.vocode(mel)
    seconds, rate = time.perf_counter() - start, vocoder.spec.sample_rate
    write_audio(out / "vocoded.wav", audio, rate)
    print(f"{len(audio) / rate:.1f} s of sound in {seconds:.2f} s, including loading the voice")
    if find_spec("matplotlib") is None:
        print(f"{out}: listen to vocoded.wav (for spectrograms, pip install matplotlib)")
        return
    from tf_melgan.evaluation.pictures import spectrograms

    mels = {
        "Input mel": mel,
        f"Output of {voices.DEFAULT}": log_mel(audio, vocoder.spec),
    }
    spectrograms(out / "spectrograms.png", mels, vocoder.spec)
    print(f"{out}: listen to vocoded.wav, look at spectrograms.png")
