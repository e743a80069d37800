"""The doctor says what each kind of file is, and how to go on; damage is one line."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import generators
from helpers.speech import recordings

from tf_melgan import voices
from tf_melgan.cli.main import main
from tf_melgan.config import Config
from tf_melgan.doctor.diagnosis import diagnose
from tf_melgan.doctor.report import described
from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines.keras_engine import KerasEngine
from tf_melgan.voices.weights_file import save_weights

CONFIG = Config.from_dict(
    {
        "mel": {"hop": 32, "n_fft": 256, "n_mels": 20},
        "generator": {"channels": 16, "upsampling": [4, 2], "dilations": [1], "bands": 4},
        "training": {"segment": 1024},
    }
)
MEL = generators.mels(40, 80)


SPEECH = np.load(voices.SENTENCE).astype(np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with one small file of each kind that needs no converter."""
    folder = tmp_path_factory.mktemp("files")
    generator = CONFIG.generator.build_generator(CONFIG.mel)
    save_weights(folder / "voice.npz", CONFIG, generator)
    KerasEngine(generator, CONFIG.mel).save(folder / "voice.keras")
    CONFIG.save(folder / "small.yaml")
    np.save(folder / "mel.npy", MEL)
    np.save(folder / "natural.npy", SPEECH * np.float32(np.log(10)))
    np.save(folder / "scaled.npy", (SPEECH + 5) / 7)
    np.savez(folder / "mels.npz", mel=SPEECH.T[None], lengths=np.array([len(SPEECH)]))
    np.save(folder / "few.npy", np.maximum(MEL[:, :20] - 2.5, -5))
    return folder


@pytest.mark.parametrize(
    ("name", "what", "command"),
    [
        ("voice.npz", "the weights of a voice", "tf-melgan vocode RECORDINGS --voice"),
        ("voice.keras", "a voice as .keras", "tf-melgan vocode RECORDINGS --voice"),
        ("small.yaml", "a config", "tf-melgan train"),
        ("mel.npy", "an array (40, 80) of float32", "tf-melgan vocode"),
        ("mels.npz", f"an array (1, 80, {len(SPEECH)}) of float32", "tf-melgan vocode"),
    ],
)
def test_a_whole_file_is_named_with_the_command_to_go_on(files, name, what, command):
    report = diagnose(files / name)
    assert report.what == what and not report.problem
    assert report.command.startswith(command) and str(files / name) in report.command
    if not name.startswith("mel"):
        assert report.spec == CONFIG.mel


def test_the_other_kinds_are_known(files, prepared_folder):
    assert diagnose(voices.voice_path("lj-lite")).what == "a voice as .tflite"
    assert diagnose(recordings(1)[0]).what == "a recording"
    report = diagnose(prepared_folder)
    assert report.what == "a prepared folder" and "5 to train" in report.details[0]
    assert diagnose(prepared_folder, "lj-lite").problem == ""
    assert "6 recordings" in diagnose(prepared_folder.parent / "recordings").details[0]


def test_a_checkpoint_of_another_project_is_named(tmp_path):
    from tf_melgan.export import export_torch

    export_torch(generators.generator(generators.PAPER, 80), tmp_path / "best_netG.pt")
    report = diagnose(tmp_path / "best_netG.pt", "lj")
    assert report.what == "a checkpoint of melgan-neurips" and not report.problem
    assert report.command.startswith("tf-melgan import")


def test_a_run_says_its_step_and_its_losses(files, tmp_path):
    CONFIG.save(tmp_path / "config.yaml")
    report = diagnose(tmp_path)
    assert report.what.startswith("a run at step 0 of") and "no checkpoint" in report.problem
    (tmp_path / "history.jsonl").write_text(json.dumps({"step": 5, "loss": float("nan")}))
    checkpoint = tmp_path / "checkpoints" / "step-00000005"
    checkpoint.mkdir(parents=True)
    with pytest.raises(UserInputError, match="SHA256SUMS: cannot be read"):
        diagnose(tmp_path)


def test_what_does_not_fit_has_a_reason_and_exit_code_1(files, capsys):
    for name, voice, reason in (
        ("natural.npy", "lj-lite", "goes from"),
        ("few.npy", "lj-lite", "shape"),
        ("scaled.npy", "lj-lite", "[0, 1]"),
        ("voice.npz", "lj-lite", "mel.n_mels is 20, not 80"),
    ):
        assert main(["doctor", str(files / name), "--voice", voice]) == 1
        out = capsys.readouterr().out
        assert "does not fit: " in out and reason in out
        assert ("go on with" in out) == (name in ("natural.npy", "voice.npz"))


def test_a_mel_of_another_convention_is_named(files):
    report = diagnose(files / "natural.npy")
    assert report.problem and "--mel hifigan" in report.command
    assert report.details[-1] == "may be a mel of hifigan, tacotron2"


def test_a_normalized_mel_needs_its_statistics(tmp_path):
    mel = np.random.default_rng(0).normal(0, 1, (200, 80)).astype(np.float32)
    np.save(tmp_path / "mel.npy", mel)
    report = diagnose(tmp_path / "mel.npy")
    assert report.problem and report.command.endswith("--mel espnet --stats FILE")


def test_shipped_voices_have_a_report_by_name():
    assert diagnose(Path("lj-lite")).what == "a voice as .tflite"


def test_a_voice_of_ones_own_is_what_a_mel_has_to_fit(files):
    own = str(files / "voice.npz")
    assert not diagnose(files / "few.npy", own).problem
    assert own in diagnose(files / "few.npy", own).command
    assert diagnose(files / "mel.npy", own).problem


def test_damage_and_unknown_files_are_one_line_and_exit_code_2(files, tmp_path, capsys):
    for name in ("voice.npz", "voice.keras", "mel.npy", "small.yaml"):
        content = (files / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2] + b"\xff\xfe")
    (tmp_path / "text.txt").write_text("hello")
    for name in ("voice.onnx", "checkpoint.pt", "sound.wav", "empty.npz"):
        (tmp_path / name).write_bytes(b"")
    np.savez(tmp_path / "two.npz", a=MEL, b=MEL)
    (tmp_path / "folder").mkdir()
    for path in [*tmp_path.iterdir(), tmp_path / "missing"]:
        assert main(["doctor", str(path)]) == 2
        captured = capsys.readouterr()
        assert captured.out == "" and captured.err.count("\n") == 1 and str(path) in captured.err


def test_a_mel_in_words_says_what_is_unusual():
    assert described(CONFIG.mel) == (
        "20 bands from 0 to 11025 Hz, log10 with floor 1e-05, 22050 Hz, n_fft 256, hop 32"
    )
    hifigan = Config.from_dict({"mel": {"log": "ln", "fmax": 8000.0, "epsilon": 1e-9}}).mel
    assert "epsilon 1e-09" in described(hifigan)
