"""A `.tflite` voice equals the Keras model; its streams are bit-identical to one call."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import soundfile
from ai_edge_litert.interpreter import Interpreter
from helpers import generators
from helpers.missing import without

from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines.litert import LiteRTEngine
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.voices import voice_file

pytest.importorskip("tensorflow")
from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.export.tflite import exporter

CALIBRATION = [generators.mels(60, seed=100 + seed) for seed in range(3)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Returns the voice file of a geometry by name, exported on first use."""
    folder, exported = tmp_path_factory.mktemp("voices"), {}

    def file(name: str, weights: str = "float32"):
        if (name, weights) not in exported:
            geometry = generators.GEOMETRIES[name]
            path = folder / f"{name}-{weights}.tflite"
            arguments = (generators.spec(geometry), path, weights, name, "CC0", CALIBRATION)
            exporter.export_tflite(generators.generator(geometry), *arguments)
            exported[name, weights] = path
        return exported[name, weights]

    return file


@pytest.mark.parametrize("name", generators.GEOMETRIES)
def test_any_length_equals_the_model(files, name):
    model, voice = (
        generators.generator(generators.GEOMETRIES[name]),
        LiteRTEngine(files(name), threads=1),
    )
    for frames in (1, 2, voice.info.shortest - 1, voice.info.shortest, voice.info.start_frames, 70):
        mel = generators.mels(max(frames, 1))
        for sound in (voice(mel), voice.full(mel)):
            assert sound.dtype == np.float32 and sound.shape == (len(mel) * voice.spec.hop,)
            assert np.abs(sound - generators.synthesize(model, mel)).max() <= 1e-5


@pytest.mark.parametrize("weights", ["float32", "float16"])
@pytest.mark.parametrize("threads", [1, 2])
def test_streams_are_bit_identical_to_one_call(files, weights, threads):
    rng = np.random.default_rng(threads)
    for index, name in enumerate(generators.GEOMETRIES):
        voice = LiteRTEngine(files(name, weights), threads)
        frames = int(rng.integers(1, 120))
        mel, cuts = generators.mels(frames, seed=index), generators.random_cuts(frames, rng)
        stream = voice.stream()
        pieces = [stream.push(mel[a:b]) for a, b in zip([0, *cuts], [*cuts, frames], strict=True)]
        sound = np.concatenate([*pieces, stream.finish()])
        assert np.array_equal(sound, voice.full(mel)), (name, frames, cuts)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("paper", "int8"),
        ("lite", "int8"),
        # At frame rate each frame has its own scale.
        ("fourier", "int8"),
        ("fourier", "int8-dynamic"),
        ("vocos", "int8"),
    ],
)
def test_int8_streams_are_bit_identical_to_one_call(files, name, weights):
    for streamed, whole in int8_sounds(files(name, weights)):
        assert np.array_equal(streamed, whole)


def test_int8_streams_of_hifigan_differ_by_a_step_at_most(files):
    """A step of the 8-bit samples, in few places."""
    for streamed, whole in int8_sounds(files("hifigan", "int8")):
        differences = np.abs(streamed - whole)
        assert differences.max() <= 1.02 / 128 and (differences > 0).mean() < 0.01


def int8_sounds(path):
    """(streamed in random parts, in one call) of two utterances."""
    voice, rng = LiteRTEngine(path), np.random.default_rng(0)
    for frames in (20, 75):
        mel, cuts = generators.mels(frames), [3, *generators.random_cuts(frames - 3, rng, after=3)]
        stream = voice.stream()
        pieces = [stream.push(mel[a:b]) for a, b in zip([0, *cuts], [*cuts, frames], strict=True)]
        yield np.concatenate([*pieces, stream.finish()]), voice.full(mel)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("paper", "int8"),
        ("fourier", "int8"),
        ("fourier", "int8-dynamic"),
        ("wide", "int8-dynamic"),
    ],
)
def test_int8_is_near_the_model(files, name, weights):
    mel = generators.mels(70)
    expected = generators.synthesize(generators.generator(generators.GEOMETRIES[name]), mel)
    error = LiteRTEngine(files(name, weights)).full(mel) - expected
    measured = 10 * np.log10(np.mean(expected**2) / np.mean(error**2))
    # Below 60, where float16 begins: otherwise no layer would be int8.
    assert 30 < measured < 60


@pytest.mark.parametrize(
    ("name", "weights", "int8", "float32"),
    [
        # Two in each of 2 blocks, and 3 for the spectrum; the others are never int8.
        ("fourier", "int8", 7, 7),
        ("fourier", "int8-dynamic", 7, 7),
        # The first has 10 input bands, too few for int8 with dynamic scales.
        ("wide", "int8-dynamic", 5, 1),
        ("wide", "int8", 6, 0),
    ],
)
def test_int8_is_used_in_wide_convolutions(files, name, weights, int8, float32):
    interpreter = Interpreter(model_path=str(files(name, weights)))
    types = {x["index"]: x["dtype"] for x in interpreter.get_tensor_details()}
    convolutions = [
        [types[index] for index in operation["inputs"][:2]]
        for operation in interpreter._get_ops_details()
        if operation["op_name"] == "CONV_2D"
    ]
    signal = np.int8 if weights == "int8" else np.float32
    assert convolutions.count([signal, np.int8]) == int8
    assert convolutions.count([np.float32, np.float32]) == float32
    assert len(convolutions) == int8 + float32


def test_int8_without_recordings_is_refused(tmp_path):
    model = generators.generator(generators.GEOMETRIES["one stage"])
    with pytest.raises(
        UserInputError,
        match=r"^weights int8: need recordings to calibrate with; give --calibration$",
    ):
        exporter.export_tflite(
            model, generators.spec(generators.PAPER), tmp_path / "x.tflite", "int8"
        )


def test_a_stream_returns_samples_as_early_as_possible(files):
    voice = LiteRTEngine(files("paper"))
    stream, samples = voice.stream(), 0
    for frame, mel in enumerate(generators.mels(20), 1):
        samples += len(stream.push(mel[None]))
        enough = frame >= voice.info.start_frames
        assert samples == (frame * voice.spec.hop - voice.info.lookahead if enough else 0)
    assert len(stream.finish()) == voice.info.lookahead


def test_a_finished_stream_can_be_used_again(files):
    stream = LiteRTEngine(files("paper")).stream()
    sounds = [np.concatenate([stream.push(generators.mels(9)), stream.finish()]) for _ in range(2)]
    assert np.array_equal(*sounds)
    assert len(stream.finish()) == 0


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        *((name, "float32") for name in ("paper", "lite", "odd", "wide")),
        *((name, "float32") for name in ("fourier", "fourier, no lookahead")),
        *((name, "int8-dynamic") for name in ("fourier", "wide")),
    ],
)
@pytest.mark.parametrize("signature", ["vocode", "start", "step", "end"])
def test_xnnpack_runs_each_signature_in_one_delegate(name, weights, signature):
    graph = InferenceGraph(generators.generator(generators.GEOMETRIES[name]))
    function = {signature: exporter.signatures(graph)[signature]}
    content = exporter.finished(exporter.convert(graph, function, weights), 40)
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    names = [operation["op_name"] for operation in interpreter._get_ops_details()]
    assert names.count("DELEGATE") == 1
    delegated = next(o for o in interpreter._get_ops_details() if o["op_name"] == "DELEGATE")
    outputs = {x["index"] for x in interpreter.get_output_details()}
    assert outputs <= set(delegated["outputs"].tolist())


def test_tensors_allocate_without_a_resize(files):
    interpreter = Interpreter(model_path=str(files("paper")))
    interpreter.allocate_tensors()
    for name in ("vocode", "start", "step"):
        details = interpreter.get_signature_runner(name).get_input_details()["mel"]
        assert list(details["shape"]) == [1, 32, 10]
        assert list(details["shape_signature"]) == [1, -1, 10]


def test_interpreters_without_signatures_vocode(files):
    interpreter = Interpreter(model_path=str(files("paper")))
    mel = generators.mels(50)
    (given,), (returned,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(given["index"], [1, *mel.shape])
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], mel[None])
    interpreter.invoke()
    expected = LiteRTEngine(files("paper"), threads=1).full(mel)
    np.testing.assert_array_equal(interpreter.get_tensor(returned["index"])[0], expected)


@pytest.mark.parametrize("name", ["paper", "fourier"])
@pytest.mark.parametrize("signature", ["vocode", "vocode_short", "start", "step"])
def test_two_utterances_are_not_made_one(files, name, signature):
    voice = LiteRTEngine(files(name), threads=1)
    mel = np.stack([generators.mels(40), generators.mels(40, seed=1)])
    states = {} if signature != "step" else voice.runners["start"](mel=mel[:1])
    states.pop("audio", None)
    voice.runners[signature](mel=mel[:1], **states)
    with pytest.raises((RuntimeError, ValueError), match="UNPACK"):
        voice.runners[signature](mel=mel, **states)


def test_smaller_weights_shrink_the_file_and_keep_the_output_close(tmp_path):
    model, mel = generators.generator(generators.PAPER | {"channels": 256}), generators.mels(40)
    expected, sizes, snr = generators.synthesize(model, mel), {}, {}
    for weights in ("float32", "float16", "int8-dynamic"):
        path = tmp_path / f"{weights}.tflite"
        exporter.export_tflite(model, generators.spec(generators.PAPER), path, weights)
        sizes[weights] = path.stat().st_size
        error = LiteRTEngine(path).full(mel) - expected
        snr[weights] = 10 * np.log10(np.mean(expected**2) / np.mean(error**2))
    parameters = model.folded().count_params()
    # Minus the size of the dequantize operations that float16 adds.
    assert 2 * parameters - 100_000 < sizes["float32"] - sizes["float16"] <= 2 * parameters
    assert sizes["int8-dynamic"] < 0.4 * sizes["float32"]
    assert snr["float32"] > 100 and 55 < snr["float16"] < 100 and 25 < snr["int8-dynamic"] < 90


def test_the_file_describes_itself(files):
    with zipfile.ZipFile(files("paper", "float16")) as archive:
        info = json.loads(archive.read("voice.json"))
    geometry = generators.GEOMETRIES["paper"]
    assert info["mel"] == generators.spec(geometry).to_dict()
    assert (info["name"], info["licence"], info["weights"]) == ("paper", "CC0", "float16")
    assert (info["shortest"], info["start_frames"], info["lookahead"]) == (4, 6, 1425)
    summary = voice_file.read(files("paper", "float16")).summary()
    assert summary.endswith(
        "starts after 6 frames (70 ms) and has a latency of 1425 samples (64.6 ms)"
    )


def test_it_runs_with_only_litert_and_numpy(files, tmp_path):
    """In a process that cannot import TensorFlow, Keras or anything of this package."""
    np.save(tmp_path / "mel.npy", generators.mels(33))
    code = f"""{without("tf_melgan", "tensorflow", "keras", "librosa", "jax")}
import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter(model_path={str(files("paper"))!r})
vocode = interpreter.get_signature_runner("vocode")
np.save("sound.npy", vocode(mel=np.load("mel.npy")[None])["audio"])
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)
    expected = LiteRTEngine(files("paper")).full(generators.mels(33))
    assert np.array_equal(np.load(tmp_path / "sound.npy")[0], expected)


def test_the_command_line_vocodes_without_tensorflow_or_keras(files, tmp_path):
    np.save(tmp_path / "mel.npy", generators.mels(80))
    code = f"""{without("tensorflow", "keras", "librosa", "scipy", "soxr", "jax")}
from tf_melgan.cli.main import main

words = ["vocode", "mel.npy", "--voice", {str(files("paper"))!r}, "--float", "--threads", "1"]
sys.exit(main([*words, "--out", "sound.wav"]))
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)
    sound = soundfile.read(tmp_path / "sound.wav", dtype="float32")[0]
    assert np.array_equal(sound, LiteRTEngine(files("paper"), threads=1).full(generators.mels(80)))


def test_damaged_and_foreign_files_are_refused(files, tmp_path):
    good = files("paper").read_bytes()
    changed = bytearray(good)
    changed[len(good) // 2] ^= 1
    bare = good[: voice_file.read(files("paper")).size]
    no_voice = "is not a tf-melgan voice, or is damaged; write it with tf-melgan export"
    lines = {
        "cut.tflite": (good[: len(good) // 2], no_voice),
        "bare.tflite": (bare, no_voice),
        "changed.tflite": (bytes(changed), "its checksum is wrong; copy or export it again"),
        "zeros.tflite": (
            bytes(1000),
            "is not a voice; give a run's folder, a SavedModel, a .tflite, .onnx, .keras or .npz "
            "file",
        ),
    }
    for name, (content, line) in lines.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserInputError) as caught:
            Vocoder.load(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {line}"
