"""A voice gives the same output in one call or streamed, from a model, a file or a run."""

import re
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers.missing import without

from tf_melgan import voices
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config import Config
from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines import recomputed
from tf_melgan.inference.engines.keras_engine import KerasEngine
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.models.melgan.generator import MelGANGenerator
from tf_melgan.training.gan import MelGAN

SMALL = {
    "mel": {"hop": 32, "n_fft": 256, "n_mels": 20},
    "generator": {"channels": 16, "upsampling": [4, 2], "bands": 4, "initializer": "torch"},
    "discriminator": {"scales": 1, "channels": 8, "max_channels": 16},
    "training": {"segment": 1024},
}
SPEC = Config.from_dict(SMALL).mel


def generator(**changes):
    settings = {**SMALL["generator"], **changes}
    model = MelGANGenerator(n_mels=20, **settings)
    model.build((None, None, 20))
    return model


def mel_of(frames):
    return np.random.default_rng(frames).uniform(-5, 0, (frames, 20)).astype(np.float32)


@pytest.mark.parametrize("frames", [1, 2, 50])
def test_output_has_one_hop_of_samples_per_frame(frames):
    sound = Vocoder(KerasEngine(generator(), SPEC)).vocode(mel_of(frames).astype(np.float64))
    assert sound.shape == (frames * SPEC.hop,) and sound.dtype == np.float32


@pytest.mark.parametrize("bands", [1, 4])
@pytest.mark.parametrize("dilations", [(1,), (1, 3, 9)])
def test_context_covers_the_frames_that_affect_the_output(bands, dilations):
    upsampling = (8 // bands, 2, 2, 1) if bands == 4 else (4, 2, 2, 2)
    model = generator(bands=bands, dilations=dilations, upsampling=upsampling)
    frames, position = 81, 40
    mel = mel_of(frames)[None]
    mel[0, position] = np.nan
    sound = keras.ops.convert_to_numpy(model(mel))[0, :, 0]
    touched = np.flatnonzero(np.isnan(sound)) // (len(sound) // frames)
    reach = max(position - touched.min(), touched.max() - position)
    # Rounding up to a frame of a slower rate may add one at each stage.
    assert reach <= model.context <= reach + len(upsampling)


@pytest.mark.parametrize("frames", [1, 31, 32, 33, 200])
def test_chunks_equal_one_call(frames, monkeypatch):
    engine, mel = KerasEngine(generator(), SPEC), mel_of(frames)
    expected = engine(mel)
    monkeypatch.setattr(recomputed, "_CHUNK_FRAMES", 32)
    pieces = engine(mel)
    assert pieces.shape == expected.shape
    assert np.abs(pieces - expected).max() <= 1e-6 * np.abs(expected).max()


def test_a_stream_equals_one_call_and_is_as_early_as_possible():
    engine = KerasEngine(generator(), SPEC)
    expected, stream, pushed = engine(mel_of(70)), Vocoder(engine).stream(), 0
    pieces = []
    for chunk in (mel_of(70)[:1], mel_of(70)[1:40], mel_of(70)[40:41], mel_of(70)[41:]):
        pieces.append(stream.push(chunk))
        pushed += len(chunk)
        assert sum(map(len, pieces)) == max(0, pushed - engine.context) * SPEC.hop
    sound = np.concatenate([*pieces, stream.finish()])
    assert np.abs(sound - expected).max() <= 1e-6 * np.abs(expected).max()


def test_a_stream_continues_after_a_refused_mel():
    stream = Vocoder(KerasEngine(generator(), SPEC)).stream()
    sound = [stream.push(mel_of(30))]
    with pytest.raises(UserInputError, match=r"^mel: has shape \(3, 19\), not \(frames, 20\)$"):
        stream.push(mel_of(3)[:, 1:])
    sound = np.concatenate([*sound, stream.finish()])
    assert len(sound) == 30 * SPEC.hop


def test_a_saved_voice_keeps_its_mel_spec_and_output(tmp_path):
    spec = MelSpec(**SMALL["mel"], log="ln", fmin=50.0)
    engine = KerasEngine(generator(), spec)
    engine.save(tmp_path / "voice.keras")
    loaded = Vocoder.load(tmp_path / "voice.keras")
    assert loaded.spec == spec
    np.testing.assert_array_equal(loaded.vocode(mel_of(9)), engine(mel_of(9)))
    decimal = loaded.vocode(mel_of(9) / np.log(10), source=replace(spec, log="log10"))
    np.testing.assert_allclose(decimal, engine(mel_of(9)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_save_generator_uses_the_averaged_weights(tmp_path, ema):
    model = MelGAN(Config.from_dict(SMALL).with_values(**{"training.ema_decay": ema}))
    model.generator.first.set_weights([1.1 * x for x in model.generator.first.get_weights()])
    model.save_generator(tmp_path / "voice.keras")
    loaded = Vocoder.load(tmp_path / "voice.keras")
    assert loaded.spec == SPEC
    expected = model.average if ema else model.generator
    np.testing.assert_array_equal(loaded.vocode(mel_of(9)), KerasEngine(expected, SPEC)(mel_of(9)))
    same = np.array_equal(loaded.vocode(mel_of(9)), KerasEngine(model.generator, SPEC)(mel_of(9)))
    assert same == (ema == 0)


def test_files_that_are_not_voices_are_refused(tmp_path):
    generator().save(tmp_path / "bare.keras")
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "other.keras")
    (tmp_path / "noise.keras").write_bytes(b"noise")
    for name in ("voice.onnx", "voice.bin"):
        (tmp_path / name).write_bytes(b"noise")
    remedy = "save the generator with MelGAN.save_generator"
    kinds = "give a run's folder, a SavedModel, a .tflite, .onnx, .keras or .npz file"
    named = f"{kinds}, or {', '.join(voices.names())}"
    lines = {
        "bare.keras": f"does not say which mel it reads; {remedy}",
        "other.keras": f"does not say which mel it reads; {remedy}",
        "noise.keras": "cannot be loaded; give a .keras file that tf-melgan saved",
        "voice.onnx": "is not a tf-melgan voice, or is damaged; write it with tf-melgan export",
        "voice.bin": f"is not a voice; {kinds}",
        "none": f"no such file or folder; {named}",
    }
    for name, line in lines.items():
        with pytest.raises(UserInputError, match=f"^{re.escape(f'{tmp_path / name}: {line}')}$"):
            Vocoder.load(tmp_path / name)


def test_without_keras_the_missing_extra_is_named(tmp_path):
    (tmp_path / "voice.keras").touch()
    code = f"""{without("keras", "tensorflow", "librosa", "scipy", "soxr")}
import numpy as np
import tf_melgan
from tf_melgan.cli.main import main

assert tf_melgan.log_mel(np.zeros(2560), tf_melgan.MelSpec()).shape == (10, 80)
for attempt in (lambda: tf_melgan.MelGAN, lambda: tf_melgan.Vocoder.load({str(tmp_path)!r})):
    try:
        attempt()
    except ImportError as error:
        print(error)
print(main(["vocode", __file__, "--voice", {str(tmp_path / "voice.keras")!r}, "--out", "x"]))
"""
    script = tmp_path / "script.npy"
    script.write_text(code)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    extra = (
        "needs keras, which is not installed; install tf-melgan with its extra train: "
        'pip install ".[train]" in its folder'
    )
    assert done.stdout.splitlines() == [
        f"tf_melgan.MelGAN {extra}",
        f"{tmp_path} {extra}",
        "2",
    ]
    assert done.stderr == f"tf-melgan: {tmp_path / 'voice.keras'} {extra}\n"
