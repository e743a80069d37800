"""`tf-melgan export`: a trained vocoder → files that run without tf-melgan."""

import argparse
from pathlib import Path
from typing import Any

from tf_melgan import voices
from tf_melgan.cli.options import add_command, hide_engine_logs
from tf_melgan.errors import UserInputError
from tf_melgan.voices import voice_file
from tf_melgan.voices.voice_file import CALIBRATED, WEIGHTS, VoiceInfo

# What is made: its file's suffix, and the options that it takes.
_TARGETS = {
    "tflite": (".tflite", ("weights", "calibration", "name", "licence")),
    "saved-model": ("", ("name", "licence")),
    "weights": (".npz", ()),
}


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "export",
        _run,
        "Turn a trained vocoder into files that run without tf-melgan.",
        "export runs/voice --to tflite --weights float16 --out voice.tflite",
    )
    command.add_argument(
        "model",
        type=Path,
        help="a run's folder; but for --to weights also a .keras or .npz file or a shipped voice",
    )
    command.add_argument("--to", required=True, choices=list(_TARGETS))
    command.add_argument("--weights", choices=WEIGHTS, help="of a .tflite (default: float32)")
    command.add_argument("--calibration", type=Path, help="recordings, for int8")
    command.add_argument(
        "--out",
        required=True,
        type=Path,
        help="a .tflite or .npz file; for a SavedModel a folder, a new one or an older export's",
    )
    command.add_argument(
        "--name",
        help="of the voice (default: as --out, or as the folder above one that is a number)",
    )
    command.add_argument(
        "--licence", help="of the weights (default: a shipped voice's own, or not stated)"
    )


def _run(arguments: argparse.Namespace) -> None:
    _check(arguments)
    if arguments.to == "weights":
        with hide_engine_logs():
            from tf_melgan.training.finetuning import pack
        pack(arguments.model, arguments.out)
        print(f"{arguments.out}: tf-melgan finetune starts from it")
        return
    with hide_engine_logs():
        info = _export(arguments)
    print(f"{arguments.out}: {info.summary()}")


def _check(arguments: argparse.Namespace) -> None:
    suffix, options = _TARGETS[arguments.to]
    for option in ("weights", "calibration", "name", "licence"):
        if getattr(arguments, option) is not None and option not in options:
            raise UserInputError(f"--{option}: --to {arguments.to} does not use it; leave it out")
    if arguments.calibration and arguments.weights not in CALIBRATED:
        raise UserInputError(
            f"--calibration: --weights {arguments.weights or 'float32'} does not use it; leave it "
            f"out, or give {' or '.join(CALIBRATED)}"
        )
    if suffix and arguments.out.suffix != suffix:
        raise UserInputError(f"--out: {arguments.out} is no {suffix} file; give one")


def _export(arguments: argparse.Namespace) -> VoiceInfo:
    from tf_melgan.audio.mel_files import sample_mels
    from tf_melgan.export.saved_model import export_saved_model
    from tf_melgan.export.tflite.exporter import export_tflite
    from tf_melgan.inference.engines.keras_engine import KerasEngine

    source, out = voices.resolve(arguments.model, ".npz"), arguments.out
    engine = KerasEngine.open(source)
    name, licence = arguments.name or _name(out), arguments.licence or _licence(source)
    if arguments.to == "saved-model":
        return export_saved_model(engine.generator, engine.spec, out, name, licence)
    folder = arguments.calibration
    calibration = sample_mels(folder, engine.spec) if folder else ()
    weights = arguments.weights or "float32"
    return export_tflite(engine.generator, engine.spec, out, weights, name, licence, calibration)


def _name(out: Path) -> str:
    # A folder that is a number is a version of the voice that the folder above is named after.
    place = out.absolute()
    return place.parent.name if place.name.isdigit() else place.stem


def _licence(source: Path) -> str:
    """Of the weights in a file, where it is a voice that ships."""
    shipped = source.stem
    if shipped in voices.names() and source == voices.voice_path(shipped, ".npz"):
        return voice_file.read(voices.voice_path(shipped)).licence
    return "not stated"
