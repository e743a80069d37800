"""Voices that are damaged, or changed and given right checksums again, are refused in one line."""

import json
import zipfile
from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers.bad_input import assert_user_error

from tf_melgan import voices
from tf_melgan.config import Config
from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines.keras_engine import KerasEngine
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.voices import voice_file
from tf_melgan.voices.archive import SEAL, seal_archive
from tf_melgan.voices.weights_file import load_weights, save_weights

CONFIG = Config.from_dict(
    {
        "mel": {"hop": 8, "n_fft": 64, "n_mels": 10},
        "generator": {"channels": 4, "upsampling": [8], "dilations": [1]},
    }
)
MEL = np.full((12, 10), -2, np.float32)
NOT_WEIGHTS = (
    f"is not a weights file, or is damaged; give a shipped voice ({', '.join(voices.names())}), "
    "or a .npz file that tf-melgan export --to weights wrote"
)
MISFIT = "its weights do not fit the config's generator; leave the generator's settings as they are"
NOT_FINITE = (
    "holds weights that are NaN or infinite; export it again, or train further from an earlier "
    "checkpoint"
)


@pytest.fixture(scope="module")
def generator():
    return CONFIG.generator.build_generator(CONFIG.mel)


@pytest.fixture
def forged(tmp_path, generator):
    """Writes a weights file that was changed and given a right checksum again."""

    def write(change):
        path = tmp_path / "voice.npz"
        save_weights(path, CONFIG, generator)
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files if name != SEAL}
        change(arrays)
        with path.open("wb") as file:
            np.savez(file, **arrays)
        seal_archive(path)
        return path

    return write


def with_config(**dotted):
    def change(arrays):
        values = json.loads(str(arrays["config"]))
        for key, value in dotted.items():
            section, name = key.split("__")
            values[section][name] = value
        arrays["config"] = np.array(json.dumps(values))

    return change


def put(name, value):
    return lambda arrays: arrays.update({name: value})


def test_weights_are_read_as_they_were_saved(forged, generator):
    weights = load_weights(forged(lambda arrays: None))
    assert weights.config == CONFIG
    for read, saved in zip(weights.generator, generator.get_weights(), strict=True):
        np.testing.assert_array_equal(read, saved.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (put("generator/000", np.zeros(4, np.int32)), NOT_WEIGHTS),
        (put("generator/000", np.zeros(4, np.complex64)), NOT_WEIGHTS),
        (put("generator/000", np.array(["x"])), NOT_WEIGHTS),
        (put("generator/000", np.zeros((1, 1, 1, 1, 4))), NOT_WEIGHTS),
        (put("generator/099", np.zeros(4, np.float16)), NOT_WEIGHTS),
        (put("other", np.zeros(4, np.float16)), NOT_WEIGHTS),
        (put("config", np.array(b"{}")), NOT_WEIGHTS),
        (put("config", np.array('{"mel": {}, "mel": {}}')), NOT_WEIGHTS),
        (put("config", np.array('{"optimizer": {"epsilon": NaN}}')), NOT_WEIGHTS),
        (put("config", np.array("[" * 100_000)), NOT_WEIGHTS),
        (put("config", np.array("[]")), "the file is not a table of keys and values"),
        (put("generator/000", np.full(4, np.nan, np.float16)), NOT_FINITE),
        (put("generator/000", np.full(4, -np.inf, np.float32)), NOT_FINITE),
        (put("generator/000", np.zeros((4, 1), np.float16)), MISFIT),
        (lambda arrays: arrays.pop("generator/000"), NOT_WEIGHTS),
        (with_config(generator__channels=2**12), MISFIT),
        (with_config(generator__dilations=[1] * 30), MISFIT),
        (
            with_config(mel__n_fft=10**9),
            "mel.n_fft is 1000000000; it must be at most 32768",
        ),
    ],
)
def test_forged_weights_are_refused_in_one_line(forged, change, line):
    path = forged(change)
    assert_user_error(lambda: load_weights(path).build_generator(), f"{path}: {line}")


def test_a_header_that_states_too_much_is_refused(forged, tmp_path):
    with zipfile.ZipFile(forged(lambda arrays: None)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist() if name != SEAL}
    name = "generator/000.npy"
    before, _, _ = entries[name][:128].partition(b"'shape'")
    header = (before + b"'shape': (9999999999999,), }").ljust(127) + b"\n"
    entries[name] = header + entries[name][128:]
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    assert_user_error(
        lambda: load_weights(tmp_path / "huge.npz"), f"{tmp_path / 'huge.npz'}: {NOT_WEIGHTS}"
    )


@pytest.fixture
def forged_keras(tmp_path, generator):
    """Writes a `.keras` file with one entry changed and a right checksum."""

    def write(entry, change):
        path, source = tmp_path / "voice.keras", tmp_path / "good.keras"
        KerasEngine(generator, CONFIG.mel).save(source)
        with zipfile.ZipFile(source) as archive:
            entries = {name: archive.read(name) for name in archive.namelist() if name != SEAL}
        values = json.loads(entries[entry])
        change(values)
        entries[entry] = json.dumps(values).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        seal_archive(path)
        return path

    return write


@pytest.mark.parametrize(
    ("entry", "change", "line"),
    [
        (
            "config.json",
            lambda values: values["config"].update(channels=2**20),
            "generator.channels is 1048576; it must be at most 65536",
        ),
        (
            "config.json",
            lambda values: values["config"].update(upsampling=[4]),
            "generator.upsampling [4] × generator.bands 1 = 4, but mel.hop is 8; they must be "
            "equal",
        ),
        (
            "config.json",
            lambda values: values["config"].update(channels=2**12),
            "cannot be loaded; give a .keras file that tf-melgan saved",
        ),
        (
            "config.json",
            lambda values: values.update(class_name="Dense"),
            "cannot be loaded; give a .keras file that tf-melgan saved",
        ),
        (
            "config.json",
            lambda values: values["config"].update(n_mels=11),
            "cannot be loaded; give a .keras file that tf-melgan saved",
        ),
        (
            "mel.json",
            lambda values: values.update(n_fft=10**9),
            "mel.n_fft is 1000000000; it must be at most 32768",
        ),
    ],
)
def test_forged_keras_files_are_refused_in_one_line(forged_keras, entry, change, line):
    path = forged_keras(entry, change)
    assert_user_error(lambda: Vocoder.load(path), f"{path}: {line}")


def test_a_flipped_weight_of_a_keras_file_is_noticed(tmp_path, generator):
    path = tmp_path / "voice.keras"
    KerasEngine(generator, CONFIG.mel).save(path)
    kernel = generator.folded().first.kernel
    stored = keras.ops.convert_to_numpy(kernel).tobytes()
    content = bytearray(path.read_bytes())
    content[content.index(stored) + 3] ^= 1  # half or twice the first weight
    path.write_bytes(content)
    line = "cannot be loaded; give a .keras file that tf-melgan saved"
    assert_user_error(lambda: Vocoder.load(path), f"{path}: {line}")


def test_a_voice_that_gives_no_numbers_says_so(generator):
    engine = KerasEngine(generator, CONFIG.mel)
    engine.generate = lambda mel: np.full(len(mel) * 8, np.nan, np.float32)
    line = (
        "the voice gives samples that are NaN or infinite; train it again from an earlier "
        "checkpoint, or export it again"
    )
    assert_user_error(lambda: Vocoder(engine).vocode(MEL), line)
    stream = Vocoder(engine).stream()
    assert_user_error(lambda: [stream.push(MEL), stream.finish()], line)


INFO = voice_file.read(voices.voice_path("lj-lite"))


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("mel"),
        lambda values: values.update(size=-1),
        lambda values: values.update(size=True),
        lambda values: values.update(size=10**30),
        lambda values: values.update(shortest="1"),
        lambda values: values.update(start_frames=0),
        lambda values: values.update(lookahead=2.5),
        lambda values: values.update(weights="int4"),
        lambda values: values.update(name=["x"]),
        lambda values: values.update(licence=None),
        lambda values: values.update(mel=[]),
        lambda values: values["mel"].update(n_mels=10**9),
    ],
)
def test_metadata_that_cannot_be_right_are_refused(change):
    values = json.loads(INFO.to_json())
    del values["metadata_sha256"]
    change(values)
    with pytest.raises(ValueError, match=r".+"):
        voice_file.VoiceInfo.from_json(json.dumps(values))


def test_metadata_that_were_changed_are_noticed():
    text = INFO.to_json()
    assert voice_file.VoiceInfo.from_json(text) == INFO
    with pytest.raises(ValueError, match="damaged"):
        voice_file.VoiceInfo.from_json(text.replace('"lookahead": 1920', '"lookahead": 1921'))
    # Files from before there was a checksum of the metadata, and later ones with more keys.
    values = json.loads(text)
    del values["metadata_sha256"]
    assert voice_file.VoiceInfo.from_json(json.dumps(values | {"later": 1})) == INFO


def test_bytes_between_model_and_archive_are_refused(tmp_path):
    path = tmp_path / "voice.tflite"
    voice_file.write(path, b"model", replace(INFO, name="x"))
    content = path.read_bytes()
    path.write_bytes(content[:5] + b"xxxx" + content[5:])
    with pytest.raises(UserInputError, match=r"its checksum is wrong; copy or export it again$"):
        voice_file.read(path)
