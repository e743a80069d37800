"""ViSQOL against its own package, which reads files; and what there is without the package."""

import sys

import numpy as np
import pytest
import soundfile
from helpers.noisy_speech import RATE

from tf_melgan.audio.sound_files import resample
from tf_melgan.evaluation import metrics, report
from tf_melgan.evaluation.comparison import Evaluation, UtteranceMetrics
from tf_melgan.evaluation.metrics import METRICS, visqol


def test_visqol_is_what_its_package_measures_of_files(tmp_path, speech, noisy):
    api = pytest.importorskip("visqol").VisqolApi()
    api.create(mode="speech", use_lattice_model=True)
    paths = [str(tmp_path / name) for name in ("speech.wav", "noisy.wav")]
    for path, sound in zip(paths, (speech, noisy), strict=True):
        soundfile.write(path, sound, RATE, subtype="FLOAT")
    value = visqol(speech, noisy, RATE)
    assert value == pytest.approx(api.measure(*paths).moslqo, abs=1e-6)
    assert 1.5 < value < 3 < visqol(speech, speech, RATE)
    higher = (resample(x, RATE, 22050) for x in (speech, noisy))
    assert visqol(*higher, 22050) == pytest.approx(value, abs=0.05)


def test_what_visqol_cannot_score_has_a_reason(speech):
    pytest.importorskip("visqol")
    for silent in ((speech, 0 * speech), (0 * speech, speech)):
        assert visqol(*silent, RATE) == "silent"
    for seconds in (0.001, 0.05, 0.3):
        short = speech[: round(seconds * RATE)] + np.float32(1e-3)
        assert visqol(short, short, RATE) == "too little speech"


def test_without_its_package_the_summary_says_what_to_install(monkeypatch, speech, tmp_path):
    monkeypatch.setitem(sys.modules, "visqol", None)
    metrics._visqol_api.cache_clear()
    reason = visqol(speech, speech, RATE)
    assert reason == 'needs visqol-python; pip install ".[visqol]"'
    scores = {"voice": {x.key: 1.0 for x in METRICS} | {"visqol": reason}}
    scores["recordings"] = {"dnsmos": 3.0}
    utterances = [UtteranceMetrics("a", RATE, tmp_path, {"voice": tmp_path}, scores)] * 2
    assert report.summary(Evaluation(["voice"], utterances)).splitlines()[-1] == f"ViSQOL: {reason}"
