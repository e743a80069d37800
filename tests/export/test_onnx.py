"""An `.onnx` voice equals the Keras model in ONNX Runtime, in one call and in any parts."""

import importlib
import json

import numpy as np
import pytest
from helpers import generators

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.voices import onnx_file

pytest.importorskip("tensorflow")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")
# Not skipped: an exporter that cannot be imported is a fault.
exporter = importlib.import_module("tf_melgan.export.onnx.exporter")

NAMES = ("two bands", "fourier, no lookahead")
NO_STATE = np.zeros(0, np.float32)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Returns the file of a geometry in one of the forms, exported on first use."""
    folder, done = tmp_path_factory.mktemp("onnx"), {}

    def file(name: str, stream: bool = False):
        if (name, stream) not in done:
            geometry = generators.GEOMETRIES[name]
            path = folder / f"{name}-{stream}.onnx"
            spec = generators.spec(geometry)
            exporter.export_onnx(generators.generator(geometry), spec, path, stream, name, "CC0")
            done[name, stream] = path
        return done[name, stream]

    return file


@pytest.mark.parametrize("name", NAMES)
def test_any_length_equals_the_model(exported, name):
    session = onnxruntime.InferenceSession(exported(name))
    model = generators.generator(generators.GEOMETRIES[name])
    for frames in (1, 2, 4, 5, 19, 70):
        mel = generators.mels(frames)
        (sound,) = session.run(None, {"mel": mel[None]})
        assert np.abs(sound[0] - generators.synthesize(model, mel)).max() <= 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_of_a_stream_are_the_whole_utterance(exported, name):
    path = exported(name, stream=True)
    session, (_, info, _) = onnxruntime.InferenceSession(path), onnx_file.read(path)
    model, rng = generators.generator(generators.GEOMETRIES[name]), np.random.default_rng(0)
    for frames in rng.integers(info.start_frames, 80, 8):
        mel = generators.mels(frames)
        cuts = generators.random_cuts(frames - info.start_frames, rng, info.start_frames)
        parts = np.split(mel, [*cuts, frames])  # the last one has no frames
        state, sounds = NO_STATE, []
        for index, part in enumerate(parts):
            last = np.array(index == len(parts) - 1)
            sound, state = session.run(None, {"mel": part[None], "state": state, "last": last})
            sounds.append(sound[0])
        expected = generators.synthesize(model, mel)
        assert np.abs(np.concatenate(sounds) - expected).max() <= 1e-5


@pytest.mark.parametrize("stream", [False, True])
def test_a_vocoder_vocodes_and_streams_it(exported, stream):
    path, mel = exported("fourier, no lookahead", stream), generators.mels(300)
    vocoder = Vocoder.load(path, threads=1)
    expected = generators.synthesize(
        generators.generator(generators.GEOMETRIES["fourier, no lookahead"]), mel
    )
    assert np.abs(vocoder.vocode(mel) - expected).max() <= 1e-5
    part = vocoder.stream()
    sounds = [part.push(mel[:3]), part.push(mel[3:150]), part.push(mel[150:]), part.finish()]
    assert np.abs(np.concatenate(sounds) - expected).max() <= 1e-5
    assert len(sounds[1]) > 0


def test_the_file_says_what_it_is(exported):
    path = exported("two bands")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    spec = generators.spec(generators.GEOMETRIES["two bands"])
    assert facts["licence"] == "CC0" and facts["hop"] == str(spec.hop)
    assert MelSpec.from_dict(json.loads(facts["mel_spec"])) == spec
    assert facts == onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map


def test_a_changed_byte_is_found(exported, tmp_path):
    content = exported("two bands").read_bytes()
    rng, path = np.random.default_rng(0), tmp_path / "voice.onnx"
    positions = [*rng.integers(0, len(content), 60), *range(len(content) - 900, len(content), 7)]
    for position in positions:
        damaged = bytearray(content)
        damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(UserInputError, match=r"voice\.onnx"):
            Vocoder.load(path)
    for size in (0, 1, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(UserInputError, match=r"voice\.onnx"):
            Vocoder.load(path)


def test_a_model_of_another_program_is_refused(exported, tmp_path):
    model = onnx.load(exported("two bands"))
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(UserInputError, match="is not a tf-melgan voice"):
        Vocoder.load(tmp_path / "other.onnx")


def test_no_file_appears_if_the_samples_differ(exported, monkeypatch, tmp_path):
    geometry = generators.GEOMETRIES["fourier, no lookahead"]
    converted = onnx.load(exported("fourier, no lookahead", True))
    monkeypatch.setattr(exporter, "_converted", lambda graph: converted)
    other = generators.generator(geometry)
    other.last.bias.assign(other.last.bias + 0.1)
    with pytest.raises(UserInputError, match="not written, since ONNX Runtime"):
        exporter.export_onnx(other, generators.spec(geometry), tmp_path / "voice.onnx", True)
    assert not any(tmp_path.iterdir())


def test_kerass_own_export_has_the_same_samples(tmp_path):
    """Of both ends too, which reflect the signal at positions that depend on its length."""
    generator = generators.generator(generators.GEOMETRIES["one stage"] | {"dilations": (2,)})
    plain = generator.folded()
    generators.synthesize(plain, generators.mels(5))
    plain.export(tmp_path / "keras.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "keras.onnx")
    for frames in (1, 2, 40):
        mel = generators.mels(frames)
        (sound,) = session.run(None, {session.get_inputs()[0].name: mel[None]})
        assert np.abs(sound[0, :, 0] - generators.synthesize(generator, mel)).max() <= 1e-6
