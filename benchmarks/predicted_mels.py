"""Recordings with the mels that an acoustic model predicts for them: hibari's sound and spectra.

    pip install hibari-tts==0.2.1
    python -m benchmarks.predicted_mels OUT

Writes 112 sentences: OUT/recordings/*/*.wav, what hibari makes of its spectra itself, and
OUT/mels/*/*.npy, the log-mels of the spectra for `lj-lite`. One in eight is for validation.
"""

import argparse
from pathlib import Path

import numpy as np
from hibari import Hibari

from examples.text_to_speech import log_mel_of, magnitudes
from tf_melgan import MelSpec
from tf_melgan.audio.sound_files import resample, write_audio

_SENTENCES, _EACH = 112, 8
_WHO = (
    "The harbor master",
    "Our youngest neighbor",
    "A quiet engineer",
    "Nobody in the village",
    "Every third passenger",
    "The woman with the red umbrella",
    "My uncle George",
    "An old fisherman",
    "The new teacher",
    "Her cousin from Zurich",
    "Two tired surveyors",
    "The judge",
)
_DOES = (
    "counted the boats",
    "measured the width of the bridge",
    "asked for seven tickets",
    "wrote a short letter",
    "repaired the church clock",
    "sold five jars of honey",
    "watched the geese fly over",
    "forgot the keys",
    "bought a pound of cherries",
    "heard a strange noise",
    "chose the longer path",
    "read the whole report aloud",
    "would rather have stayed",
)
_WHEN = (
    "before the fog had lifted",
    "on Thursday evening",
    "while the others were asleep",
    "though it was raining",
    "in the middle of July",
    "without saying why",
    "as usual",
    "because the road was closed",
    "under the wooden roof",
    "at a quarter past nine",
    "near the southern valley",
)


def sentences(count: int) -> list[str]:
    """Sentences that differ, the same at each call."""
    random = np.random.default_rng(0)
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        who, does, when = (str(random.choice(words)) for words in (_WHO, _DOES, _WHEN))
        chosen[f"{who} {does} {when}."] = None
    return list(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    out, spec, model = parser.parse_args().out, MelSpec(), Hibari()
    for index, text in enumerate(sentences(_SENTENCES)):
        name = f"{'train' if index % _EACH else 'validation'}/{index:03}"
        sound = resample(model(text, seed=index), model.sample_rate, spec.sample_rate)
        write_audio(out / "recordings" / f"{name}.wav", sound, spec.sample_rate)
        path = out / "mels" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.concatenate([log_mel_of(x, spec) for x in magnitudes(model, text)]))


if __name__ == "__main__":
    main()
