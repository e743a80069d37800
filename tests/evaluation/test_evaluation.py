"""Metrics against the libraries and closed forms; tables, intervals and the report."""

import base64
import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pesq
import pytest
import soundfile
from helpers.noisy_speech import RATE
from helpers.quick_metrics import use_quick_metrics
from scipy import stats

from tf_melgan.audio.griffin_lim import griffin_lim
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio, resample, write_audio
from tf_melgan.errors import UserInputError
from tf_melgan.evaluation import metrics, report
from tf_melgan.evaluation.comparison import Evaluation, UtteranceMetrics, add_griffin_lim, evaluate
from tf_melgan.evaluation.metrics import (
    METRICS,
    compute_metrics,
    mel_cepstral_distortion,
    pesq_wb,
)


def tone(hertz, seconds=1.0, rate=22050):
    time = np.arange(round(seconds * rate)) / rate
    return sum(np.sin(2 * np.pi * k * hertz * time) / k for k in (1, 2, 3, 4)) / 4


def test_a_copy_has_the_best_scores(speech):
    values = compute_metrics(speech, speech, RATE)
    assert list(values) == [metric.key for metric in METRICS]
    assert values["pesq"] == pytest.approx(4.644, abs=1e-3)
    assert values["stoi"] == pytest.approx(1, abs=1e-9)
    assert 1 < values["dnsmos"] < 5
    assert [values[key] for key in ("mel", "stft", "mcd", "f0", "vuv")] == [0, 0, 0, 0, 0]


def test_more_noise_makes_every_score_worse(speech, noisy):
    noisier = speech + 4 * (noisy - speech)
    little, much = (compute_metrics(speech, x, RATE) for x in (noisy, noisier))
    for metric in METRICS:
        if metric.key in ("visqol", "f0", "vuv"):
            continue  # ViSQOL need not be installed, and this noise does not change the pitch.
        gain = much[metric.key] - little[metric.key]
        assert gain < 0 if metric.higher_is_better else gain > 0, metric.key


def test_pesq_equals_the_library_and_is_averaged_over_long_speech(speech, noisy):
    expected = pesq.pesq(RATE, speech, noisy, "wb")
    assert pesq_wb(speech, noisy, RATE) == pytest.approx(expected, abs=1e-6)
    # In one piece these 120 s crash the library, which has room for only 50 bursts of speech.
    length = 10 * RATE
    pair = [np.tile(np.resize(x, length), 12) for x in (speech, noisy)]
    piece = pesq.pesq(RATE, *(x[: 2 * length] for x in pair), "wb")
    assert pesq_wb(*pair, RATE) == pytest.approx(piece, abs=1e-3)


def test_cepstral_distortion_is_the_spectral_difference_in_decibels(monkeypatch):
    # A cosine over the bands with amplitude 0.1 in log10 is 2 dB, or an RMS of 2 / √2 dB.
    band = (np.arange(80) + 0.5) / 80
    difference = np.tile(0.7 + 0.1 * np.cos(np.pi * 5 * band), (3, 1))
    monkeypatch.setattr(metrics, "_mel_difference", lambda *pair: difference)
    silence = np.zeros(100)
    distortion = mel_cepstral_distortion(silence, silence, 22050)
    assert distortion == pytest.approx(2 / np.sqrt(2), rel=1e-9)


@pytest.mark.parametrize(
    ("seconds", "level", "reasons"),
    [
        (2.0, 0.0, {"pesq": "silent", "dnsmos": "silent", "f0": "never voiced together"}),
        (
            0.1,
            1.0,
            {
                "pesq": "shorter than 0.25 s",
                "stoi": "under 0.4 s of speech",
                "f0": "too short for pitch",
                "vuv": "too short for pitch",
            },
        ),
    ],
)
def test_an_undefined_score_has_a_reason(speech, seconds, level, reasons):
    reference = speech[: round(seconds * RATE)]
    values = compute_metrics(reference, level * reference, RATE)
    values.pop("visqol")  # It has tests of its own.
    assert {key: value for key, value in values.items() if isinstance(value, str)} == reasons


@pytest.mark.parametrize("spec", [MelSpec(), MelSpec(log="ln", sample_rate=24000, hop=300)])
def test_griffin_lim_reproduces_its_mel(speech, spec):
    sound = resample(speech, RATE, spec.sample_rate)[: 50 * spec.hop + 7]
    mel = log_mel(sound, spec)
    audio = griffin_lim(mel, spec)
    assert audio.shape == (len(mel) * spec.hop,) and audio.dtype == np.float32
    scale = np.log(10) if spec.log == "ln" else 1
    assert np.abs(log_mel(audio, spec) - mel).mean() < 0.1 * scale
    assert griffin_lim(mel[:1], spec).shape == (spec.hop,)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, speech, noisy):
    root = tmp_path_factory.mktemp("evaluation")
    for name, seconds in (("b", 0.9), ("deep/a & <c>", 1.4), ("short", 0.1)):
        length = round(seconds * RATE)
        write_audio(root / "recordings" / f"{name}.wav", speech[:length], RATE)
        write_audio(root / "voice" / f"{name}.wav", noisy[: length + 200], RATE)
    write_audio(root / "recordings" / "unused.wav", speech, RATE)
    systems = [root / "voice"]
    systems.append(add_griffin_lim(root / "recordings", systems, root / "griffin-lim"))
    with pytest.MonkeyPatch.context() as patch:
        use_quick_metrics(patch)
        evaluation = evaluate(root / "recordings", systems)
    assert evaluation.left_out == ["unused"]
    report.write(evaluation, root)
    return root, evaluation


def test_the_csv_has_every_score_or_the_reason_it_is_missing(folders):
    root, evaluation = folders
    rows = list(csv.DictReader(io.StringIO((root / "scores.csv").read_text())))
    assert [row["utterance"] for row in rows] == ["b", "deep/a & <c>", "short"]
    for row, utterance in zip(rows, evaluation.utterances, strict=True):
        for system, values in utterance.scores.items():
            for key, value in values.items():
                if isinstance(value, str):
                    assert row[f"{system} {key}"] == ""
                    assert f"{system} {key}: {value}" in row["undefined"]
                else:
                    assert float(row[f"{system} {key}"]) == pytest.approx(value, rel=1e-5)
    assert "voice pesq: shorter than 0.25 s" in rows[2]["undefined"]
    assert rows[0]["undefined"] == ""


def test_the_report_is_self_contained_and_plays_the_sound(folders):
    root, evaluation = folders
    page = (root / "report.html").read_text()
    sources = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag not in ("script", "link", "iframe")
            sources.extend((tag, value) for key, value in attrs if key in ("src", "href"))

    Parser().feed(page)
    assert [tag for tag, _ in sources] == ["audio", "img"] * 9
    assert all(source.startswith("data:") for _, source in sources)
    assert "url(" not in page and "a &amp; &lt;c&gt;" in page
    flac = base64.b64decode(sources[0][1].split(",")[1])
    samples, rate = soundfile.read(io.BytesIO(flac), dtype="float32")
    assert rate == RATE
    np.testing.assert_array_equal(samples, load_audio(root / "recordings" / "b.wav", RATE))
    assert "3.21" in page
    pesq_mean = evaluation.mean("voice", "pesq")
    assert f"{pesq_mean[0]:.2f} ± {pesq_mean[1]:.2f}" in page
    assert re.search(r"griffin-lim +\d\.\d\d ± ", report.summary(evaluation))


def test_names_and_reasons_are_escaped_in_the_report(tmp_path):
    names = ["<script>alert(1)<", "'quoted' \"name\" & <b>bold"]
    paths = [tmp_path / f"{index}.wav" for index in range(2)]
    for path in paths:
        write_audio(path, tone(200, 0.2, RATE), RATE)
    system = "<i>voice & co"
    values = {metric.key: 0.5 for metric in METRICS} | {"pesq": "0.1 s < 0.25 s"}
    scores = {"recordings": {"dnsmos": 3.0}, system: values}
    utterances = [
        UtteranceMetrics(name, RATE, path, {system: path}, scores)
        for name, path in zip(names, paths, strict=True)
    ]
    report.write(Evaluation([system], utterances), tmp_path)
    tags, texts = set(), []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.add(tag)

        def handle_data(self, data):
            texts.append(data)

    Parser().feed((tmp_path / "report.html").read_text())
    assert not tags & {"script", "b", "i"}
    assert {*names, system, "0.1 s < 0.25 s", "0.500"} <= set(texts)


def test_means_have_students_confidence_interval():
    values = [1.0, 2.0, 4.0, "silent"]
    utterances = [
        UtteranceMetrics("", RATE, None, {}, {"voice": {"pesq": value}}) for value in values
    ]
    mean, half, count = Evaluation(["voice"], utterances).mean("voice", "pesq")
    low, high = stats.t.interval(0.95, 2, np.mean(values[:3]), stats.sem(values[:3]))
    assert (mean - half, mean + half) == (pytest.approx(low), pytest.approx(high)) and count == 3
    assert Evaluation(["voice"], utterances[3:]).mean("voice", "pesq") is None


def test_a_system_in_a_folder_named_recordings_is_kept_apart(tmp_path, speech, monkeypatch):
    for place in ("reference/a.wav", "recordings/a.wav"):
        write_audio(tmp_path / place, speech, RATE)
    system = tmp_path / "recordings"
    result = evaluate(tmp_path / "reference", [system])
    assert result.systems == [system.as_posix()]
    assert set(result.utterances[0].scores) == {"recordings", system.as_posix()}
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserInputError, match=r"^recordings: the report uses this name"):
        evaluate(Path("reference"), [Path("recordings")])


def test_scores_are_computed_at_the_lowest_sample_rate(tmp_path, speech):
    write_audio(tmp_path / "recordings/a.wav", resample(speech, RATE, 48000), 48000)
    write_audio(tmp_path / "voice/a.wav", speech, RATE)
    (utterance,) = evaluate(tmp_path / "recordings", [tmp_path / "voice"]).utterances
    assert utterance.rate == RATE
    assert 1 < utterance.scores["recordings"]["dnsmos"] < 5
    assert utterance.scores["voice"]["pesq"] > 4.5


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda root: (root / "voice/b.wav").unlink(), "voice: holds no audio"),
        (
            lambda root: (root / "recordings/b.wav").unlink(),
            "b.wav: has no recording of the same name in",
        ),
        (
            lambda root: write_audio(root / "voice/b.wav", np.zeros(RATE), RATE),
            "b.wav: lasts 1.00 s and its recording 2.00 s; give the same utterance, aligned",
        ),
        (
            lambda root: (root / "voice/b.wav").write_bytes(b"noise"),
            "b.wav: cannot be decoded (Format not recognised); give a wav, flac, ogg or mp3",
        ),
        (
            lambda root: (root / "voice/b.flac").write_bytes(b"noise"),
            "b.wav: b.flac has the same name; keep one of them",
        ),
        (
            lambda root: write_audio(root / "other/c.wav", np.zeros(RATE), RATE),
            "other: the systems hold different files, for example b; give each the same utterances",
        ),
    ],
)
def test_mismatched_files_are_refused(tmp_path, change, line):
    for place in ("recordings/b.wav", "recordings/c.wav", "voice/b.wav"):
        write_audio(tmp_path / place, np.zeros(2 * RATE), RATE)
    change(tmp_path)
    systems = [x for x in (tmp_path / "voice", tmp_path / "other") if x.exists()]
    with pytest.raises(UserInputError, match=re.escape(line)):
        evaluate(tmp_path / "recordings", systems)
    with pytest.raises(UserInputError, match=re.escape(line)):
        add_griffin_lim(tmp_path / "recordings", systems, tmp_path / "griffin-lim")
    assert not (tmp_path / "griffin-lim").exists()
