"""The command line, from recordings to vocoded audio, and its output."""

import contextlib
import dataclasses
import json
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from helpers.espeak import speak
from helpers.quick_metrics import use_quick_metrics
from matplotlib import image

from tf_melgan import voices
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.sound_files import load_audio, write_audio
from tf_melgan.cli.main import main, parser
from tf_melgan.config import Config
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.voices import voice_file, weights_file

CONFIG = Config.from_dict(
    {
        "mel": {"hop": 64, "n_fft": 512, "n_mels": 40},
        "generator": {"channels": 16, "upsampling": [4, 4], "bands": 4, "initializer": "torch"},
        "discriminator": {"scales": 1, "channels": 8, "max_channels": 32},
        "loss": {"weights": {"stft": 1.0}},
        "training": {"steps": 2, "checkpoint_interval": 1, "batch": 2, "segment": 4096},
    }
)
COMMANDS = ["prepare", "train", "finetune", "vocode", "export", "evaluate", "demo"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with recordings, prepared and trained on for two steps by the command line."""
    home = tmp_path_factory.mktemp("home")
    CONFIG.save(home / "config.yaml")
    for name, text in {
        "train/a": "One small boat.",
        "validation/deep/b": "Two green hills.",
    }.items():
        write_audio(home / "recordings" / f"{name}.wav", *speak(text))
    with contextlib.chdir(home):
        assert main(["prepare", "recordings", "data", "--config", "config.yaml"]) == 0
        assert main(["train", "config.yaml", "data", "run"]) == 0
    return home


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_parses(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    example = capsys.readouterr().out.split("example:\n  tf-melgan ")[1]
    assert parser().parse_args(shlex.split(example)).command == command


def test_python_m_runs_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "tf_melgan", "--help"], capture_output=True, text=True, check=True
    )
    assert all(f"\n    {command} " in done.stdout for command in COMMANDS)


def test_dry_run_reports_costs_and_writes_nothing(home, tmp_path, capsys):
    paper = ["train", "melgan", str(tmp_path / "data"), str(tmp_path / "run"), "--dry-run"]
    assert main(["prepare", str(home / "recordings"), str(tmp_path / "data")]) == 0
    seconds = load_audio(home / "recordings/train/a.wav", 22050).size / 22050
    capsys.readouterr()
    assert main([*paper, "--set", "training.batch=1", "--set", "training.steps=3000"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    folded = "parameters (weight normalization folded), "
    assert lines["generator"] == f"4,260,257 {folded}3.89 GMAC per second of audio"
    discriminators = f"16,913,859 {folded}1.13 GMAC per second of audio; from step 0"
    assert lines["discriminators"] == discriminators
    assert lines["memory"].endswith("GB for batches of 1 × 8192 samples")
    assert lines["train"] == f"1 recordings, {seconds / 60:.1f} minutes"
    batches = round(seconds * 22050 / 8192)
    assert lines["epoch"] == f"{batches} batches; {3000 / batches:,.0f} epochs in all"
    assert not (tmp_path / "run").exists()


def test_a_second_call_resumes_training(home, capsys):
    steps = [json.loads(x)["step"] for x in (home / "run/history.jsonl").read_text().splitlines()]
    assert steps == [1, 2]
    again = ["train", str(home / "config.yaml"), str(home / "data"), str(home / "run")]
    assert main([*again, "--set", "training.batch=4"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "training.batch is 2, not 4" in line and str(home / "run") in line
    assert main(again) == 0


def test_vocode_accepts_mels_recordings_and_folders(home, tmp_path, capsys):
    run, recordings = str(home / "run"), home / "recordings"
    assert main(["vocode", str(recordings), "--voice", run, "--out", str(tmp_path / "wavs")]) == 0
    assert capsys.readouterr().out.startswith("2 wavs, ")
    sound = load_audio(recordings / "validation/deep/b.wav", 22050)
    vocoded, rate = soundfile.read(tmp_path / "wavs/validation/deep/b.wav", dtype="float32")
    assert rate == 22050 and len(vocoded) == CONFIG.mel.frames(len(sound)) * CONFIG.mel.hop
    mel = log_mel(sound, CONFIG.mel)
    np.save(tmp_path / "b.npy", mel)
    one = tmp_path / "sound.wav"
    assert main(["vocode", str(tmp_path / "b.npy"), "--voice", run, "--out", str(one)]) == 0
    np.testing.assert_array_equal(load_audio(one, 22050), vocoded)
    expected = Vocoder.load(run).vocode(mel)
    assert np.abs(vocoded - expected).max() <= 0.5 / 32768 + 1e-7


def test_an_exported_voice_gives_the_same_output(home, tmp_path, capsys):
    run, voice = str(home / "run"), str(tmp_path / "small.tflite")
    assert main(["export", run, "--to", "tflite", "--out", voice, "--licence", "CC0"]) == 0
    line = capsys.readouterr().out
    assert line.startswith(f"{voice}: small, float32; a stream starts after ")
    for model, name in ((run, "run"), (voice, "voice")):
        target = ["--out", str(tmp_path / name), "--float"]
        assert main(["vocode", str(home / "recordings"), "--voice", model, *target]) == 0
    sounds = [
        soundfile.read(tmp_path / x / "train/a.wav", dtype="float32")[0] for x in ("run", "voice")
    ]
    assert soundfile.info(tmp_path / "voice/train/a.wav").subtype == "FLOAT"
    assert np.abs(sounds[0]).max() > 0 and np.abs(sounds[0] - sounds[1]).max() <= 1e-5


def test_evaluate_writes_its_report(home, tmp_path, monkeypatch, capsys):
    use_quick_metrics(monkeypatch)
    recordings, voice, out = home / "recordings/train", tmp_path / "voice", tmp_path / "scores"
    words = ["vocode", str(recordings), "--voice", str(home / "run"), "--out", str(voice)]
    assert main(words) == 0
    capsys.readouterr()
    assert main(["evaluate", str(recordings), str(voice), "--griffin-lim", "--out", str(out)]) == 0
    systems = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert systems == ["PESQ-wb", "recordings", "voice", "griffin-lim", str(out / "report.html")]
    assert (out / "scores.csv").exists() and (out / "griffin-lim/a.wav").exists()


def test_demo_writes_audio_and_spectrograms(tmp_path, capsys):
    assert main(["demo", str(tmp_path)]) == 0
    assert " s of sound in " in capsys.readouterr().out
    sound, rate = soundfile.read(tmp_path / "vocoded.wav", dtype="float32")
    mel = np.load(voices.SENTENCE).astype(np.float32)
    assert rate == 22050 and len(sound) == len(mel) * 256 > 2 * rate
    # Within 3 dB of the input on average.
    again = log_mel(sound, Vocoder.load(voices.DEFAULT).spec)
    assert np.abs(again - mel).mean() < 0.15
    assert image.imread(tmp_path / "spectrograms.png").shape[0] > 200


def test_vocode_uses_the_default_voice(home, tmp_path):
    recording = home / "recordings/train/a.wav"
    with contextlib.chdir(tmp_path):
        assert main(["vocode", str(recording), "--float"]) == 0
        words = ["vocode", str(recording), "--voice", voices.DEFAULT, "--float", "--out", "b.wav"]
        assert main(words) == 0
    vocoded = [load_audio(tmp_path / name, 22050) for name in ("vocoded/a.wav", "b.wav")]
    np.testing.assert_array_equal(*vocoded)
    vocoder = Vocoder.load(voices.DEFAULT)
    sound = load_audio(recording, 22050)
    expected = vocoder.vocode(log_mel(sound, vocoder.spec))
    assert np.abs(vocoded[0] - expected).max() <= 1e-6


def test_vocode_skips_hidden_files_in_folders(home, tmp_path, capsys):
    for name in ("one", "two"):
        write_audio(tmp_path / name / f"{name}.wav", np.zeros(22050), 22050)
        (tmp_path / name / f"._{name}.wav").write_bytes(b"what another system keeps beside it")
    with contextlib.chdir(tmp_path):
        assert main(["vocode", "one", "two", "--out", "wavs"]) == 0
    assert sorted(path.name for path in (tmp_path / "wavs").iterdir()) == ["one.wav", "two.wav"]


def test_a_folder_takes_precedence_over_a_shipped_voice(home, tmp_path, capsys):
    shutil.copytree(home / "run", tmp_path / "lj")
    (tmp_path / "lite").mkdir()
    with contextlib.chdir(tmp_path):
        assert Vocoder.load("lj").spec == CONFIG.mel
        # A config is a file; a folder of its name makes no difference.
        assert main(["train", "lite", str(home / "data"), "run", "--dry-run"]) == 2
    assert "mel.hop is 64, not 256" in capsys.readouterr().err


def test_a_shipped_voice_can_be_exported(tmp_path):
    out = tmp_path / "small.tflite"
    with contextlib.chdir(tmp_path):
        assert main(["export", "lj-lite", "--to", "tflite", "--out", str(out)]) == 0
    mel = np.load(voices.SENTENCE).astype(np.float32)[:60]
    exported, shipped = (Vocoder.load(x).vocode(mel) for x in (out, voices.voice_path("lj-lite")))
    licences = {voice_file.read(path).licence for path in (out, voices.voice_path("lj-lite"))}
    assert len(licences) == 1 and "public domain" in licences.pop()
    # The shipped file also has the bases of the inverse STFT in float16.
    assert 0 < np.abs(exported - shipped).max() < 2e-2 * np.abs(exported).max()


def test_a_version_folder_is_named_after_its_parent(home, tmp_path, capsys):
    served = tmp_path / "her" / "1"
    for _ in range(2):  # an earlier export may be replaced
        assert main(["export", str(home / "run"), "--to", "saved-model", "--out", str(served)]) == 0
        assert f"{served}: her, float32" in capsys.readouterr().out


def test_weights_are_packed_from_runs_files_and_shipped_voices(home, tmp_path):
    for source in (home / "run", voices.voice_path("lj-lite", ".npz"), "lj-lite"):
        out = tmp_path / "voice.npz"
        assert main(["export", str(source), "--to", "weights", "--out", str(out)]) == 0
        packed = weights_file.load_weights(out)
        given = (
            home / "run/generator.npz" if source == home / "run" else voices.resolve(source, ".npz")
        )
        original = weights_file.load_weights(given)
        assert packed.config == original.config
        for one, other in zip(packed.generator, original.generator, strict=True):
            np.testing.assert_array_equal(one, other.astype(np.float16))
    assert len(packed.generator) > 10


def test_longer_finetuning_adds_no_untrained_discriminators(home, tmp_path, capsys):
    packed, run = tmp_path / "voice.npz", tmp_path / "run"
    assert main(["export", str(home / "run"), "--to", "weights", "--out", str(packed)]) == 0
    dataclasses.replace(weights_file.load_weights(packed), discriminator=None).save(packed)
    words = ["finetune", str(packed), str(home / "recordings"), str(run)]
    words += ["--set", "training.steps=2", "--set", "training.checkpoint_interval=1"]
    capsys.readouterr()
    assert main([*words, "--minutes", "0.0001"]) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f"{run}: trained to step 1 of 2; the same command goes on from there",
        f"{run}/generator.npz is the voice; hear it with",
        f"  tf-melgan vocode RECORDINGS --voice {run} --out wavs/",
    ]
    assert Config.load(run / "config.yaml").training.discriminator_start == 2
    # For longer still. Other recordings are refused.
    before = (run / "data/index.json").read_bytes()
    other = tmp_path / "other"
    write_audio(other / "c.wav", *speak("Three blue doors."))
    words[5] = "training.steps=3"
    assert main([*words[:2], str(other), *words[3:]]) == 2
    assert f"{other}: c.wav is not as it was when {run} was prepared; " in capsys.readouterr().err
    assert main(words) == 0
    assert f"{run}: trained to step 3\n" in capsys.readouterr().out
    assert Config.load(run / "config.yaml").training.discriminator_start == 3
    assert (run / "data/index.json").read_bytes() == before


@pytest.mark.parametrize("kind", ["run", "weights"])
def test_runs_and_exported_weights_can_be_finetuned(kind, home, tmp_path, capsys):
    packed, run = tmp_path / "voice.npz", tmp_path / "run"
    assert main(["export", str(home / "run"), "--to", "weights", "--out", str(packed)]) == 0
    voice = home / "run" if kind == "run" else packed
    words = ["finetune", str(voice), str(home / "recordings"), str(run)]
    words += ["--set", "training.steps=1", "--set", "training.checkpoint_interval=1"]
    words += ["--set", "optimizer.learning_rate=1e-9", "--set", "training.discriminator_start=0"]
    words += ["--set", "optimizer.final_learning_rate=1e-9"]
    assert main(words) == 0
    mel = np.random.default_rng(0).uniform(-4, -1, (50, 40)).astype(np.float32)
    before, kept, after = (Vocoder.load(x).vocode(mel) for x in (home / "run", packed, run))
    # With a tiny learning rate only float16 changes the weights.
    assert np.abs(before).max() > 0
    for sound in (kept, after):
        assert np.abs(sound - before).max() < 2e-2 * np.abs(before).max()
    capsys.readouterr()
    assert main(["finetune", "nobody", str(home / "recordings"), str(run)]) == 2
    assert "nobody: is not a weights file, or is damaged; give a shipped voice (lj, lj-lite)" in (
        capsys.readouterr().err
    )
