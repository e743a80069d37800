"""Every example runs, and does what its first lines say."""

import os
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import numpy as np
import pytest
import soundfile
from helpers.speech import recordings

from tf_melgan import Vocoder, load_audio, log_mel
from tf_melgan.audio.sound_files import resample, to_int16

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = os.environ | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"}


def run(name: str, *words: str | Path, cwd: Path) -> str:
    """Runs an example in `cwd`, which may hold modules for it, and returns what it prints."""
    path = os.pathsep.join(filter(None, [str(cwd), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *words],
        cwd=cwd,
        env=ENVIRONMENT | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-10_000:]
    return done.stdout


def samples(path: Path) -> np.ndarray:
    """Int16 (samples,) of a wav."""
    return soundfile.read(path, dtype="int16")[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With `recordings/`: five recordings to train on, one to validate on."""
    for index, path in enumerate(recordings(6)):
        split = tmp_path / "recordings" / ("validation" if index == 0 else "train")
        split.mkdir(parents=True, exist_ok=True)
        (split / path.name).symlink_to(path)
    return tmp_path


def test_the_readme_names_every_example() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    programs = [path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")]
    assert len(programs) >= 4
    for name in programs:
        assert f"- [{name}]({name}): " in readme


@pytest.mark.docs
def test_train_on_a_folder(folder: Path) -> None:
    words = ("recordings", "mine", "--steps", "4")
    text = run("train_on_a_folder.py", *words, cwd=folder)
    assert "vocoded.wav beside recorded.wav (validation/" in text
    recorded, vocoded = (samples(folder / "mine" / f"{x}.wav") for x in ("recorded", "vocoded"))
    assert recorded.shape == vocoded.shape and vocoded.any()
    (folder / "mine" / "vocoded.wav").unlink()
    run("train_on_a_folder.py", *words, cwd=folder)
    np.testing.assert_array_equal(samples(folder / "mine" / "vocoded.wav"), vocoded)


def test_vocode_mels(tmp_path: Path) -> None:
    vocoder = Vocoder.load("lj-lite")
    mel = log_mel(load_audio(recordings(1)[0], 22050), vocoder.spec)
    (tmp_path / "mels").mkdir()
    natural = (mel * np.log(10)).astype(np.float32)
    np.save(tmp_path / "mels" / "natural.npy", natural)
    np.save(tmp_path / "mels" / "normalized.npy", ((natural + 4) / 2).T)
    run("vocode_mels.py", "mels/natural.npy", cwd=tmp_path)
    normalization = ("--bands-first", "--mean", "-4", "--std", "2", "--out", "wavs")
    run("vocode_mels.py", "mels/normalized.npy", *normalization, cwd=tmp_path)
    expected, _ = to_int16(vocoder.vocode(mel))
    for name in ("natural", "normalized"):
        difference = samples(tmp_path / "wavs" / f"{name}.wav").astype(int) - expected
        # The logarithms are rounded to float32 on the way.
        assert np.abs(difference).max() <= 20


def test_text_to_speech(tmp_path: Path) -> None:
    """The sound has the mel of what the acoustic model makes of its spectra itself."""
    hibari = pytest.importorskip("hibari")
    text = "She counted the steps aloud. Two were missing."
    assert "speech.wav: " in run("text_to_speech.py", text, cwd=tmp_path)
    model, spec = hibari.Hibari(), Vocoder.load("lj-lite").spec
    expected = resample(model(text, seed=0), model.sample_rate, spec.sample_rate)
    audio, rate = soundfile.read(tmp_path / "speech.wav", dtype="float32")
    assert rate == spec.sample_rate and abs(len(audio) - len(expected)) < 3 * spec.hop
    mels = [log_mel(sound, spec) for sound in (audio, expected)]
    frames = min(map(len, mels))
    vocoded, own = (mel[:frames] for mel in mels)
    # Measured: 0.20 to 0.22 in log10, and a correlation of 0.97.
    assert np.abs(vocoded - own).mean() < 0.25
    assert np.corrcoef(vocoded.ravel(), own.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("frames", ["1", "16"])
def test_stream_to_a_wav(frames: str, tmp_path: Path) -> None:
    vocoder = Vocoder.load("lj-lite")
    words = (recordings(1)[0], "--frames", frames, "--out", "streamed.wav")
    assert "chunks of " in run("stream_to_sound_card.py", *words, cwd=tmp_path)
    mel = log_mel(load_audio(recordings(1)[0], 22050), vocoder.spec)
    expected, _ = to_int16(vocoder.vocode(mel))
    np.testing.assert_array_equal(samples(tmp_path / "streamed.wav"), expected)


def test_the_sound_card_hears_every_chunk(tmp_path: Path) -> None:
    """With a sounddevice that writes down what it is to play."""
    (tmp_path / "sounddevice.py").write_text(
        "import numpy as np\n"
        "class OutputStream:\n"
        "    def __init__(self, samplerate, channels, dtype):\n"
        "        assert (samplerate, channels, dtype) == (22050, 1, 'float32')\n"
        "        self.played = []\n"
        "    def __enter__(self):\n"
        "        return self\n"
        "    def write(self, audio):\n"
        "        assert audio.dtype == 'float32' and audio.shape[1:] == (1,)\n"
        "        self.played.append(audio[:, 0].copy())\n"
        "    def __exit__(self, *error):\n"
        "        np.save('played.npy', np.concatenate(self.played))\n"
    )
    run("stream_to_sound_card.py", recordings(1)[0], cwd=tmp_path)
    vocoder = Vocoder.load("lj-lite")
    expected = vocoder.vocode(log_mel(load_audio(recordings(1)[0], 22050), vocoder.spec))
    np.testing.assert_array_equal(np.load(tmp_path / "played.npy"), expected)


@pytest.mark.docs
@pytest.mark.parametrize("given", [False, True], ids=["synthesized", "recordings"])
def test_the_notebook_runs(given: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("TF_MELGAN_STEPS", "4")
    monkeypatch.setenv("TF_MELGAN_OUT", "out")
    if given:
        monkeypatch.setenv("TF_MELGAN_RECORDINGS", str(folder / "recordings"))
    notebook = nbformat.read(EXAMPLES / "train_smoke.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=resources
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [kind for output in outputs for kind in output.get("data", ())]
    assert shown.count("image/png") == 2
    assert shown.count("text/html") == 2, "the two sounds"
    assert (folder / "out" / "recordings").exists() != given
