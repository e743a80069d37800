"""A SavedModel equals the Keras model: in batches, streamed, and in other processes."""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from helpers import generators
from helpers.missing import without

tf = pytest.importorskip("tensorflow")
from tf_melgan.audio.mel import log_mel  # noqa: E402
from tf_melgan.errors import UserInputError  # noqa: E402
from tf_melgan.export.inference_graph import InferenceGraph  # noqa: E402
from tf_melgan.export.saved_model import export_saved_model  # noqa: E402
from tf_melgan.inference.engines import saved_model  # noqa: E402
from tf_melgan.inference.engines.saved_model import SavedModelEngine  # noqa: E402

GEOMETRIES = {
    **generators.GEOMETRIES,
    **{f"random {seed}": generators.random_geometry(seed) for seed in range(100, 104)},
}
# Runs without tf_melgan, with only TensorFlow and NumPy.
WITHOUT_TF_MELGAN = f"""{without("tf_melgan", "librosa", "ai_edge_litert")}
import json
import numpy as np, tensorflow as tf

voice = tf.saved_model.load(sys.argv[1]).signatures
spec = json.loads(voice["mel_spec"]()["mel_spec"].numpy())
sound = tf.constant(np.load(sys.argv[2]))
mel = voice["log_mel"](waveform=sound)["mel"]
audio = voice["serving_default"](mel=mel)["audio"]
np.savez(sys.argv[3], mel=mel, audio=audio, **spec)
"""


@pytest.fixture(scope="module", params=GEOMETRIES)
def exported(request, tmp_path_factory):
    """A generator and the voice exported from it."""
    geometry = GEOMETRIES[request.param]
    generator, path = generators.generator(geometry), tmp_path_factory.mktemp("voice") / "voice"
    info = export_saved_model(generator, generators.spec(geometry), path, request.param, "CC0")
    voice = SavedModelEngine(path)
    assert voice.info == info
    return generator, voice


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of an exported voice; tests must not change it."""
    path = tmp_path_factory.mktemp("voice") / "voice"
    geometry = generators.GEOMETRIES["lite"]
    export_saved_model(generators.generator(geometry), generators.spec(geometry), path)
    return path


def test_mels_of_any_length_equal_the_model(exported):
    generator, voice = exported
    for frames in (1, 2, 3, voice.info.shortest - 1, voice.info.shortest, 50):
        mel = generators.mels(max(frames, 1))
        sound = voice.full(mel)
        assert sound.shape == (len(mel) * voice.spec.hop,) and sound.dtype == np.float32
        assert np.abs(sound - generators.synthesize(generator, mel)).max() <= 1e-5


def test_a_batch_equals_its_members(exported):
    generator, voice = exported
    for frames in (2, 40):
        batch = np.stack([generators.mels(frames, seed=seed) for seed in range(3)])
        sounds = voice.runners["serving_default"](mel=batch)["audio"]
        expected = [generators.synthesize(generator, mel) for mel in batch]
        assert np.abs(sounds - np.stack(expected)).max() <= 1e-5


def test_a_padded_batch_equals_its_members(exported):
    generator, voice = exported
    lengths = np.array([1, 2, 3, 4, 11, 40, 0], np.int32)
    batch = np.full((len(lengths), 40, 10), voice.spec.log_floor, np.float32)
    for row, frames in enumerate(lengths):
        batch[row, :frames] = generators.mels(frames, seed=row)
    outputs = saved_model._runner(voice._model.signatures["padded"])(mel=batch, lengths=lengths)
    np.testing.assert_array_equal(outputs["samples"], lengths * voice.spec.hop)
    for mel, frames, sound in zip(batch, lengths, outputs["audio"], strict=True):
        end = frames * voice.spec.hop
        assert not sound[end:].any()
        if frames:
            assert (
                np.abs(sound[:end] - generators.synthesize(generator, mel[:frames])).max() <= 1e-5
            )


def test_streams_equal_the_model(exported):
    generator, voice = exported
    rng = np.random.default_rng(0)
    stream = voice.stream()
    for frames in (1, 3, voice.info.start_frames, 60, 200):
        mel = generators.mels(frames)
        pieces = [
            stream.push(piece) for piece in np.split(mel, generators.random_cuts(frames, rng))
        ]
        sound = np.concatenate([*pieces, stream.finish()])
        assert np.abs(sound - generators.synthesize(generator, mel)).max() <= 1e-5


def test_long_mels_are_vocoded_in_steps(exported, monkeypatch):
    generator, voice = exported
    monkeypatch.setattr(voice, "step", 16)
    monkeypatch.setattr(voice, "full", None)
    mel = generators.mels(101)
    assert np.abs(voice(mel) - generators.synthesize(generator, mel)).max() <= 1e-5


def test_voice_info_equals_that_of_the_graph(exported):
    generator, voice = exported
    graph, info = InferenceGraph(generator), voice.info
    assert (info.shortest, info.start_frames, info.lookahead) == (
        graph.shortest,
        graph.start_frames,
        graph.lookahead,
    )
    assert info.weights == "float32" and info.licence == "CC0" and info.mel.n_mels == 10


def test_it_runs_without_tf_melgan(folder, tmp_path):
    voice = SavedModelEngine(folder)
    rng = np.random.default_rng(0)
    sound = rng.uniform(-0.5, 0.5, (2, 40 * voice.spec.hop - 17)).astype(np.float32)
    np.save(tmp_path / "sound.npy", sound)
    command = [
        sys.executable,
        "-c",
        WITHOUT_TF_MELGAN,
        folder,
        tmp_path / "sound.npy",
        tmp_path / "out.npz",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    out = np.load(tmp_path / "out.npz")
    expected = log_mel(sound.astype(np.float64), voice.spec)
    assert out["mel"].shape == expected.shape == (2, 40, 10)
    assert np.abs(out["mel"] - expected).max() <= 1e-5
    for mel, audio in zip(out["mel"], out["audio"], strict=True):
        assert np.abs(audio - voice.full(mel)).max() <= 1e-5
    assert {key: out[key].item() for key in voice.spec.to_dict()} == voice.spec.to_dict()


def test_saved_model_cli_lists_its_signatures(folder):
    cli = "from tensorflow.python.tools.saved_model_cli import main; main()"
    command = [sys.executable, "-c", cli, "show", "--dir", folder, "--tag_set", "serve"]
    done = subprocess.run(command, capture_output=True, text=True)
    for name in ("serving_default", "padded", "log_mel", "mel_spec", "start", "step", "end"):
        assert f'"{name}"' in done.stdout


def test_foreign_and_damaged_folders_are_refused(folder, tmp_path):
    def copied(name):
        return shutil.copytree(folder, tmp_path / name)

    tf.saved_model.save(tf.Module(), str(tmp_path / "foreign"))
    (copied("changed") / "saved_model.pb").open("ab").write(b"0")
    (copied("cut") / "variables" / "variables.index").unlink()
    (copied("bare") / saved_model.ENTRY).unlink()
    (copied("no JSON") / saved_model.ENTRY).write_text("{")
    entry = copied("unlike") / saved_model.ENTRY
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"mel": {"hop": -1}}))
    entry = copied("other lookahead") / saved_model.ENTRY
    entry.write_text(entry.read_text().replace('"lookahead": ', '"lookahead": 1'))
    (tmp_path / "empty").mkdir()
    no_voice = "is not a tf-melgan voice, or is damaged; write it with tf-melgan export"
    checksum = "its checksum is wrong; copy or export it again"
    for name, line in {
        "foreign": no_voice,
        "bare": no_voice,
        "no JSON": no_voice,
        "unlike": no_voice,
        "other lookahead": no_voice,
        "empty": no_voice,
        "none": no_voice,
        "changed": checksum,
        "cut": checksum,
    }.items():
        with pytest.raises(UserInputError) as caught:
            SavedModelEngine(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {line}"


def test_a_model_that_tensorflow_cannot_run_is_refused(folder, tmp_path):
    """A damaged model with a voice entry whose checksum fits it."""
    path = shutil.copytree(folder, tmp_path / "voice")
    (path / "saved_model.pb").write_bytes(b"noise")
    info = saved_model.stamped(SavedModelEngine(folder).info, path)
    (path / saved_model.ENTRY).write_text(json.dumps(asdict(info)))
    with pytest.raises(
        UserInputError, match=rf"^{path}: TensorFlow {tf.__version__} cannot run it \(.+$"
    ):
        SavedModelEngine(path)


def test_a_folder_is_replaced_completely_or_refused(folder, tmp_path):
    geometry = generators.GEOMETRIES["one stage"]
    path = shutil.copytree(folder, tmp_path / "voice")
    info = export_saved_model(generators.generator(geometry), generators.spec(geometry), path)
    assert saved_model.read(path) == info
    assert [child.name for child in tmp_path.iterdir()] == ["voice"]
    (tmp_path / "file").touch()
    with pytest.raises(UserInputError, match=r"file/voice: cannot be written"):
        export_saved_model(
            generators.generator(geometry), generators.spec(geometry), tmp_path / "file" / "voice"
        )
