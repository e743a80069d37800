"""A device with NumPy and ai-edge-litert alone runs a `.tflite` voice."""

import subprocess
import sys

import numpy as np
from helpers.missing import without

from tf_melgan.inference.vocoder import Vocoder

LEFT_OUT = ("soundfile", "soxr", "yaml", "keras", "tensorflow", "jax", "librosa", "scipy")
CODE = f"""{without(*LEFT_OUT)}
import numpy as np
from tf_melgan import Vocoder

vocoder = Vocoder.load("lj-lite", threads=1)
mel = np.load("mel.npy")
stream = vocoder.stream()
parts = [stream.push(mel[:9]), stream.push(mel[9:]), stream.finish()]
np.save("streamed.npy", np.concatenate(parts))
np.save("full.npy", vocoder.vocode(mel))
"""


def test_a_voice_vocodes_and_streams_without_other_packages(tmp_path):
    mel = np.random.default_rng(0).uniform(-4, -1, (40, 80)).astype(np.float32)
    np.save(tmp_path / "mel.npy", mel)
    subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, check=True, capture_output=True)
    expected = Vocoder.load("lj-lite", threads=1).vocode(mel)
    for name in ("full", "streamed"):
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), expected)
