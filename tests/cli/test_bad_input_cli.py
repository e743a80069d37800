"""User errors on the command line: each gives one line and exit status 2."""

import errno
import os
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from tf_melgan import voices
from tf_melgan.audio.sound_files import write_audio
from tf_melgan.cli.main import main
from tf_melgan.config import Config
from tf_melgan.data.prepare import prepare

SETTINGS = {
    "mel": {"hop": 32, "n_fft": 256, "n_mels": 20},
    "generator": {"channels": 16, "upsampling": [4, 2], "bands": 4},
    "discriminator": {"scales": 1, "channels": 8, "max_channels": 16},
    "training": {"steps": 2, "checkpoint_interval": 1, "batch": 2, "segment": 1024},
}
SHIPPED = "lite, lj, lj-lite, melgan, melgan_16k, melgan_24k, melgan_48k, multiband, smoke"
VOICES = ", ".join(voices.names())


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A folder with one valid file of each kind and many invalid ones."""
    from tf_melgan.inference.engines.keras_engine import KerasEngine

    root = tmp_path_factory.mktemp("workspace")
    config = Config.from_dict(SETTINGS)
    config.save(root / "good.yaml")
    configs = {
        "typo": {"training": {"stps": 100}},
        "type": {"generator": {"channels": "wide"}},
        "hop": {"generator": {"upsampling": [8, 8, 2]}},
        "segment": {"training": {"segment": 8000}},
        "fmax": {"mel": {"sample_rate": 16000}},
        "start": {"training": {"discriminator_start": 1000}},
        "list": ["steps"],
    }
    for name, values in configs.items():
        (root / f"{name}.yaml").write_text(yaml.safe_dump(values))
    (root / "broken.yaml").write_text("training: [1, 2\n")

    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 22050)
    for place in ("recordings/a.wav", "recordings/b.wav", "other/c.wav", "one/a.wav"):
        write_audio(root / place, noise, 22050)
    prepare(root / "recordings", root / "data", config.mel, validation=0)
    prepare(root / "recordings", root / "damaged", config.mel, validation=0)
    prepare(root / "one", root / "short", config.mel, validation=0)
    (root / "damaged/index.json").write_text("{")
    (stored,) = (root / "short").glob("*/*.npy")
    stored.write_bytes(stored.read_bytes()[:-2])

    generator = config.generator.build_generator(config.mel)
    KerasEngine(generator, config.mel).save(root / "voice.keras")
    (root / "noise.keras").write_bytes(b"noise")
    mels = {
        "good": np.full((5, 20), -2.0),
        "bands": np.full((5, 80), -2.0),
        "batch": np.full((2, 5, 20), -2.0),
        "nan": np.full((5, 20), np.nan),
        "integer": np.zeros((5, 20), np.int64),
        "natural": np.full((5, 20), -11.5),
        "object": np.array([{}, {}], dtype=object),
    }
    (root / "mels").mkdir()
    for name, mel in mels.items():
        np.save(root / f"mels/{name}.npy", mel)
    (root / "mels/text.npy").write_text("no array")
    (root / "mels/mel.txt").write_text("")
    (root / "empty").mkdir()

    config.save(root / "started/config.yaml")
    config.with_values(**{"training.batch": 4}).save(root / "claimed/config.yaml")
    Config.from_dict({**SETTINGS, "generator": {"type": "fourier"}}).save(
        root / "other-kind/config.yaml"
    )
    config.save(root / "torn/config.yaml")
    (root / "torn/generator.npz").write_bytes(b"noise")
    return root


CASES = {
    # Configs, through train.
    "train typo.yaml data run": "{typo.yaml}: training.stps is not a known key; did you mean "
    "training.steps?",
    "train type.yaml data run": "{type.yaml}: generator.channels is 'wide'; give a whole number",
    "train hop.yaml data run": "{hop.yaml}: generator.upsampling [8, 8, 2] × generator.bands 1 "
    "= 128, but mel.hop is 256; they must be equal",
    "train segment.yaml data run": "{segment.yaml}: training.segment is 8000 samples; it must be "
    "a multiple of mel.hop 256",
    "train fmax.yaml data run": "{fmax.yaml}: mel.fmin is 0.0 and mel.fmax 11025.0 Hz; give 0 "
    "<= fmin < fmax <= 8000, half the sample rate",
    "train start.yaml data run": "{start.yaml}: training.discriminator_start is 1000, but without "
    "the discriminator there is no loss; give loss.weights.stft, compressed_stft or mel a weight",
    "train list.yaml data run": "{list.yaml}: the file is not a table of keys and values",
    "train broken.yaml data run": "{broken.yaml}: not YAML at line 2; write it as `key: value` "
    "lines",
    "train none.yaml data run": "{none.yaml}: cannot be read (No such file or directory); give a "
    "YAML config file",
    "train paper data run": f"paper: no such config; give a YAML file or the name of one; "
    f"known: {SHIPPED}",
    "train good.yaml data run --set training.batch": "--set training.batch: has no value; give "
    "key=value, such as training.steps=1000",
    "train good.yaml data run --set training.batch=0": "config: training.batch is 0; it must be at "
    "least 1",
    "train good.yaml data run --set training.gain=[0.3,": "--set training.gain=[0.3,: [0.3, is not "
    "YAML; give a number, word or [list]",
    "train good.yaml data run --set discriminator.downsampling=[3,3] --set "
    "discriminator.max_channels=64": "config: discriminator.downsampling is [3, 3]: after a stride "
    "of 3, 64 channels do not divide among 6 groups; choose a discriminator.max_channels that is "
    "a multiple of 6",
    "train good.yaml data run --set optimiser.beta_1=0": "optimiser.beta_1: no such key in the "
    "config; did you mean optimizer?",
    # Prepared folders, through train.
    "train good.yaml empty run --dry-run": "{empty}: is not a prepared folder, no index.json (No "
    "such file or directory); run tf-melgan prepare",
    "train good.yaml damaged run --dry-run": "{damaged}/index.json: is damaged; prepare into a "
    "new folder",
    "train good.yaml short run --dry-run": "{short/*/*.npy}: has 44670 bytes, not 44672; prepare "
    "into a new folder",
    "train melgan data run --dry-run": "{data}: mel.n_fft is 256, not 1024; mel.hop is 32, not "
    "256; mel.n_mels is 20, not 80 in the config; prepare it with this config",
    # Voices and mels, through vocode.
    "vocode mels/good.npy --voice none --out out": ""
    "{none}: no such file or folder; give a run's folder, a "
    f"SavedModel, a .tflite, .keras or .npz file, or {VOICES}",
    "vocode mels/good.npy --voice good.yaml --out out": ""
    "{good.yaml}: is not a voice; give a run's folder, "
    "a SavedModel, a .tflite, .keras or .npz file",
    "vocode mels/good.npy --voice noise.keras --out out": ""
    "{noise.keras}: cannot be loaded; give a .keras "
    "file that tf-melgan saved",
    "vocode mels/none.npy --voice voice.keras --out out": ""
    "{mels/none.npy}: no such file; give mels, "
    "recordings, or a folder of them",
    "vocode mels/mel.txt --voice voice.keras --out out": ""
    "{mels/mel.txt}: is neither a recording nor a mel; "
    "give a sound file, a .npy, .npz or .pt",
    "vocode empty --voice voice.keras --out out": "{empty}: holds no mels and no recordings",
    "vocode recordings one --voice voice.keras --out out": "{one/a.wav}: would be written to "
    "{out/a.wav}, like {recordings/a.wav}; rename one of them",
    "vocode mels/bands.npy --voice voice.keras --out out": ""
    "{mels/bands.npy}: has shape (5, 80), not "
    "(frames, 20)",
    "vocode mels/batch.npy --voice voice.keras --out out": ""
    "{mels/batch.npy}: has shape (2, 5, 20); give "
    "(frames, 20)",
    "vocode mels/good.npy --voice voice.keras --out out --mel hifgan": "--mel: there is no mel "
    "convention 'hifgan'; did you mean hifigan?",
    "vocode mels/good.npy --voice voice.keras --out out --mel hifigan": "{mels/good.npy}: has "
    "shape (5, 20), not (frames, 80)",
    "vocode mels/good.npy --voice voice.keras --out out --stats good.yaml": "--stats: belongs to "
    "a convention; give --mel",
    "vocode mels/good.npy --voice voice.keras --out out --mel espnet --stats good.yaml": ""
    "{good.yaml}: holds no statistics of mels; give ParallelWaveGAN's or TensorFlowTTS's stats.npy "
    "or stats.h5, or ESPnet's stats.npz",
    "vocode mels/good.npy --voice voice.keras --out out --raw": "--raw: is for standard output; "
    "give --out -",
    "vocode mels/nan.npy --voice voice.keras --out out": ""
    "{mels/nan.npy}: holds NaN or infinite values; "
    "give finite ones",
    "vocode mels/integer.npy --voice voice.keras --out out": ""
    "{mels/integer.npy}: holds int64; give float32 "
    "log-mels",
    "vocode mels/natural.npy --voice voice.keras --out out": ""
    "{mels/natural.npy}: goes from -11.50 to "
    "-11.50, but log10 of magnitudes goes from -5.00 to 0.18; it seems to be natural "
    "logarithms; name its convention (hifigan, tacotron2)",
    "vocode mels/text.npy --voice voice.keras --out out": ""
    "{mels/text.npy}: is not a .npy array; save it "
    "with numpy.save",
    "vocode mels/object.npy --voice voice.keras --out out": ""
    "{mels/object.npy}: is not a .npy array; save "
    "it with numpy.save",
    # Runs.
    "vocode mels/good.npy --voice empty --out out": ""
    "{empty}: is not a run's folder, config.yaml is missing; "
    "give a folder that tf-melgan train wrote",
    "vocode recordings/a.wav --voice voice.keras --out recordings": ""
    "{recordings/a.wav}: is an input "
    "and would be overwritten; give another --out",
    "vocode recordings/a.wav --voice voice.keras --out recordings/a.wav": ""
    "{recordings/a.wav}: is an input "
    "and would be overwritten; give another --out",
    "vocode mels/good.npy --voice started --out out": ""
    "{started}: has no checkpoint yet; train up to "
    "training.checkpoint_interval first",
    "vocode mels/good.npy --voice torn --out out": "{torn/generator.npz}: is not a weights file, "
    f"or is damaged; give a shipped voice ({VOICES}), or a .npz file that tf-melgan export --to "
    "weights wrote",
    "train good.yaml data claimed": "{claimed/config.yaml}: training.batch is 4, not 2; give the "
    "run's own config, or another run folder",
    "train good.yaml data other-kind": "{other-kind/config.yaml}: generator.type is fourier, not "
    "melgan; give the run's own config, or another run folder",
    "vocode mels/good.npy --voice voice.keras --out out/a.mp3": "--out: {out/a.mp3} would be no "
    ".wav or .flac file; give one of these, or a folder",
    "vocode mels --voice voice.keras --out -": "--out: - is for one mel or recording; give a "
    "folder",
    "vocode mels/good.npy --voice lj-lite --threads -3": "threads is -3; give 1 to 256",
    "vocode mels --voice voice.keras --out out.wav": "--out: {out.wav} is the name of a file, for "
    "9 inputs; give a folder",
    "vocode mels/good.npy --voice voice.keras --out out/a.flac --float": "{out/a.flac}: cannot "
    "hold 32-bit floats; give a .wav",
    # Export.
    "export voice.keras --to saved-model --out recordings": "{recordings}: exists and is "
    "not an exported voice; give a new folder",
    "export voice.keras --to tflite --weights float16 --calibration recordings --out out.tflite": ""
    "--calibration: --weights float16 does not use it; leave it out, or give int8",
    "export none --to tflite --out out.tflite": "{none}: no such file or folder; give a run's "
    "folder, a .keras or a .npz file",
    "export none --to saved-model --weights int8 --out out": "--weights: --to saved-model does "
    "not use it; leave it out",
    "export none --to weights --name her --out out": "--name: --to weights does not use it; "
    "leave it out",
    "export voice.keras --to tflite --weights int8-dynamic --out out.tflite": "weights "
    "int8-dynamic: no layer has 64 input channels or more, so nothing would be int8; use float16 "
    "or int8",
    "export voice.keras --to tflite --weights int8 --out out.tflite": "weights int8: need "
    "recordings to calibrate with; give --calibration",
    "export voice.keras --to tflite --weights int8 --calibration empty --out out.tflite": ""
    "{empty}: holds no mels and no recordings",
    "export voice.keras --to tflite --out recordings/a.wav": "--out: {recordings/a.wav} is not "
    "a .tflite file; give one",
    # Folders, through evaluate and prepare.
    "evaluate recordings --out out": "there is nothing to compare; give a folder of synthesized "
    "speech",
    "evaluate none one --out out": "{none}: no such folder; give one with wav, flac, ogg or mp3 "
    "files",
    "evaluate recordings one --out good.yaml": "{good.yaml}: cannot be written (Not a directory); "
    "choose another folder",
    "evaluate recordings other --out out": "{other/c.wav}: has no recording of the same name in "
    "{recordings}",
    "prepare none out": "{none}: no such folder; give one with recordings",
    "prepare recordings out --validation 2": "validation is 2.0; give a share from 0 to below 1",
    "prepare recordings out --jobs -1": "jobs is -1; give at least 1 thread",
}


EXPORTS = {"tflite", "saved-model", "weights", "int8", "int8-dynamic"}
COMMANDS = {"train", "vocode", "evaluate", "prepare", "export"}
LITERALS = COMMANDS | {
    "training.batch",
    "melgan",
    "paper",
    "2",
    "-1",
    "-3",
    "-",
    "lj-lite",
    "her",
    "float16",
    *EXPORTS,
}


def run(workspace: Path, words: str) -> int:
    """Runs a command line; its paths are relative to the workspace."""
    literal = (word in LITERALS or "=" in word or word.startswith("-") for word in words.split())
    return main(
        [x if y else str(workspace / x) for x, y in zip(words.split(), literal, strict=True)]
    )


def with_paths(workspace: Path, line: str) -> str:
    """Replaces `{path}` by that path in the workspace, and `{*.npy}` by the only match."""

    def path(match: re.Match) -> str:
        (found,) = workspace.glob(match[1]) if "*" in match[1] else [workspace / match[1]]
        return str(found)

    return re.sub(r"\{(.*?)\}", path, line)


@pytest.mark.parametrize("words", CASES)
def test_each_error_is_one_clear_line(workspace, words, capsys):
    assert run(workspace, words) == 2
    # Lines above it may show progress.
    assert (
        capsys.readouterr().err.splitlines()[-1]
        == f"tf-melgan: {with_paths(workspace, CASES[words])}"
    )
    assert not (workspace / "out").exists() and not (workspace / "run").exists()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, "No space left on device); free some space or choose another folder"),
        (errno.EROFS, "Read-only file system); choose another folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_named(
    workspace, tmp_path, monkeypatch, capsys, code, reason
):
    def fail(*arguments):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", fail)
    assert run(workspace, f"vocode mels/good.npy --voice voice.keras --out {tmp_path}") == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"tf-melgan: {tmp_path / 'good.wav'}: cannot be written ({reason}"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_is_a_file_is_named(workspace, capsys):
    (workspace / "taken").touch()
    assert run(workspace, "vocode mels/good.npy --voice voice.keras --out taken") == 2
    assert capsys.readouterr().err.splitlines()[-1] == with_paths(
        workspace,
        "tf-melgan: {taken/good.wav}: cannot be written (File exists); choose another folder",
    )


def test_ctrl_c_ends_with_one_line(workspace, monkeypatch, capsys):
    def interrupt(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("tf_melgan.data.prepare.prepare", interrupt)
    assert run(workspace, "prepare recordings out") == 130
    assert capsys.readouterr().err == "\ntf-melgan: interrupted\n"
