"""The voices that ship: their two files are of the same weights, and they speak."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.generators import said

from tf_melgan import voices
from tf_melgan.audio.mel import log_mel
from tf_melgan.config import Config
from tf_melgan.inference.vocoder import Vocoder


@pytest.mark.parametrize("name", voices.names())
def test_what_is_fine_tuned_from_says_what_the_voice_says(name: str):
    with np.load(voices.voice_path(name, ".npz")) as archive:
        config = Config.from_dict(json.loads(str(archive["config"])))
        keys = sorted(key for key in archive.files if key.startswith("generator/"))
        weights = [archive[key].astype(np.float32) for key in keys]
    generator = config.generator.build_generator(config.mel)
    generator.set_weights(weights)
    mel = np.load(voices.SENTENCE).astype(np.float32)
    spoken = Vocoder.load(name).vocode(mel)
    error = said(generator, mel) - spoken
    # Constants are float16 in the file that speaks.
    assert 10 * np.log10(np.mean(spoken**2) / np.mean(error**2)) > 30


@pytest.mark.parametrize("name", voices.names())
def test_the_mel_of_what_it_says_is_the_mel_it_was_given(name: str):
    vocoder = Vocoder.load(name)
    mel = np.load(voices.SENTENCE).astype(np.float32)
    heard = log_mel(vocoder.vocode(mel), vocoder.spec)
    # In log10; when it was made it was 0.160 and 0.062.
    assert np.abs(heard - mel).mean() < {"lj": 0.2, "lj-lite": 0.08}[name]


def test_what_ships_is_small():
    """Megabytes of what speaks, and of what is fine-tuned from."""
    for suffix, most in ((".tflite", 14), (".npz", 30)):
        sizes = [voices.voice_path(name, suffix).stat().st_size for name in voices.names()]
        assert sum(sizes) < most * 1e6


@pytest.mark.parametrize("name", voices.names())
def test_its_scores_are_of_this_very_file(name: str):
    results = Path(__file__).parents[2] / "benchmarks" / "results" / "quality.json"
    scored = json.loads(results.read_text(encoding="utf-8"))["sha256"][name]
    assert scored == hashlib.sha256(voices.voice_path(name).read_bytes()).hexdigest()
