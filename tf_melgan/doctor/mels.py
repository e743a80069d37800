"""Examines arrays that may be mels: their convention, and whether a voice reads them."""

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from tf_melgan.audio.conventions import read_mel, warn_if_unlikely
from tf_melgan.audio.mel_arrays import read_array
from tf_melgan.audio.mel_sources import SOURCES, MelSource
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.plausibility import doubt
from tf_melgan.doctor.report import Report, vocode
from tf_melgan.errors import UserInputError

_JUDGED_FRAMES = 512
_LEAST_SHARE = 0.6  # of the range that a convention keeps


def mel(path: Path, values: np.ndarray, voice: str, spec: MelSpec) -> Report:
    """The report on the mel of a file.

    Args:
        path: the file.
        values: its array, of any shape and dtype.
        voice: the name of the voice that it is to fit.
        spec: the mel of the voice.
    """
    report = Report(f"an array {values.shape} of {values.dtype!s:.60}", _facts(values))
    command = vocode(path, voice, "vocoded.wav")
    problem = _refusal(path, spec, report.details)
    if not problem:
        return replace(
            report, details=[*report.details, f"can be a mel of {voice}"], command=command
        )
    names = _named(problem) or likely_conventions(path)
    if not names:
        return replace(report, problem=problem)
    report.details.append(f"may be a mel of {', '.join(names)}")
    command += f" --mel {names[0]}" + " --stats FILE" * ("statistics" in problem)
    return replace(report, problem=problem, command=command)


def _named(problem: str) -> list[str]:
    """The conventions that a remark on a mel names."""
    words = re.findall(r"\w+", problem)
    return [name for name in SOURCES if name in words]


def likely_conventions(path: Path) -> list[str]:
    """The names of the conventions that the mel of a file can be of, going by its values."""
    return [name for name, source in SOURCES.items() if _can_be(path, source)]


def _can_be(path: Path, source: MelSource) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            values = read_array(path, source.spec.n_mels)[:_JUDGED_FRAMES]
            log_mel = read_mel(values, source)
        except UserInputError:
            return False
    low, high = source.limits or (-np.inf, np.inf)
    in_limits = values.min() >= low and values.max() <= high
    # Recordings have pauses, so that their mels use most of the range that is kept.
    wide = np.ptp(log_mel) > _LEAST_SHARE * (source.dynamic_range or 0)
    return bool(in_limits and wide) and not doubt(log_mel, source.spec, named=True)


def _facts(values: np.ndarray) -> list[str]:
    facts = []
    if values.size and np.issubdtype(values.dtype, np.floating):
        low, high, mean = (np.asarray(f(values), np.float64) for f in (np.min, np.max, np.mean))
        facts.append(f"from {low:.4g} to {high:.4g}, mean {mean:.4g}")
    if values.ndim == 1:
        facts.append("has one axis, as samples of a sound have: those are read from a .wav")
    return facts


def _refusal(path: Path, spec: MelSpec, remarks: list[str]) -> str:
    """Why a file cannot be a mel of `spec`, or ""; adds to `remarks` in which shape it is read."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            values = read_array(path, spec.n_mels)
            remarks += _messages(caught, path)
            caught.clear()
            log_mel = read_mel(values, MelSource(spec), str(path))
            warn_if_unlikely(log_mel[:_JUDGED_FRAMES], spec, str(path))
        except UserInputError as error:
            return _without_path(error, path)
        return "; ".join(_messages(caught, path))


def _messages(caught: list[warnings.WarningMessage], path: Path) -> list[str]:
    return [_without_path(warning.message, path) for warning in caught]


def _without_path(message: object, path: Path) -> str:
    return str(message).removeprefix(f"{path}: ")
