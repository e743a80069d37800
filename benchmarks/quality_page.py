"""The results of benchmarks.quality as a Markdown page with pictures.

    python -m benchmarks.quality_page

Writes docs/quality.md and docs/quality-scores.png from benchmarks/results/quality.json, without
measuring anything. All sentences that depend on numbers are generated from them.
"""

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS
from benchmarks.quality_picture import draw_scores
from tf_melgan.evaluation.metrics import METRICS, Metric
from tf_melgan.files import atomic_file

_SHOWN = [metric for metric in METRICS if metric.key in ("pesq", "stoi", "dnsmos", "mel", "f0")]
_SILENCE, _EDGES, _LINES = 60.0, 3.0, 6.0  # limits, dB

Mean = tuple[float, float, int]
"""Mean, half of its 95 % interval, count."""


def write(result: dict[str, Any], folder: Path) -> None:
    """Writes `folder`/quality.md and `folder`/quality-scores.png.

    Args:
        result: the content of quality.json.
        folder: must exist; the page refers to the pictures that benchmarks.quality draws there.
    """
    draw_scores(result, _SHOWN, folder / "quality-scores.png")
    parts = [*_head(result), *_scores(result), *_artefacts(result), *_worst(result)]
    with atomic_file(folder / "quality.md") as temporary:
        temporary.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def verdict(metric: Metric, difference: Mean) -> str:
    """ "better" or "worse", or "level" if the interval of the paired difference contains 0."""
    mean, half, _ = difference
    if abs(mean) <= half:
        return "level"
    return "better" if (mean > 0) == metric.higher_is_better else "worse"


def _head(result: dict[str, Any]) -> list[str]:
    speakers = [
        f"{name} ({len(speaker['utterances'])} utterances, {speaker['seconds']:.0f} s)"
        for name, speaker in result["speakers"].items()
    ]
    voices = [f"`{name}` ({weights})" for name, weights in result["weights"].items()]
    heard = [f"`{name}`: {_join_words(heard)}" for name, heard in result["heard"].items()]
    machine, kit = result["machine"], result["versions"]
    packages = ", ".join(f"{package} {version}" for package, version in kit.items())
    return [
        "# Quality of the voices",
        _prose(
            f"Voices: {_join_words(voices)}. Recordings: {_join_words(speakers)}. They are "
            "validation recordings: no voice was trained on them, but the best step of a run was "
            "chosen on those of its speakers. Each voice, and Griffin-Lim with 60 iterations, "
            "synthesizes every recording from its log-mel, and the result is compared with the "
            "recording. Only voices with float weights are measured on more speakers than the "
            "first, and only they have pictures. Voices that do not ship with the package are "
            "exported by `tf-melgan export --to tflite --weights …`."
        ),
        _prose(f"Other recordings of these speakers are in the training data. {'; '.join(heard)}."),
        "<!-- not run: takes an hour and needs the recordings -->\n"
        f"```bash\n{result['command']}\n```",
        _prose(
            f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, "
            f"{packages}, {result['date']}. `benchmarks/results/quality.json` has all numbers, "
            "also for each utterance."
        ),
    ]


def _scores(result: dict[str, Any]) -> list[str]:
    legend = "; ".join(f"{metric.title}: {metric.about}" for metric in _SHOWN)
    parts = [
        "## Scores",
        _prose(
            f"Means over the utterances ± half of the 95 % interval (Student's t). {legend}. "
            "Differences are paired by utterance; two systems are level if the interval of their "
            "difference contains 0."
        ),
        "![Scores with their intervals](quality-scores.png)",
    ]
    heads = [_title(metric) for metric in _SHOWN]
    for name, speaker in result["speakers"].items():
        means = [["", *heads]]
        means += [
            [_named(system, result), *(_cell(row["means"], metric) for metric in _SHOWN)]
            for system, row in speaker["systems"].items()
        ]
        voices = {x: row for x, row in speaker["systems"].items() if x in result["weights"]}
        differences = [["minus Griffin-Lim", *heads, "DNSMOS minus the recordings'"]]
        differences += [
            [
                _named(system, result),
                *(_cell(row["minus_griffin_lim"], metric, signed=True) for metric in _SHOWN),
                _cell(row["minus_recordings"], _metric("dnsmos"), signed=True),
            ]
            for system, row in voices.items()
        ]
        sentences = [_sentence(system, row) for system, row in voices.items()]
        parts += [f"### {name}", _table(means), _table(differences), "\n".join(sentences)]
    return parts


def _sentence(system: str, row: dict[str, Any]) -> str:
    verdicts: dict[str, list[str]] = {"better": [], "worse": [], "level": []}
    for metric in _SHOWN:
        if metric.key in row["minus_griffin_lim"]:
            verdicts[verdict(metric, row["minus_griffin_lim"][metric.key])].append(metric.title)
    clauses = [f"{word} in {_join_words(titles)}" for word, titles in verdicts.items() if titles]
    text = f"Compared with Griffin-Lim, `{system}` is {'; '.join(clauses)}."
    if "dnsmos" in row["minus_recordings"]:
        mean, half, _ = row["minus_recordings"]["dnsmos"]
        place = "level with" if abs(mean) <= half else "below" if mean < 0 else "above"
        distance = "" if place == "level with" else f"{abs(mean):.2f} ± {half:.2f} "
        text += f" Its DNSMOS is {distance}{place} that of the recordings."
    return _item(text)


def _artefacts(result: dict[str, Any]) -> list[str]:
    head = ["", *result["speakers"]]
    edges = [
        row
        for end in ("first", "last")
        for row in _rows(
            result,
            lambda x, end=end: f"{_signed(x[end]['mean'], 1)}, {_signed(x[end]['worst'], 1)}",
            f", {end} 10 ms",
        )
    ]
    return [
        "## Artefacts",
        "### Noise in silence",
        _prose(
            "How far the RMS of a system's output for two seconds of a mel at its floor is below "
            "the RMS of its active speech (frames of 20 ms at most 30 dB below the loud ones), in "
            "dB. Levels below −120 dB of full scale count as −120 dB. The limit is at least "
            f"{_SILENCE:g} dB."
        ),
        _table([head, *_rows(result, lambda faults: f"{faults['silence']:.1f}")]),
        _verdicts(result, lambda faults: faults["silence"], _SILENCE, at_least=True),
        "### Clicks at the ends",
        _prose(
            "RMS of the first and of the last 10 ms minus the RMS of the recording there, in dB: "
            "the mean over the utterances and the largest value. Levels below −80 dB of full scale "
            f"count as −80 dB. The limit is a mean of at most {_EDGES:g} dB at both ends. A "
            "frame's window is longer than 10 ms: if speech begins right after them, the first mel "
            "frame contains it already. Griffin-Lim shows the size of this effect without any "
            "training."
        ),
        _table([head, *edges]),
        _verdicts(result, lambda x: max(x[end]["mean"] for end in ("first", "last")), _EDGES),
        "### Lines at the frame rate",
        _prose(
            "The average power spectrum of the windows of eight frames in which the recording "
            "contains noise (fricatives, breath, the room: above −60 dB of full scale, with a "
            "spectral flatness of at least 0.3 in every band of 500 Hz up to 4 kHz). At each "
            f"multiple of {result['frame_rate']:.2f} Hz, its power is compared with the median "
            "between the multiples; the table has the largest excess, in dB, and its frequency. "
            "Random noise has some excess, too, as the recordings show. The limit is at most "
            f"{_LINES:g} dB."
        ),
        _table([head, *_rows(result, _line, recordings=True)]),
        _verdicts(result, lambda x: x["lines"]["db"] if x["lines"] else None, _LINES),
        "### Buzz",
        _prose(
            "A voice that repeats one pulse per frame instead of following the pitch buzzes, and "
            "its F0 error (above) is hundreds of cents."
        ),
    ]


def _line(faults: dict[str, Any]) -> str:
    lines = faults["lines"]
    return f"{lines['db']:.1f} at {lines['hertz']:.0f} Hz" if lines else ""


def _worst(result: dict[str, Any]) -> list[str]:
    parts = [
        "## The worst seconds",
        _prose(
            "The second with the largest mean absolute difference of log-mels, in log10. Values "
            "more than 60 dB below the recording's peak count as 60 dB below it."
        ),
    ]
    for name, speaker in result["speakers"].items():
        for system, row in speaker["systems"].items():
            if "worst" in row:
                worst = row["worst"]
                place = f"{name}, {worst['utterance']} from {worst['start']:.2f} s"
                parts.append(f"`{system}`, {place}: {worst['log_mel_l1']:.3f}")
                parts.append(
                    f"![{system} between the recording and Griffin-Lim]({worst['picture']})"
                )
    return parts


def _rows(
    result: dict[str, Any],
    cell: Callable[[dict[str, Any]], str],
    suffix: str = "",
    recordings: bool = False,
) -> list[list[str]]:
    """A row for each system and a column for each speaker; `cell` formats a system's values."""
    speakers = [speaker["systems"] for speaker in result["speakers"].values()]
    return [
        [
            _named(system, result) + suffix,
            *(cell(speaker[system]) if system in speaker else "" for speaker in speakers),
        ]
        for system, row in speakers[0].items()
        if recordings or "silence" in row
    ]


def _verdicts(
    result: dict[str, Any],
    figure: Callable[[dict[str, Any]], float | None],
    limit: float,
    at_least: bool = False,
) -> str:
    """A line for each voice: whether its worst `figure` over the speakers is within the limit."""
    lines = []
    for voice in result["weights"]:
        speakers = {x: y["systems"] for x, y in result["speakers"].items() if voice in y["systems"]}
        values = [(figure(systems[voice]), name) for name, systems in speakers.items()]
        values = [(value, name) for value, name in values if value is not None]
        if values:
            value, name = (min if at_least else max)(values)
            meets = value >= limit if at_least else value <= limit
            baseline = figure(speakers[name]["Griffin-Lim"])
            lines.append(
                _item(
                    f"`{voice}` {'meets' if meets else 'misses'} the limit of {limit:g} dB: "
                    f"{value:.1f} dB for its worst speaker, {name} (Griffin-Lim: {baseline:.1f} "
                    "dB)."
                )
            )
    return "\n".join(lines)


def _cell(means: dict[str, Mean], metric: Metric, signed: bool = False) -> str:
    if metric.key not in means:
        return ""
    mean, half, _ = means[metric.key]
    text = _signed(mean, metric.digits) if signed else f"{mean:.{metric.digits}f}"
    return f"{text} ± {half:.{metric.digits}f}"


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _prose(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _item(text: str) -> str:
    return _prose("- " + text, indent="  ")


def _title(metric: Metric) -> str:
    return metric.title + (f", {metric.unit}" if metric.unit else "")


def _metric(key: str) -> Metric:
    return next(metric for metric in _SHOWN if metric.key == key)


def _named(system: str, result: dict[str, Any]) -> str:
    return f"`{system}`" if system in result["weights"] else system


def _table(rows: list[list[str]]) -> str:
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])


def _join_words(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


if __name__ == "__main__":
    content = (RESULTS / "quality.json").read_text(encoding="utf-8")
    write(json.loads(content), Path(__file__).parents[1] / "docs")
