"""The shipped voices: both files of each have the same weights, and reproduce a sentence."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from helpers.generators import synthesize

from tf_melgan import voices
from tf_melgan.audio.mel import log_mel
from tf_melgan.config import Config
from tf_melgan.inference.vocoder import Vocoder


@pytest.mark.parametrize("name", voices.names())
def test_weights_for_fine_tuning_give_the_output_of_the_voice(name: str):
    with np.load(voices.voice_path(name, ".npz")) as archive:
        config = Config.from_dict(json.loads(str(archive["config"])))
        keys = sorted(key for key in archive.files if key.startswith("generator/"))
        weights = [archive[key].astype(np.float32) for key in keys]
    generator = config.generator.build_generator(config.mel)
    generator.set_weights(weights)
    mel = np.load(voices.SENTENCE).astype(np.float32)
    vocoded = Vocoder.load(name).vocode(mel)
    error = synthesize(generator, mel) - vocoded
    # The .tflite file has constants in float16.
    assert 10 * np.log10(np.mean(vocoded**2) / np.mean(error**2)) > 30


@pytest.mark.parametrize("name", voices.names())
def test_the_output_has_the_mel_of_the_input(name: str):
    vocoder = Vocoder.load(name)
    mel = np.load(voices.SENTENCE).astype(np.float32)
    actual = log_mel(vocoder.vocode(mel), vocoder.spec)
    # In log10; measured: 0.160 and 0.062.
    assert np.abs(actual - mel).mean() < {"lj": 0.2, "lj-lite": 0.08}[name]


def test_shipped_files_are_small():
    """In megabytes: the voices, and the weights for fine-tuning."""
    for suffix, limit in ((".tflite", 14), (".npz", 30)):
        sizes = [voices.voice_path(name, suffix).stat().st_size for name in voices.names()]
        assert sum(sizes) < limit * 1e6


@pytest.mark.parametrize("name", voices.names())
def test_published_scores_are_of_the_shipped_file(name: str):
    results = Path(__file__).parents[2] / "benchmarks" / "results" / "quality.json"
    scored = json.loads(results.read_text(encoding="utf-8"))["sha256"][name]
    assert scored == hashlib.sha256(voices.voice_path(name).read_bytes()).hexdigest()


@pytest.mark.parametrize("name", voices.names())
def test_interpreters_that_know_no_signatures_vocode_one_utterance(name: str):
    path, mel = voices.voice_path(name), np.load(voices.SENTENCE).astype(np.float32)[None, :40]
    interpreter = Interpreter(model_path=str(path))
    given, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    interpreter.resize_tensor_input(given["index"], mel.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], mel)
    interpreter.invoke()
    signature = Interpreter(model_path=str(path)).get_signature_runner("vocode")
    assert np.array_equal(interpreter.get_tensor(made["index"]), signature(mel=mel)["audio"])
    with pytest.raises((RuntimeError, ValueError)):
        signature(mel=np.concatenate([mel, mel]))
