"""Compares folders of synthesized speech with recordings: pairs files, computes metrics, means."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tf_melgan.audio.griffin_lim import griffin_lim
from tf_melgan.audio.listing import list_audio
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.sound_files import read_audio, read_recording, resample, write_audio
from tf_melgan.errors import UserInputError
from tf_melgan.evaluation.convention import MetricValue, metric_mel_spec
from tf_melgan.evaluation.metrics import compute_metrics, dnsmos
from tf_melgan.progress import Progress

__all__ = ["Evaluation", "UtteranceMetrics", "add_griffin_lim", "compute_metrics", "evaluate"]

RECORDINGS = "recordings"
_LENGTH_TOLERANCE = 0.1


@dataclass(frozen=True)
class UtteranceMetrics:
    """The metrics of one utterance.

    Args:
        name: the path of the files inside their folders, without suffix.
        rate: the sample rate of the comparison in Hz, the lowest rate of the files.
        reference: the recording.
        synthesized: the synthesized file of each system.
        scores: values by system and metric; the recording itself, as the system "recordings", has
            only a DNSMOS value.
        remarks: by system, what is wrong with its file, such as an end that is missing.
    """

    name: str
    rate: int
    reference: Path
    synthesized: dict[str, Path]
    scores: dict[str, dict[str, MetricValue]]
    remarks: dict[str, str] = field(default_factory=dict)

    def files(self) -> dict[str, Path]:
        """Returns the file of each system, that of "recordings" first."""
        return {RECORDINGS: self.reference, **self.synthesized}


@dataclass(frozen=True)
class Evaluation:
    """The metrics of all utterances.

    Args:
        systems: names of the systems: their folders.
        utterances: the metrics of each utterance.
        left_out: names of the recordings that no system has, sorted.
    """

    systems: list[str]
    utterances: list[UtteranceMetrics]
    left_out: list[str] = field(default_factory=list)

    def mean(self, system: str, metric: str) -> tuple[float, float, int] | None:
        """The mean of a metric over the utterances for which it is defined.

        Args:
            system: the name of the system, or "recordings".
            metric: the key of the metric.

        Returns:
            The mean, half the width of its 95 % confidence interval (Student's t; NaN for a single
            value), and the number of utterances. None if the metric is defined for no utterance.
        """
        results = [u.scores[system].get(metric) for u in self.utterances]
        values = np.array([value for value in results if isinstance(value, float)])
        if len(values) == 0:
            return None
        half = float("nan")
        if len(values) > 1:
            from scipy.stats import t

            half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        return float(values.mean()), float(half), len(values)


def evaluate(reference: Path, systems: Iterable[Path]) -> Evaluation:
    """Computes all metrics for folders of synthesized speech, against a folder of recordings.

    Files are paired by their path inside the folder, without suffix. Recordings that no system has
    are left out, and named in the result.

    Examples:
        >>> evaluation = tf_melgan.evaluate(Path("recordings"), [Path("wavs")])
        >>> mean, half_interval, count = evaluation.mean("wavs", "pesq")
        >>> print(f"PESQ {mean:.2f} ± {half_interval:.2f} over {count} utterances")

    Args:
        reference: the folder of recordings.
        systems: one folder of synthesized speech per system.

    Returns:
        The metrics of all utterances.

    Raises:
        UserInputError: a folder has no audio, a file has no recording, the systems hold different
            files, or the durations of a file and its recording differ by more than 0.1 s.
    """
    recordings, folders, names = _compared(reference, systems)
    if not folders:
        raise UserInputError("there is nothing to compare; give a folder of synthesized speech")
    utterances = []
    with Progress(len(names), "evaluate", "utterances") as progress:
        for name in names:
            files = {system: files[name] for system, files in folders.items()}
            utterances.append(_utterance(name, recordings[name], files))
            progress.advance(note=name)
    return Evaluation(list(folders), utterances, sorted(recordings.keys() - set(names)))


def add_griffin_lim(reference: Path, systems: list[Path], out: Path) -> Path:
    """Writes a baseline system: the log-mel of each recording, inverted with Griffin-Lim.

    Uses the recordings that the systems have too; without systems, all recordings.

    Args:
        reference: the folder of recordings.
        systems: one folder of synthesized speech per system; may be empty.
        out: the folder for the baseline's wav files.

    Returns:
        `out`, which `evaluate` takes as one more system.

    Raises:
        UserInputError: as for `evaluate`; then nothing is written.
    """
    recordings, folders, common = _compared(reference, systems)
    names = common if folders else list(recordings)
    with Progress(len(names), "griffin-lim", "utterances") as progress:
        for name in names:
            sound, rate = read_audio(recordings[name])
            mel = log_mel(sound.mean(axis=1), metric_mel_spec(rate))
            write_audio(out / f"{name}.wav", griffin_lim(mel, metric_mel_spec(rate)), rate)
            progress.advance(note=name)
    return out


def _compared(
    reference: Path, systems: Iterable[Path]
) -> tuple[dict[str, Path], dict[str, dict[str, Path]], list[str]]:
    """The recordings by name, each system's files by name, and the names in all systems."""
    recordings = _files(reference)
    folders = {system: _files(path) for system, path in _named(systems).items()}
    names = list(next(iter(folders.values()), {}))
    for system, files in folders.items():
        _check_names(system, files, names, reference, recordings)
        for name in names:
            _check_lengths(files[name], recordings[name])
    return recordings, folders, names


def _files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UserInputError(f"{folder}: no such folder; give one with wav, flac, ogg or mp3 files")
    files: dict[str, Path] = {}
    for path in list_audio(folder):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in files:
            raise UserInputError(f"{path}: {files[name].name} has the same name; keep one of them")
        files[name] = path
    if not files:
        raise UserInputError(
            f"{folder}: holds no audio; give a folder with wav, flac, ogg or mp3 files"
        )
    return files


def _named(systems: Iterable[Path]) -> dict[str, Path]:
    paths = list(systems)
    names = [path.resolve().name for path in paths]
    if len({RECORDINGS, *names}) <= len(names):
        names = [path.as_posix() for path in paths]
    if RECORDINGS in names:
        raise UserInputError(
            f"{RECORDINGS}: the report uses this name for the recordings; rename this folder"
        )
    return dict(zip(names, paths, strict=True))


def _check_names(
    system: str, files: dict[str, Path], names: list[str], reference: Path, recordings: dict
) -> None:
    for name, path in files.items():
        if name not in recordings:
            raise UserInputError(f"{path}: has no recording of the same name in {reference}")
    for name in sorted(set(names) ^ set(files)):
        raise UserInputError(
            f"{system}: the systems hold different files, for example {name}; "
            "give each the same utterances"
        )


def _check_lengths(path: Path, reference: Path) -> None:
    seconds, expected = (_seconds(x) for x in (path, reference))
    if abs(seconds - expected) > _LENGTH_TOLERANCE:
        raise UserInputError(
            f"{path}: lasts {seconds:.2f} s and its recording {expected:.2f} s; "
            "give the same utterance, aligned"
        )


def _seconds(path: Path) -> float:
    sound, rate = read_audio(path)
    return len(sound) / rate


def _utterance(name: str, reference: Path, synthesized: dict[str, Path]) -> UtteranceMetrics:
    files = {RECORDINGS: reference, **synthesized}
    decoded = {system: read_recording(path) for system, path in files.items()}
    rate = min(recording.rate for recording in decoded.values())
    sounds = {
        system: resample(recording.samples.mean(axis=1), recording.rate, rate)
        for system, recording in decoded.items()
    }
    recording = sounds.pop(RECORDINGS)
    scores = {RECORDINGS: {"dnsmos": dnsmos(recording, recording, rate)}}
    for system, sound in sounds.items():
        scores[system] = compute_metrics(recording, sound, rate)
    remarks = {system: x.remark for system, x in decoded.items() if x.remark}
    return UtteranceMetrics(name, rate, reference, synthesized, scores, remarks)
