"""All of it once, small: speech out of nothing, a vocoder trained on it, a sentence through it."""

import itertools
from importlib import resources
from pathlib import Path

from tf_melgan import audio, pictures
from tf_melgan.config import Config
from tf_melgan.espeak import speak
from tf_melgan.features import log_mel
from tf_melgan.preparation import prepare
from tf_melgan.progress import Progress
from tf_melgan.training import train
from tf_melgan.vocoder import Vocoder

_WHO = ("My neighbor", "The old captain", "A young doctor", "Nobody in the village")
_DID = ("quietly opened", "measured", "forgot about", "would ever sell")
_WHAT = ("the green boat", "eleven chairs", "that photograph", "a jar of honey")
_HELD_OUT = "Thank you for listening, this voice was learned in just two minutes."


def sentences() -> list[str]:
    """64 sentences, some three minutes when spoken."""
    return [" ".join(words) + "." for words in itertools.product(_WHO, _DID, _WHAT)]


def demo(out: Path) -> None:
    """Speaks, prepares, trains and vocodes below `out`; called again, goes on where it stopped.

    Raises:
        BadInput: `out` cannot be written.
        ImportError: espeakng-loader is not installed (it is in the extra `dev`).
    """
    said = {f"recordings/{number:03}": text for number, text in enumerate(sentences())}
    _record(out, {**said, "sentence": _HELD_OUT})
    config = _smoke()
    print(prepare(out / "recordings", out / "prepared", config.mel))
    train(config, out / "prepared", out / "run")

    mel = log_mel(audio.load(out / "sentence.wav", config.mel.sample_rate), config.mel)
    vocoded = Vocoder.load(out / "run").vocode(mel)
    audio.write(out / "vocoded.wav", vocoded, config.mel.sample_rate)
    mels = {"Spoken": mel, "Vocoded from its mel": log_mel(vocoded, config.mel)}
    pictures.spectrograms(out / "spectrograms.png", mels, config.mel)
    print(f"{out}: listen to sentence.wav and vocoded.wav, look at spectrograms.png")


def _smoke() -> Config:
    with resources.as_file(resources.files("tf_melgan.configs") / "smoke.yaml") as path:
        return Config.load(path)


def _record(folder: Path, said: dict[str, str]) -> None:
    with Progress(len(said), "speak", "sentences") as progress:
        for name, sentence in said.items():
            path = folder / f"{name}.wav"
            # espeak-ng never says a sentence twice in the same way: what was said stays.
            if not path.exists():
                audio.write(path, *speak(sentence))
            progress.advance(note=sentence)
