"""An evaluation as scores.csv and as report.html, a page that needs no other file."""

import base64
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from jinja2 import Environment, PackageLoader

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.evaluation import pictures
from tf_melgan.evaluation.comparison import RECORDINGS, Evaluation, UtteranceMetrics
from tf_melgan.evaluation.convention import metric_mel_spec
from tf_melgan.evaluation.metrics import METRICS, Metric
from tf_melgan.files import atomic_file

_LISTENING = 24


def write(evaluation: Evaluation, out: Path) -> None:
    """Writes `out`/scores.csv and `out`/report.html; each file is written atomically.

    The page has the scores of every utterance, and the sound and the spectrograms of the first 24.
    """
    # A name that is not UTF-8 is written with the numbers of its bytes.
    utf8 = {"encoding": "utf-8", "errors": "backslashreplace"}
    with atomic_file(out / "scores.csv") as temporary:
        temporary.write_text(_csv(evaluation), **utf8, newline="")
    with atomic_file(out / "report.html") as temporary:
        temporary.write_text(_html(evaluation), **utf8)


def summary(evaluation: Evaluation) -> str:
    """The means as plain text: a line for each system, damaged file, and metric without a value."""
    width = max(map(len, [RECORDINGS, *evaluation.systems]))
    lines = [" " * width + "".join(f"{metric.title:>17}" for metric in METRICS)]
    for system in (RECORDINGS, *evaluation.systems):
        cells = (f"{_mean(evaluation, system, metric):>17}" for metric in METRICS)
        lines.append(f"{system:<{width}}" + "".join(cells))
    for metric in METRICS:
        scores = [u.scores[system] for u in evaluation.utterances for system in evaluation.systems]
        reasons = {each[metric.key] for each in scores}
        if len(reasons) == 1 and isinstance(reason := reasons.pop(), str):
            lines.append(f"{metric.title}: {reason}")
    for utterance in evaluation.utterances:
        files = utterance.files()
        lines += [f"{files[system]}: {remark}" for system, remark in utterance.remarks.items()]
    return "\n".join(lines)


def _mean(evaluation: Evaluation, system: str, metric: Metric) -> str:
    mean = evaluation.mean(system, metric.key)
    if mean is None:
        return ""
    value, half, count = mean
    interval = f" ± {half:.{metric.digits}f}" if count > 1 else ""
    return f"{value:.{metric.digits}f}{interval}"


def _columns(evaluation: Evaluation) -> list[tuple[str, Metric]]:
    recordings = [(RECORDINGS, metric) for metric in METRICS if metric.key == "dnsmos"]
    return recordings + [(system, metric) for system in evaluation.systems for metric in METRICS]


def _csv(evaluation: Evaluation) -> str:
    columns = _columns(evaluation)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["utterance", *(f"{s} {m.key}" for s, m in columns), "undefined", "remarks"])
    for utterance in evaluation.utterances:
        values = [utterance.scores[system][metric.key] for system, metric in columns]
        reasons = [
            f"{system} {metric.key}: {value}"
            for (system, metric), value in zip(columns, values, strict=True)
            if isinstance(value, str)
        ]
        numbers = ["" if isinstance(value, str) else f"{value:.6g}" for value in values]
        remarks = [f"{system}: {remark}" for system, remark in utterance.remarks.items()]
        table.writerow([utterance.name, *numbers, "; ".join(reasons), "; ".join(remarks)])
    return text.getvalue()


def _html(evaluation: Evaluation) -> str:
    environment = Environment(
        loader=PackageLoader("tf_melgan.evaluation", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    utterances = evaluation.utterances
    return environment.get_template("report.html.jinja").render(
        metrics=METRICS,
        utterance_count=len(utterances),
        rows=[
            (system, [_mean(evaluation, system, metric) for metric in METRICS])
            for system in (RECORDINGS, *evaluation.systems)
        ],
        utterances=(
            {"name": x.name, "listening": index < _LISTENING, "rows": _rows(x, index < _LISTENING)}
            for index, x in enumerate(utterances)
        ),
    )


def _rows(utterance: UtteranceMetrics, listening: bool) -> Iterator[dict[str, Any]]:
    """What the page shows of each system; sound and spectrogram are data URIs."""
    recording_mel = None
    for system, path in utterance.files().items():
        remark = utterance.remarks.get(system)
        row = {"system": system, "scores": utterance.scores[system], "remark": remark}
        if listening:
            sound = load_audio(path, utterance.rate)
            mel = log_mel(sound, metric_mel_spec(utterance.rate))
            recording_mel = mel if recording_mel is None else recording_mel
            row["sound"] = _data_uri("audio/flac", _flac(sound, utterance.rate))
            row["spectrogram"] = _data_uri("image/png", pictures.thumbnail(mel, recording_mel))
        yield row


def _flac(samples: np.ndarray, rate: int) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, samples, rate, format="FLAC", subtype="PCM_16")
    return content.getvalue()


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
