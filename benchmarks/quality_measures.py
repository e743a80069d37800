"""Metrics, artefacts and worst seconds of one speaker's utterances, for benchmarks.quality.

A module of benchmarks.quality, without a command of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import artefacts
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.evaluation.comparison import RECORDINGS, Evaluation, UtteranceMetrics
from tf_melgan.evaluation.metrics import METRICS, MetricValue, compute_metrics, dnsmos
from tf_melgan.progress import Progress

WORST_SECONDS = 1.0
_WORST_RANGE = 3.0  # in log10: 60 dB
_SILENCE = 2.0  # seconds

System = Callable[[np.ndarray], np.ndarray]
"""Log-mel (frames, n_mels) → float32 (frames · hop,)."""


@dataclass(frozen=True)
class Speech:
    """One speaker's recordings, and what each system synthesized from their mels.

    Args:
        names: of the utterances.
        sounds: float32 (samples,) by system and utterance. The recordings are one of the systems,
            cut to whole frames, so that all systems have the same lengths.
        spec: the mel convention.
    """

    names: list[str]
    sounds: dict[str, list[np.ndarray]]
    spec: MelSpec

    @property
    def synthesized(self) -> list[str]:
        """All systems except the recordings."""
        return [system for system in self.sounds if system != RECORDINGS]


def synthesize(files: list[Path], systems: dict[str, System], spec: MelSpec) -> Speech:
    """Synthesizes every recording with every system."""
    sounds: dict[str, list[np.ndarray]] = {RECORDINGS: [], **{name: [] for name in systems}}
    with Progress(len(files), "vocode", "utterances") as progress:
        for path in files:
            recording = load_audio(path, spec.sample_rate)
            recording = recording[: len(recording) // spec.hop * spec.hop]
            sounds[RECORDINGS].append(recording)
            mel = log_mel(recording, spec)
            for name, system in systems.items():
                sounds[name].append(system(mel))
            progress.advance(note=path.stem)
    return Speech([path.stem for path in files], sounds, spec)


def evaluate(speech: Speech, title: str) -> Evaluation:
    """All metrics of all systems and utterances."""
    rate, utterances = speech.spec.sample_rate, []
    with Progress(len(speech.names), title, "utterances") as progress:
        for name, (recording, *sounds) in zip(
            speech.names, zip(*speech.sounds.values(), strict=True), strict=True
        ):
            values = {RECORDINGS: {"dnsmos": dnsmos(recording, recording, rate)}}
            for system, sound in zip(speech.synthesized, sounds, strict=True):
                values[system] = compute_metrics(recording, sound, rate)
            utterances.append(UtteranceMetrics(name, rate, Path(name), {}, values))
            progress.advance(note=name)
    return Evaluation(speech.synthesized, utterances)


def differences(evaluation: Evaluation, other: str) -> Evaluation:
    """The evaluation with the scores of the system `other` subtracted, utterance by utterance."""

    def subtract(a: dict[str, MetricValue], b: dict[str, MetricValue]) -> dict[str, MetricValue]:
        return {
            key: a[key] - b[key]
            for key in a.keys() & b.keys()
            if isinstance(a[key], float) and isinstance(b[key], float)
        }

    utterances = [
        replace(
            u,
            scores={
                system: subtract(values, u.scores[other]) for system, values in u.scores.items()
            },
        )
        for u in evaluation.utterances
    ]
    return Evaluation(evaluation.systems, utterances)


def means(evaluation: Evaluation, system: str) -> dict[str, tuple[float, float, int]]:
    """Mean, half of its 95 % interval and count, for metrics that are defined more than once."""
    by_metric = {metric.key: evaluation.mean(system, metric.key) for metric in METRICS}
    return {key: mean for key, mean in by_metric.items() if mean and mean[2] > 1}


def measure_artefacts(speech: Speech, name: str, system: System | None) -> dict[str, Any]:
    """The artefacts of a system; without `system`, for the recordings, only the spectral lines."""
    rate, hop = speech.spec.sample_rate, speech.spec.hop
    recordings, sounds = speech.sounds[RECORDINGS], speech.sounds[name]
    lines = artefacts.frame_lines(recordings, sounds, rate, hop)
    values: dict[str, Any] = {"lines": None}
    if lines:
        values["lines"] = {"db": lines.largest, "hertz": lines.hertz, "frames": lines.frames}
    if system:
        floor = np.full((round(_SILENCE * rate / hop), speech.spec.n_mels), speech.spec.log_floor)
        silence = system(floor.astype(np.float32))
        values["silence"] = artefacts.silence_depth(silence, np.concatenate(sounds), rate)
        pairs = zip(recordings, sounds, strict=True)
        edges = np.array([artefacts.edge_excess(x, y, rate) for x, y in pairs])
        for end, excess in zip(("first", "last"), edges.T, strict=True):
            worst = speech.names[excess.argmax()]
            values[end] = {"mean": excess.mean(), "worst": excess.max(), "utterance": worst}
    return values


def worst_second(speech: Speech, name: str) -> tuple[int, int, float]:
    """The second in which a system's log-mel differs most from the recording's.

    The distance is the mean absolute difference; values more than 60 dB below the recording's
    maximum count as 60 dB below it.

    Returns:
        The utterance's index, the first sample, and the distance in log10.
    """
    spec, places = speech.spec, []
    unit = 1.0 if spec.log == "log10" else np.log(10)
    pairs = zip(speech.sounds[RECORDINGS], speech.sounds[name], strict=True)
    for index, pair in enumerate(pairs):
        mels = [log_mel(sound, spec) / unit for sound in pair]
        low = mels[0].max() - _WORST_RANGE
        distances = np.abs(np.maximum(mels[0], low) - np.maximum(mels[1], low)).mean(axis=1)
        size = min(len(distances), round(WORST_SECONDS * spec.sample_rate / spec.hop))
        windows = np.convolve(distances, np.full(size, 1 / size), "valid")
        places.append((index, int(windows.argmax()) * spec.hop, float(windows.max())))
    return max(places, key=lambda place: place[2])
