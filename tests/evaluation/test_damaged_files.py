"""Evaluating files that end early or do not know their length."""

import csv
import os

import numpy as np
import pytest
import soundfile
from helpers.noisy_speech import RATE
from helpers.quick_metrics import use_quick_metrics

from tf_melgan.audio.sound_files import write_audio
from tf_melgan.evaluation import report
from tf_melgan.evaluation.comparison import add_griffin_lim, evaluate


def test_evaluate_says_which_files_end_early(tmp_path, speech, noisy, monkeypatch):
    use_quick_metrics(monkeypatch)
    write_audio(tmp_path / "recordings/a.wav", speech, RATE)
    write_audio(tmp_path / "voice/a.wav", noisy, RATE)
    damaged = tmp_path / "voice/a.wav"
    damaged.write_bytes(damaged.read_bytes()[: -RATE // 10])  # 0.05 s of 16 bits
    evaluation = evaluate(tmp_path / "recordings", [tmp_path / "voice"])
    seconds = len(noisy) / RATE
    remark = f"ends early: {seconds - 0.05:.2f} s of {seconds:.2f} s"
    assert evaluation.utterances[0].remarks == {"voice": remark}
    assert report.summary(evaluation).splitlines()[-1] == f"{damaged}: {remark}"
    report.write(evaluation, tmp_path)
    with open(tmp_path / "scores.csv", newline="") as file:
        assert next(csv.DictReader(file))["remarks"] == f"voice: {remark}"
    assert f"<small>{remark}</small>" in (tmp_path / "report.html").read_text()


def test_lengths_are_those_of_the_sound(tmp_path, speech, monkeypatch):
    use_quick_metrics(monkeypatch)
    (tmp_path / "recordings").mkdir()
    recording = tmp_path / "recordings/a.flac"
    soundfile.write(recording, speech, RATE)
    content = bytearray(recording.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)  # the length in the header, unknown now
    recording.write_bytes(content)
    system = add_griffin_lim(tmp_path / "recordings", [], tmp_path / "griffin-lim")
    evaluation = evaluate(tmp_path / "recordings", [system])
    assert evaluation.utterances[0].remarks == {}
    assert np.isfinite(evaluation.mean("griffin-lim", "mel")[0])


def test_a_name_that_is_not_utf8(tmp_path, speech, noisy, monkeypatch):
    use_quick_metrics(monkeypatch)
    name = os.fsdecode(b"caf\xe9")
    try:
        write_audio(tmp_path / f"recordings/{name}.wav", speech, RATE)
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    write_audio(tmp_path / f"voice/{name}.wav", noisy, RATE)
    report.write(evaluate(tmp_path / "recordings", [tmp_path / "voice"]), tmp_path)
    assert r"caf\udce9" in (tmp_path / "scores.csv").read_text(encoding="utf-8")
    assert r"<h2>caf\udce9</h2>" in (tmp_path / "report.html").read_text(encoding="utf-8")
