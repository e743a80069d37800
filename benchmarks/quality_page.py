"""What `benchmarks.quality` found, as a page in Markdown with pictures.

Every sentence that depends on figures is made from them.
"""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan.evaluation.metrics import METRICS, Metric
from tf_melgan.files import atomic_file

_SHOWN = [metric for metric in METRICS if metric.key in ("pesq", "stoi", "dnsmos", "mel", "f0")]
_SILENCE, _EDGES, _LINES = 60.0, 3.0, 6.0  # wanted, dB

Mean = tuple[float, float, int]
"""Mean, half of its 95 % interval, count."""


def write(result: dict[str, Any], folder: Path) -> None:
    """Writes `folder`/quality.md and `folder`/quality-scores.png of what quality.json holds."""
    _scores_picture(result, folder / "quality-scores.png")
    parts = [*_head(result), *_scores(result), *_artefacts(result), *_worst(result)]
    with atomic_file(folder / "quality.md") as temporary:
        temporary.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def verdict(metric: Metric, difference: Mean) -> str:
    """Whether a paired difference says "better", "worse", or "level": its interval holds 0."""
    mean, half, _ = difference
    if abs(mean) <= half:
        return "level"
    return "better" if (mean > 0) == metric.higher_is_better else "worse"


def _head(result: dict[str, Any]) -> list[str]:
    speakers = [
        f"{name} ({len(speaker['utterances'])} utterances, {speaker['seconds']:.0f} s"
        f"{', the speaker of their training' if speaker['seen'] else ', not heard in training'})"
        for name, speaker in result["speakers"].items()
    ]
    voices = [f"`{name}` ({weights})" for name, weights in result["weights"].items()]
    machine, kit = result["machine"], result["versions"]
    packages = ", ".join(f"{package} {version}" for package, version in kit.items())
    return [
        "# How the voices sound",
        _prose(
            f"Voices: {_listed(voices)}. Validation recordings, not trained on (though a run's "
            f"best step is chosen on those of its own speaker): {_listed(speakers)}. The log-mel "
            "of every recording goes to each voice and to Griffin-Lim (60 iterations), and what "
            "comes back is held against the recording. Speakers that a voice has not heard are "
            "given to float voices alone, and so are pictures. (What is not in the package was "
            "made by `tf-melgan export --to tflite --weights …`.)"
        ),
        f"    {result['command']}",
        _prose(
            f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, "
            f"{packages}, {result['date']}. All figures, those of each utterance too: "
            "`benchmarks/results/quality.json`."
        ),
    ]


def _scores(result: dict[str, Any]) -> list[str]:
    legend = "; ".join(f"{metric.title}: {metric.about}" for metric in _SHOWN)
    parts = [
        "## Scores",
        _prose(
            f"Mean over utterances ± half of its 95 % interval (Student's t). {legend}. "
            "Differences are taken utterance by utterance; where their interval holds 0, the two "
            "are called level."
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
        less = [["less Griffin-Lim", *heads, "DNSMOS less the recordings'"]]
        less += [
            [
                _named(system, result),
                *(_cell(row["minus_griffin_lim"], metric, signed=True) for metric in _SHOWN),
                _cell(row["minus_recordings"], _metric("dnsmos"), signed=True),
            ]
            for system, row in voices.items()
        ]
        sentences = [_sentence(system, row) for system, row in voices.items()]
        parts += [f"### {name}", _table(means), _table(less), "\n".join(sentences)]
    return parts


def _sentence(system: str, row: dict[str, Any]) -> str:
    found: dict[str, list[str]] = {"better": [], "worse": [], "level": []}
    for metric in _SHOWN:
        if metric.key in row["minus_griffin_lim"]:
            found[verdict(metric, row["minus_griffin_lim"][metric.key])].append(metric.title)
    clauses = [f"{kind} by {_listed(titles)}" for kind, titles in found.items() if titles]
    text = f"`{system}` beside Griffin-Lim is {'; '.join(clauses)}."
    if "dnsmos" in row["minus_recordings"]:
        mean, half, _ = row["minus_recordings"]["dnsmos"]
        place = "level with" if abs(mean) <= half else "under" if mean < 0 else "over"
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
            "Two seconds of a mel at its floor: how far the RMS of what comes out lies under the "
            "RMS of the same system's active speech (frames of 20 ms within 30 dB of the loud "
            "ones), in dB, levels under −120 dB of full scale counted as −120. Wanted: "
            f"{_SILENCE:g} or more."
        ),
        _table([head, *_rows(result, lambda faults: f"{faults['silence']:.1f}")]),
        _verdicts(result, lambda faults: faults["silence"], _SILENCE, at_least=True),
        "### Clicks at the ends",
        _prose(
            "RMS of the first and of the last 10 ms less that of the recording there, in dB, "
            "levels under −80 dB of full scale counted as −80: the mean over utterances, and the "
            f"worst one. Wanted: a mean of {_EDGES:g} or less at both ends. A frame's window is "
            "longer than 10 ms: where speech sets in right after them, the first mel holds it "
            "already. Griffin-Lim shows what that costs without learning."
        ),
        _table([head, *edges]),
        _verdicts(result, lambda x: max(x[end]["mean"] for end in ("first", "last")), _EDGES),
        "### Lines at the rate of the frames",
        _prose(
            "Average power spectrum over the windows of eight frames where the recording holds "
            "noise (fricatives, breath, the room: over −60 dB of full scale, and a spectral "
            "flatness of 0.3 or more in every band of 500 Hz up to 4 kHz), at each multiple of "
            f"{result['frame_rate']:.2f} Hz over the median of what lies between it and the next: "
            "the largest, in dB, and where. Random noise gives some too, as the recordings show. "
            f"Wanted: {_LINES:g} or less."
        ),
        _table([head, *_rows(result, _line, recordings=True)]),
        _verdicts(result, lambda x: x["lines"]["db"] if x["lines"] else None, _LINES),
        "### Buzz",
        _prose(
            "A voice that repeats one pulse per frame, not following the pitch, buzzes, and its F0 "
            "(above) is off by hundreds of cents."
        ),
    ]


def _line(faults: dict[str, Any]) -> str:
    lines = faults["lines"]
    return f"{lines['db']:.1f} at {lines['hertz']:.0f} Hz" if lines else ""


def _worst(result: dict[str, Any]) -> list[str]:
    parts = [
        "## Where they are farthest from the recordings",
        _prose(
            "The second with the greatest mean difference of log-mels (log10; what is more than "
            "60 dB under the recording's peak counts as 60 dB under it)."
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


def _scores_picture(result: dict[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure

    systems = list(next(iter(result["speakers"].values()))["systems"])
    figure = Figure(figsize=(13, 1.6 + 0.45 * len(systems)), layout="constrained")
    axes = figure.subplots(1, len(_SHOWN), sharey=True)
    count = len(result["speakers"])
    for axis, metric in zip(axes, _SHOWN, strict=True):
        for index, (name, speaker) in enumerate(result["speakers"].items()):
            points = [
                (*row["means"][metric.key][:2], systems.index(system))
                for system, row in speaker["systems"].items()
                if metric.key in row["means"]
            ]
            means, halves, places = np.transpose(points)
            places = places + 0.2 * (index - (count - 1) / 2)
            axis.errorbar(means, places, xerr=halves, fmt="o", ms=4, capsize=2, label=name)
        better = "more" if metric.higher_is_better else "less"
        unit = f"{metric.unit}, " if metric.unit else ""
        axis.set(title=metric.title, xlabel=f"{unit}{better} is better")
        axis.grid(alpha=0.3)
    axes[0].set_yticks(range(len(systems)), systems)
    axes[0].set_ylim(len(systems) - 0.5, -0.5)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=count)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=90)


def _rows(
    result: dict[str, Any],
    cell: Callable[[dict[str, Any]], str],
    suffix: str = "",
    recordings: bool = False,
) -> list[list[str]]:
    """A row per system, a column per speaker; `cell` makes text of a system's figures."""
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
    wanted: float,
    at_least: bool = False,
) -> str:
    """A line per voice: whether its worst `figure` over the speakers is what is wanted."""
    lines = []
    for voice in result["weights"]:
        judged = {x: y["systems"] for x, y in result["speakers"].items() if voice in y["systems"]}
        found = [(figure(systems[voice]), name) for name, systems in judged.items()]
        found = [(value, name) for value, name in found if value is not None]
        if found:
            value, name = (min if at_least else max)(found)
            meets = value >= wanted if at_least else value <= wanted
            baseline = figure(judged[name]["Griffin-Lim"])
            lines.append(
                _item(
                    f"`{voice}` {'meets' if meets else 'misses'} the {wanted:g} dB: {value:.1f} dB "
                    f"at worst ({name}), where Griffin-Lim has {baseline:.1f} dB."
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


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
