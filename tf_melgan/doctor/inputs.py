"""Examines what comes from elsewhere: sounds, mels, checkpoints of other projects."""

import shlex
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan.audio.mel_files import SUFFIXES, iter_chunks
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import read_recording
from tf_melgan.doctor.report import Report, vocode
from tf_melgan.errors import UserInputError, require

_MEL_NAMES = ("mel", "mels", "feats")


def sound(path: Path, voice: str) -> Report:
    recording = read_recording(path)
    seconds = len(recording.samples) / recording.rate
    details = [f"{seconds:.2f} s, {recording.rate} Hz, {recording.channels} channels"]
    if recording.remark:
        details.append(recording.remark)
    return Report("a recording", details, command=vocode(path, voice, "vocoded.wav"))


def tensors(path: Path, content: Any, voice: str, spec: MelSpec) -> Report:
    """What arrays are: a mel, if there is one or one is called so, else a checkpoint."""
    if isinstance(content, np.ndarray):
        return _mel(path, content, voice, spec)
    require(isinstance(content, dict), f"{path}: holds neither an array nor a table of arrays")
    named = [value for key, value in content.items() if str(key).lower() in _MEL_NAMES]
    arrays = list(content.values()) if len(content) == 1 else named
    if len(arrays) == 1 and isinstance(arrays[0], np.ndarray):
        return _mel(path, arrays[0], voice, spec)
    require(
        path.suffix.lower() != ".npz",
        f"{path}: holds {len(content)} arrays, and it is not clear which is the mel; save the mel "
        "alone, or call it mel",
    )
    return _checkpoint(path)


def _mel(path: Path, mel: np.ndarray, voice: str, spec: MelSpec) -> Report:
    what, details = f"an array {mel.shape} of {mel.dtype!s:.60}", []
    if mel.size and np.issubdtype(mel.dtype, np.floating):
        values = np.asarray(mel, np.float32)
        details.append(f"from {values.min():.4g} to {values.max():.4g}, mean {values.mean():.4g}")
    if mel.ndim == 1:
        details.append("has one axis, as samples of a sound have: those are read from a .wav")
    problem = _refusal(path, spec, details)
    if problem:
        return Report(what, details, problem=f"{voice} does not read it: {problem}")
    details.append(f"can be a mel of {voice}")
    return Report(what, details, command=vocode(path, voice, "vocoded.wav"))


def _refusal(path: Path, spec: MelSpec, remarks: list[str]) -> str:
    """Why `vocode` refuses a mel, or ""; its warnings are added to `remarks`."""
    if path.suffix.lower() not in SUFFIXES:
        return "save it as .npy with numpy.save"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for _ in iter_chunks(path, spec):
                pass
        except UserInputError as error:
            return _without_path(str(error), path)
    remarks += dict.fromkeys(_without_path(str(warning.message), path) for warning in caught)
    return ""


def _checkpoint(path: Path) -> Report:
    from tf_melgan.interop.checkpoint import open_checkpoint
    from tf_melgan.interop.importing import import_voice
    from tf_melgan.interop.registry import recognise

    project = recognise(open_checkpoint([path])).name
    what = f"a checkpoint of {project}"
    try:
        config = import_voice(path).config
    except UserInputError as error:
        return Report(what, problem=_without_path(str(error), path))
    command = f"tf-melgan import {shlex.quote(str(path))} --out voice.npz"
    return Report(what, [f"generator {config.generator.type}"], config.mel, command=command)


def _without_path(message: str, path: Path) -> str:
    return message.removeprefix(f"{path}: ")
