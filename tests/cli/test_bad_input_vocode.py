"""User errors of `vocode`, each one line: voices, mels, runs and outputs."""

import errno
import os

import pytest
from helpers.command_lines import assert_one_line, run, with_paths

from tf_melgan import voices

VOICES = ", ".join(voices.names())

CASES = {
    # Voices and mels.
    "vocode mels/good.npy --voice none --out out": ""
    "{none}: no such file or folder; give a run's folder, a "
    f"SavedModel, a .tflite, .onnx, .keras or .npz file, or {VOICES}",
    "vocode mels/good.npy --voice good.yaml --out out": ""
    "{good.yaml}: is not a voice; give a run's folder, "
    "a SavedModel, a .tflite, .onnx, .keras or .npz file",
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
    "vocode mels/good.npy --voice voice.keras --out out --mel=hifgan": "--mel: there is no mel "
    "convention 'hifgan'; did you mean hifigan?",
    "vocode mels/good.npy --voice voice.keras --out out --mel=hifigan": "the mel has 86.1 frames "
    "a second, and the voice needs about 689.1; compute mels with another hop",
    "vocode mels/good.npy --voice voice.keras --out out --stats good.yaml": "--stats: belongs to "
    "a convention; give --mel",
    "vocode mels/good.npy --voice voice.keras --out out --mel=espnet --stats good.yaml": ""
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
    # Runs and outputs.
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
    "or is damaged; run tf-melgan train as before, which restores it from the run's checkpoint",
    "vocode mels/good.npy --voice voice.keras --out out/a.mp3": "--out: {out/a.mp3} would be no "
    ".wav or .flac file; give one of these, or a folder",
    "vocode mels --voice voice.keras --out -": "--out: - is for one mel or recording; give a "
    "folder",
    "vocode mels/good.npy --voice lj-lite --threads -3": "threads is -3; give 1 to 256",
    "vocode mels --voice voice.keras --out out.wav": "--out: {out.wav} is the name of a file, for "
    "8 inputs; give a folder",
    "vocode mels/good.npy --voice voice.keras --out out/a.flac --float": "{out/a.flac}: cannot "
    "hold 32-bit floats; give a .wav",
}


@pytest.mark.parametrize("words", CASES)
def test_each_error_is_one_clear_line(workspace, words, capsys):
    assert_one_line(workspace, words, CASES[words], capsys)


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
