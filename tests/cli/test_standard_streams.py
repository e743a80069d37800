"""Standard input and output: pipes, streams that the caller closed, and signals."""

import io
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from tf_melgan import voices
from tf_melgan.audio.mel_sources import SOURCES
from tf_melgan.cli.main import main
from tf_melgan.inference.vocoder import Vocoder

COMMAND = [sys.executable, "-m", "tf_melgan"]


@pytest.fixture(scope="module")
def mel(tmp_path_factory):
    """A `.npy` with one second of speech."""
    path = tmp_path_factory.mktemp("mels") / "mel.npy"
    np.save(path, np.load(voices.SENTENCE).astype(np.float32)[:86])
    return path


@pytest.fixture(scope="module")
def sound(mel):
    """What the default voice makes of `mel`."""
    return Vocoder.load(voices.DEFAULT).vocode(np.load(mel))


def run(*words, **settings):
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, **settings)


def test_vocode_reads_standard_input_and_writes_standard_output(mel, sound):
    done = run("vocode", "-", "--float", input=mel.read_bytes())
    assert done.returncode == 0 and b"1 wav, 1.0 s of sound" in done.stderr
    audio, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    assert rate == 22050
    np.testing.assert_array_equal(audio, sound)


def test_vocode_takes_a_recording_from_standard_input(sound, tmp_path):
    recording = io.BytesIO()
    soundfile.write(recording, sound, 22050, format="FLAC")
    done = run("vocode", "-", "--out", tmp_path / "a.wav", input=recording.getvalue())
    assert done.returncode == 0 and done.stdout.startswith(b"1 wav")
    assert soundfile.info(tmp_path / "a.wav").frames == len(sound)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty; pipe"),
        (b"noise", "cannot be decoded"),
        (b"\x93NUMPY\x01\x00", "is not a .npy array"),
    ],
)
def test_bad_standard_input_is_named_and_writes_nothing(data, reason):
    done = run("vocode", "-", input=data)
    assert done.returncode == 2 and done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"tf-melgan: standard input: {reason}")


def test_a_mel_of_another_project_goes_through_a_pipe(tmp_path):
    torch = pytest.importorskip("torch")
    voice = Vocoder.load(voices.DEFAULT)
    mel = SOURCES["hifigan"].analyse(voice.vocode(np.load(voices.SENTENCE).astype("f")[:60]))
    torch.save(torch.from_numpy(mel.T[None].copy()), tmp_path / "mel.pt")
    done = run("vocode", "-", "--mel", "hifigan", input=(tmp_path / "mel.pt").read_bytes())
    assert done.returncode == 0
    said = done.stderr.decode().splitlines()
    assert said[0] == "mels of hifigan: estimated with a matrix fitted to speech"
    assert said[1] == "standard input: shape (1, 80, 60) is read as 60 frames of 80 bands"
    audio, rate = soundfile.read(io.BytesIO(done.stdout), dtype="int16")
    assert rate == 22050 and len(audio) == 60 * 256 and np.abs(audio).max() > 1000
    # Without a header, and from a file.
    raw = run("vocode", tmp_path / "mel.pt", "--mel", "matcha", "--out", "-", "--raw")
    np.testing.assert_array_equal(np.frombuffer(raw.stdout, "<i2"), audio)
    floats = run("vocode", tmp_path / "mel.pt", "--mel=matcha", "--out=-", "--raw", "--float")
    expected = voice.vocode(mel, "hifigan")
    np.testing.assert_array_equal(np.frombuffer(floats.stdout, "<f4"), expected)
    # Without its name it is refused, and the name is said.
    refused = run("vocode", tmp_path / "mel.pt", "--out", tmp_path / "a.wav")
    assert refused.returncode == 2 and not (tmp_path / "a.wav").exists()
    assert b"name its convention (hifigan" in refused.stderr.splitlines()[-1]


def test_normalized_mels_are_vocoded_with_their_statistics(tmp_path):
    voice = Vocoder.load(voices.DEFAULT)
    source = SOURCES["espnet"]
    mel = source.analyse(voice.vocode(np.load(voices.SENTENCE).astype("f")[:60]))
    mean, deviation = mel.mean(axis=0), mel.std(axis=0)
    np.save(tmp_path / "stats.npy", np.stack([mean, deviation]))
    np.savez(tmp_path / "mel.npz", feats=(mel - mean) / deviation)
    words = ["--mel", "espnet", "--stats", tmp_path / "stats.npy", "--out", tmp_path / "a.wav"]
    done = run("vocode", tmp_path / "mel.npz", "--float", *words)
    assert done.returncode == 0, done.stderr
    audio, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    np.testing.assert_allclose(audio, voice.vocode(mel, "espnet"), rtol=0, atol=1e-3)


def test_flac_has_the_samples_of_the_wav(mel, tmp_path):
    for name in ("a.wav", "a.flac"):
        assert main(["vocode", str(mel), "--out", str(tmp_path / name)]) == 0
    assert soundfile.info(tmp_path / "a.flac").format == "FLAC"
    sounds = [soundfile.read(tmp_path / name, dtype="int16")[0] for name in ("a.wav", "a.flac")]
    assert np.abs(sounds[0]).max() > 1000
    np.testing.assert_array_equal(*sounds)


def test_a_bad_mel_does_not_stop_a_folder(mel, tmp_path, capsys):
    for name in ("a", "c"):
        (tmp_path / f"mels/{name}").mkdir(parents=True)
        (tmp_path / f"mels/{name}/1.npy").write_bytes(mel.read_bytes())
    (tmp_path / "mels/b.npy").write_text("no array")
    assert main(["vocode", str(tmp_path / "mels"), "--out", str(tmp_path / "wavs")]) == 1
    written = capsys.readouterr()
    assert written.out.startswith("2 wavs, 2.0 s of sound, ")
    lines = written.err.splitlines()
    assert lines[0] == (
        f"left out: {tmp_path / 'mels/b.npy'}: is not a .npy array; save it with numpy.save"
    )
    assert lines[-1] == "1 of 3 inputs were left out, as said above"
    assert sorted(x.name for x in (tmp_path / "wavs").rglob("*.*")) == ["1.wav", "1.wav"]


def test_a_disk_that_is_full_stops_a_folder(mel, tmp_path, capsys):
    for name in ("a", "b"):
        (tmp_path / f"{name}.npy").write_bytes(mel.read_bytes())
    (tmp_path / "out").touch()
    assert main(["vocode", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    errors = [x for x in capsys.readouterr().err.splitlines() if "cannot be written" in x]
    assert len(errors) == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_ignored(closed, mel, tmp_path):
    words = " ".join([*COMMAND, "vocode", str(mel), "--out", str(tmp_path / "a.wav"), closed])
    done = subprocess.run(["sh", "-c", words], capture_output=True)
    assert done.returncode == 0
    # Nothing but sound got into the file.
    assert soundfile.info(tmp_path / "a.wav").frames == 86 * 256


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_leaves_ends_the_command_quietly(stream, mel, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
    out = ["--out", str(tmp_path / "a.wav")]
    done = subprocess.run([*COMMAND, "vocode", str(mel), *out], **pipes)
    os.close(writer)
    assert done.returncode == 141
    assert b"Error" not in (done.stderr or b"") + (done.stdout or b"")
    assert [x.name for x in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_leave_no_unfinished_file(number, code, mel, tmp_path):
    long = tmp_path / "long.npy"
    np.save(long, np.tile(np.load(mel), (2000, 1)))
    command = [*COMMAND, "vocode", str(long), "--out", str(tmp_path / "wavs")]
    # A shell that starts the tests in the background has Ctrl-C ignored.
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("wavs/.*.part.wav")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert errors.splitlines()[-1] == "tf-melgan: interrupted"
    assert "Traceback" not in errors
    assert list((tmp_path / "wavs").iterdir()) == []


def test_a_full_standard_output_is_one_line(mel):
    with open("/dev/full", "wb") as full:
        words = [*COMMAND, "vocode", str(mel), "--out", "-"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "tf-melgan: standard output: cannot be written (No space left on device)"
    )


def test_sound_for_a_closed_standard_output_is_refused(mel):
    words = " ".join([*COMMAND, "vocode", str(mel), "--out", "-", ">&-"])
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "tf-melgan: standard output: is closed; open it, or give --out\n"


def test_what_is_wrong_with_a_recording_is_said(sound, tmp_path, capsys):
    soundfile.write(tmp_path / "cut.flac", sound, 22050)
    whole = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    soundfile.write(tmp_path / "opposite.wav", np.stack([sound, -sound], axis=1), 22050)
    for name, remark in {
        "cut.flac": "ends early",
        "opposite.wav": "its channels cancel each other out; give a mono recording",
    }.items():
        path = tmp_path / name
        assert main(["vocode", str(path), "--out", str(tmp_path / "out")]) == 0
        lines = [x for x in capsys.readouterr().err.splitlines() if str(path) in x]
        assert len(lines) == 1 and lines[0].startswith(f"{path}: {remark}")
