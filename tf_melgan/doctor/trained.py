"""Examines what training makes and needs: voices, runs, prepared folders, configs."""

import json
import math
import shlex
from pathlib import Path

from tf_melgan.config import Config
from tf_melgan.doctor.report import Report, vocode
from tf_melgan.errors import UserInputError
from tf_melgan.voices import keras_file, onnx_file, voice_file
from tf_melgan.voices.model_check import check_model
from tf_melgan.voices.run_folder import CONFIG, GENERATOR, HISTORY, checkpoint_folders, last_step
from tf_melgan.voices.voice_file import VoiceInfo
from tf_melgan.voices.weights_file import load_weights


def tflite(path: Path) -> Report:
    info = voice_file.read(path)
    with path.open("rb") as file:
        try:
            check_model(file.read(info.size))
        except ValueError as error:
            raise UserInputError(f"{path}: is no model of tf-melgan: {error}") from None
    return _exported("a voice as .tflite", path, info)


def onnx(path: Path) -> Report:
    _, info, _ = onnx_file.read(path)
    return _exported("a voice as .onnx", path, info)


def saved_model(path: Path) -> Report:
    from tf_melgan.inference.engines import saved_model

    return _exported("a voice as SavedModel", path, saved_model.read(path))


def keras(path: Path) -> Report:
    try:
        spec = keras_file.read_spec(path)
    except UserInputError:
        raise
    except ValueError as error:
        raise UserInputError(f"{path}: is no .keras file of a voice ({error})") from None
    return Report(
        "a voice as .keras",
        ["its checksum is right"],
        spec,
        command=_vocode(path),
    )


def weights(path: Path) -> Report:
    voice = load_weights(path)
    kind, trained = voice.config.generator.type, "with" if voice.discriminator else "without"
    details = [f"generator {kind}, {trained} discriminators", "its checksum is right"]
    return Report(
        "the weights of a voice",
        details,
        voice.config.mel,
        command=_vocode(path),
    )


def run(path: Path) -> Report:
    config, step = Config.load(path / CONFIG), last_step(path)
    what = f"a run at step {step} of {config.training.steps}"
    train = f"tf-melgan train {_quoted(path / CONFIG)} PREPARED {_quoted(path)}"
    if not step:
        problem = "it has no checkpoint yet"
        return Report(what, [], config.mel, problem, train)
    from tf_melgan.training.checkpoints import require_whole

    details, folder = [_losses(path)], checkpoint_folders(path)[-1]
    require_whole(folder)
    load_weights(path / GENERATOR)
    details.append(f"{folder.name} and {GENERATOR} have the right checksums")
    if step < config.training.steps:
        details.append(f"to train it further: {train}")
    return Report(what, details, config.mel, command=_vocode(path))


def prepared(path: Path) -> Report:
    from tf_melgan.data.prepared import Prepared

    data = Prepared.open(path)
    data.verify()
    counts = [f"{len(data.utterances(split))} to {use}" for split, use in _USES.items()]
    details = [f"{' and '.join(counts)} utterances", "all checksums are right"]
    command = f"tf-melgan train CONFIG {_quoted(path)} runs/voice"
    return Report("a prepared folder", details, data.spec, command=command)


def config(path: Path) -> Report:
    loaded = Config.load(path)
    details = [f"generator {loaded.generator.type}, {loaded.training.steps} steps"]
    command = f"tf-melgan train {_quoted(path)} PREPARED runs/voice"
    return Report("a config", details, loaded.mel, command=command)


_USES = {"train": "train", "validation": "validate"}


def _exported(what: str, path: Path, info: VoiceInfo) -> Report:
    details = [info.summary(), f"licence: {info.licence}", "its checksum is right"]
    return Report(what, details, info.mel, command=_vocode(path))


def _losses(path: Path) -> str:
    """The last line of a run's history, or what is wrong with it."""
    try:
        last = (path / HISTORY).read_text(encoding="utf-8").splitlines()[-1]
        values = {key: value for key, value in json.loads(last).items() if key != "step"}
        bad = [key for key, value in values.items() if not math.isfinite(value)]
    except (OSError, ValueError, IndexError, AttributeError, TypeError):
        return f"{HISTORY} cannot be read"
    if bad:
        return f"{', '.join(bad)} is not finite at the end: it diverged; start from an earlier step"
    return ", ".join(f"{key} {value:.4g}" for key, value in values.items())


def _vocode(path: Path) -> str:
    return vocode("RECORDINGS", path, "wavs/")


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
