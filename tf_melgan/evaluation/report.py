"""An evaluation as a table: scores.csv, and report.html, which needs nothing but itself."""

import base64
import csv
import html
import io
from pathlib import Path

import soundfile

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.evaluation import pictures
from tf_melgan.evaluation.comparison import RECORDINGS, Evaluation, UtteranceMetrics
from tf_melgan.evaluation.metrics import METRICS, Metric, MetricValue, metric_mel_spec
from tf_melgan.files import atomic_file

_LISTENING = 24
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } th { text-align: left; font-weight: 600 }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #8885; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums } small { color: #888 }
img { width: 24rem; height: 6rem; image-rendering: pixelated } audio { width: 18rem }
"""


def write(evaluation: Evaluation, out: Path) -> None:
    """Writes `out`/scores.csv and `out`/report.html, each whole or not at all.

    Sound and spectrograms are in the page for the first 24 utterances; numbers for all.
    """
    with atomic_file(out / "scores.csv") as temporary:
        temporary.write_text(_csv(evaluation), encoding="utf-8", newline="")
    with atomic_file(out / "report.html") as temporary:
        temporary.write_text(_html(evaluation), encoding="utf-8")


def summary(evaluation: Evaluation) -> str:
    """The means as plain text, a line per system."""
    width = max(map(len, [RECORDINGS, *evaluation.systems]))
    lines = [" " * width + "".join(f"{metric.title:>17}" for metric in METRICS)]
    for system in (RECORDINGS, *evaluation.systems):
        cells = (f"{_mean(evaluation, system, metric):>17}" for metric in METRICS)
        lines.append(f"{system:<{width}}" + "".join(cells))
    return "\n".join(lines)


def _mean(evaluation: Evaluation, system: str, metric: Metric) -> str:
    mean = evaluation.mean(system, metric.key)
    if mean is None:
        return ""
    value, half, count = mean
    interval = f" ± {half:.{metric.digits}f}" if count > 1 else ""
    return f"{value:.{metric.digits}f}{interval}"


def _columns(evaluation: Evaluation) -> list[tuple[str, Metric]]:
    own = [(RECORDINGS, metric) for metric in METRICS if metric.key == "dnsmos"]
    return own + [(system, metric) for system in evaluation.systems for metric in METRICS]


def _csv(evaluation: Evaluation) -> str:
    columns = _columns(evaluation)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["utterance", *(f"{s} {m.key}" for s, m in columns), "undefined"])
    for utterance in evaluation.utterances:
        values = [utterance.scores[system][metric.key] for system, metric in columns]
        reasons = [
            f"{system} {metric.key}: {value}"
            for (system, metric), value in zip(columns, values, strict=True)
            if isinstance(value, str)
        ]
        numbers = ["" if isinstance(value, str) else f"{value:.6g}" for value in values]
        table.writerow([utterance.name, *numbers, "; ".join(reasons)])
    return text.getvalue()


def _html(evaluation: Evaluation) -> str:
    heads = "".join(
        f'<th title="{html.escape(m.about)}">{m.title} {"↑" if m.higher_is_better else "↓"}'
        f"<br><small>{m.unit or '&nbsp;'}</small></th>"
        for m in METRICS
    )
    rows = "".join(
        f"<tr><th>{html.escape(system)}</th>"
        + "".join(f'<td class="number">{_mean(evaluation, system, m)}</td>' for m in METRICS)
        + "</tr>"
        for system in (RECORDINGS, *evaluation.systems)
    )
    legend = "; ".join(f"{m.title}: {m.about}" for m in METRICS)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>tf-melgan evaluate</title>",
        f"<style>{_STYLE}</style><h1>Synthesized speech against its recordings</h1>",
        f"<p>{len(evaluation.utterances)} utterances; mean ± half of the 95 % confidence "
        f"interval. ↑ more is better, ↓ less. {html.escape(legend)}.</p>",
        f"<table><tr><th></th>{heads}</tr>{rows}</table>",
    ]
    for index, utterance in enumerate(evaluation.utterances):
        parts.append(_section(utterance, heads, listening=index < _LISTENING))
    return "\n".join(parts) + "</html>\n"


def _section(utterance: UtteranceMetrics, heads: str, listening: bool) -> str:
    files = {RECORDINGS: utterance.reference, **utterance.synthesized}
    rows, like = [], None
    for system, path in files.items():
        media = ""
        if listening:
            spec = metric_mel_spec(utterance.rate)
            sound = load_audio(path, utterance.rate)
            mel = log_mel(sound, spec)
            like = mel if like is None else like
            media = (
                f"<td><audio controls preload=none src='{_sound(sound, utterance.rate)}'></audio>"
                f"<br><img alt='' src='{_data('image/png', pictures.thumbnail(mel, like))}'></td>"
            )
        scores = utterance.scores[system]
        cells = "".join(f'<td class="number">{_cell(scores.get(m.key), m)}</td>' for m in METRICS)
        rows.append(f"<tr><th>{html.escape(system)}</th>{media}{cells}</tr>")
    blank = "<th></th>" if listening else ""
    return (
        f"<h2>{html.escape(utterance.name)}</h2>"
        f"<table><tr><th></th>{blank}{heads}</tr>{''.join(rows)}</table>"
    )


def _cell(score: MetricValue | None, metric: Metric) -> str:
    if isinstance(score, float):
        return f"{score:.{metric.digits}f}"
    return f"<small>{html.escape(score)}</small>" if score else ""


def _sound(samples: object, rate: int) -> str:
    flac = io.BytesIO()
    soundfile.write(flac, samples, rate, format="FLAC", subtype="PCM_16")
    return _data("audio/flac", flac.getvalue())


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
