"""Examines what comes from elsewhere: recordings and checkpoints of other projects."""

import shlex
from pathlib import Path

from tf_melgan.audio.sound_files import read_recording
from tf_melgan.doctor.report import Report, vocode
from tf_melgan.errors import UserInputError


def sound(path: Path, voice: str) -> Report:
    recording = read_recording(path)
    seconds = len(recording.samples) / recording.rate
    details = [f"{seconds:.2f} s, {recording.rate} Hz, {recording.channels} channels"]
    if recording.remark:
        details.append(recording.remark)
    return Report("a recording", details, command=vocode(path, voice, "vocoded.wav"))


def checkpoint(path: Path) -> Report:
    from tf_melgan.interop.checkpoint import open_checkpoint
    from tf_melgan.interop.importing import import_voice
    from tf_melgan.interop.registry import recognise

    project = recognise(open_checkpoint([path])).name
    what = f"a checkpoint of {project}"
    try:
        config = import_voice(path).config
    except UserInputError as error:
        return Report(what, problem=str(error).removeprefix(f"{path}: "))
    command = f"tf-melgan import {shlex.quote(str(path))} --out voice.npz"
    return Report(what, [f"generator {config.generator.type}"], config.mel, command=command)
