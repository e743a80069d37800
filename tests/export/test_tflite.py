"""A `.tflite` voice says what the Keras model says, in one piece or in any, to the bit."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import soundfile
from ai_edge_litert.interpreter import Interpreter
from helpers import generators

from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines.litert import LiteRTEngine
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.voices import voice_file

pytest.importorskip("tensorflow")
from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.export.tflite import exporter

SWEEP = 20
CALIBRATION = [generators.mels(60, seed=100 + seed) for seed in range(3)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A voice's file for each geometry, by name; made when it is first asked for."""
    folder, made = tmp_path_factory.mktemp("voices"), {}

    def file(name: str, weights: str = "float32"):
        if (name, weights) not in made:
            geometry = generators.GEOMETRIES[name]
            path = folder / f"{name}-{weights}.tflite"
            given = (generators.spec(geometry), path, weights, name, "CC0", CALIBRATION)
            exporter.export_tflite(generators.generator(geometry), *given)
            made[name, weights] = path
        return made[name, weights]

    return file


@pytest.mark.parametrize("name", generators.GEOMETRIES)
def test_it_equals_the_model_at_any_length(files, name):
    made, voice = (
        generators.generator(generators.GEOMETRIES[name]),
        LiteRTEngine(files(name), threads=1),
    )
    for frames in (1, 2, voice.info.shortest - 1, voice.info.shortest, voice.info.start_frames, 70):
        mel = generators.mels(max(frames, 1))
        for sound in (voice(mel), voice.full(mel)):
            assert sound.dtype == np.float32 and sound.shape == (len(mel) * voice.spec.hop,)
            assert np.abs(sound - generators.said(made, mel)).max() <= 1e-5


@pytest.mark.parametrize("weights", ["float32", "float16"])
@pytest.mark.parametrize("threads", [1, 2])
def test_any_chunking_gives_the_bits_of_the_whole(files, weights, threads):
    rng = np.random.default_rng(threads)
    for index in range(SWEEP // 2):
        name = list(generators.GEOMETRIES)[index % len(generators.GEOMETRIES)]
        voice = LiteRTEngine(files(name, weights), threads)
        frames = int(rng.integers(1, 120))
        mel, cuts = generators.mels(frames, seed=index), generators.cuts(frames, rng)
        stream = voice.stream()
        pieces = [stream.push(mel[a:b]) for a, b in zip([0, *cuts], [*cuts, frames], strict=True)]
        sound = np.concatenate([*pieces, stream.finish()])
        assert np.array_equal(sound, voice.full(mel)), (name, frames, cuts)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("paper", "int8"),
        ("lite", "int8"),
        # At frame rate each frame has a scale of its own.
        ("fourier", "int8"),
        ("fourier", "int8-dynamic"),
    ],
)
def test_scales_make_no_difference_between_chunkings(files, name, weights):
    voice, rng = LiteRTEngine(files(name, weights)), np.random.default_rng(0)
    for frames in (20, 75):
        mel, cuts = generators.mels(frames), [3, *generators.cuts(frames - 3, rng, after=3)]
        stream = voice.stream()
        pieces = [stream.push(mel[a:b]) for a, b in zip([0, *cuts], [*cuts, frames], strict=True)]
        assert np.array_equal(np.concatenate([*pieces, stream.finish()]), voice.full(mel))


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("paper", "int8"),
        ("fourier", "int8"),
        ("fourier", "int8-dynamic"),
        ("wide", "int8-dynamic"),
    ],
)
def test_int8_says_nearly_the_same(files, name, weights):
    mel = generators.mels(70)
    expected = generators.said(generators.generator(generators.GEOMETRIES[name]), mel)
    error = LiteRTEngine(files(name, weights)).full(mel) - expected
    measured = 10 * np.log10(np.mean(expected**2) / np.mean(error**2))
    # Less than float16 has, from 60 up: otherwise nothing was made int8.
    assert 30 < measured < 60


@pytest.mark.parametrize(
    ("name", "weights", "int8", "float32"),
    [
        # Two of each of 2 blocks, and 3 to the spectrum; the others are never int8.
        ("fourier", "int8", 7, 7),
        ("fourier", "int8-dynamic", 7, 7),
        # The first is of 10 bands: too narrow for signals that are scaled as they come.
        ("wide", "int8-dynamic", 5, 1),
        ("wide", "int8", 6, 0),
    ],
)
def test_int8_computes_what_is_wide(files, name, weights, int8, float32):
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


def test_int8_without_recordings_says_what_it_needs(tmp_path):
    made = generators.generator(generators.GEOMETRIES["one stage"])
    with pytest.raises(
        UserInputError,
        match=r"^weights int8: need recordings to calibrate with; give --calibration$",
    ):
        exporter.export_tflite(
            made, generators.spec(generators.PAPER), tmp_path / "x.tflite", "int8"
        )


def test_sound_comes_as_soon_as_it_exists(files):
    voice = LiteRTEngine(files("paper"))
    stream, given = voice.stream(), 0
    for frame, mel in enumerate(generators.mels(20), 1):
        given += len(stream.push(mel[None]))
        enough = frame >= voice.info.start_frames
        assert given == (frame * voice.spec.hop - voice.info.lookahead if enough else 0)
    assert len(stream.finish()) == voice.info.lookahead


def test_a_stream_can_be_used_again(files):
    stream = LiteRTEngine(files("paper")).stream()
    sounds = [np.concatenate([stream.push(generators.mels(9)), stream.finish()]) for _ in range(2)]
    assert np.array_equal(*sounds)
    assert len(stream.finish()) == 0


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        *((name, "float32") for name in ("paper", "lite", "odd", "wide")),
        *((name, "float32") for name in ("fourier", "fourier, blind")),
        *((name, "int8-dynamic") for name in ("fourier", "wide")),
    ],
)
@pytest.mark.parametrize("signature", ["vocode", "start", "step", "end"])
def test_xnnpack_takes_all_of_it_as_one(name, weights, signature):
    graph = InferenceGraph(generators.generator(generators.GEOMETRIES[name]))
    function = {signature: exporter.signatures(graph)[signature]}
    model = exporter.with_default_frames(exporter.convert(graph, function, weights), 40)
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    names = [operation["op_name"] for operation in interpreter._get_ops_details()]
    assert names.count("DELEGATE") == 1
    delegated = next(o for o in interpreter._get_ops_details() if o["op_name"] == "DELEGATE")
    outputs = {x["index"] for x in interpreter.get_output_details()}
    assert outputs <= set(delegated["outputs"].tolist())


def test_it_allocates_as_it_is(files):
    interpreter = Interpreter(model_path=str(files("paper")))
    interpreter.allocate_tensors()
    for name in ("vocode", "start", "step"):
        details = interpreter.get_signature_runner(name).get_input_details()["mel"]
        assert list(details["shape"]) == [1, 32, 10]
        assert list(details["shape_signature"]) == [1, -1, 10]


def test_fewer_bits_shrink_the_file_and_change_the_sound_a_little(tmp_path):
    made, mel = generators.generator(generators.PAPER | {"channels": 256}), generators.mels(40)
    expected, sizes, snr = generators.said(made, mel), {}, {}
    for weights in ("float32", "float16", "int8-dynamic"):
        path = tmp_path / f"{weights}.tflite"
        exporter.export_tflite(made, generators.spec(generators.PAPER), path, weights)
        sizes[weights] = path.stat().st_size
        error = LiteRTEngine(path).full(mel) - expected
        snr[weights] = 10 * np.log10(np.mean(expected**2) / np.mean(error**2))
    parameters = made.folded().count_params()
    # Less what it takes to describe as many conversions.
    assert 2 * parameters - 100_000 < sizes["float32"] - sizes["float16"] <= 2 * parameters
    assert sizes["int8-dynamic"] < 0.4 * sizes["float32"]
    assert snr["float32"] > 100 and 55 < snr["float16"] < 100 and 25 < snr["int8-dynamic"] < 90


def test_the_file_says_what_it_is(files):
    with zipfile.ZipFile(files("paper", "float16")) as archive:
        said = json.loads(archive.read("voice.json"))
    geometry = generators.GEOMETRIES["paper"]
    assert said["mel"] == generators.spec(geometry).to_dict()
    assert (said["name"], said["licence"], said["weights"]) == ("paper", "CC0", "float16")
    assert (said["shortest"], said["start_frames"], said["lookahead"]) == (4, 6, 1425)
    summary = voice_file.read(files("paper", "float16")).summary()
    assert summary.endswith("begins with 6 frames (70 ms) and lags 1425 samples (64.6 ms)")


def test_it_runs_where_there_is_only_litert_and_numpy(files, tmp_path):
    """In a process that cannot import TensorFlow, Keras or anything of this package."""
    np.save(tmp_path / "mel.npy", generators.mels(33))
    code = f"""
import importlib.abc, sys

class Only(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {{"tf_melgan", "tensorflow", "keras", "librosa", "jax"}}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Only())
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
    code = f"""
import importlib.abc, sys

class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {{"tensorflow", "keras", "librosa", "scipy", "soxr", "jax"}}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Without())
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
    model = good[: voice_file.read(files("paper")).size]
    no_voice = "is not a tf-melgan voice, or is damaged; write it with tf-melgan export"
    lines = {
        "cut.tflite": (good[: len(good) // 2], no_voice),
        "bare.tflite": (model, no_voice),
        "changed.tflite": (bytes(changed), "its checksum is wrong; copy or export it again"),
        "zeros.tflite": (
            bytes(1000),
            "is not a voice; give a run's folder, a SavedModel, a .keras or a .tflite file",
        ),
    }
    for name, (content, line) in lines.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserInputError) as caught:
            Vocoder.load(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {line}"


def test_a_model_that_litert_cannot_read_is_refused(files, tmp_path):
    info = voice_file.read(files("paper"))
    voice_file.write(tmp_path / "voice.tflite", b"\x1c\x00\x00\x00TFL3" + bytes(100), info)
    with pytest.raises(UserInputError, match="this LiteRT cannot run it"):
        Vocoder.load(tmp_path / "voice.tflite")
