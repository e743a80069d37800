"""`tf-melgan export`: writes a trained voice in the formats of other programs."""

import argparse
from pathlib import Path
from typing import Any

from tf_melgan import voices
from tf_melgan.cli.options import add_command, hide_engine_logs, local_path
from tf_melgan.errors import UserInputError
from tf_melgan.voices import voice_file
from tf_melgan.voices.voice_file import CALIBRATED, WEIGHTS

# For each target, the suffix of the file and the options that apply.
_TARGETS = {
    "tflite": (".tflite", ("weights", "calibration", "name", "licence")),
    "onnx": (".onnx", ("name", "licence")),
    "onnx-stream": (".onnx", ("name", "licence")),
    "saved-model": ("", ("name", "licence")),
    "torch": (".pt", ()),
    "weights": (".npz", ()),
}


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "export",
        _run,
        "Export a trained voice to a format that runs without tf-melgan, or its weights.",
        "export runs/voice --to tflite --weights float16 --out voice.tflite",
    )
    command.add_argument(
        "model",
        type=local_path,
        help="a run's folder, a .npz file or the name of a shipped voice; but for weights also a "
        ".keras file",
    )
    command.add_argument("--to", required=True, choices=list(_TARGETS), help="the format")
    command.add_argument(
        "--weights", choices=WEIGHTS, help="type of the weights in a .tflite (default: float32)"
    )
    command.add_argument(
        "--calibration", type=local_path, help="a folder of recordings to calibrate int8"
    )
    command.add_argument(
        "--out",
        required=True,
        type=local_path,
        help="a .tflite, .onnx, .npz or .pt file; for saved-model a new folder, or an earlier "
        "export to replace",
    )
    command.add_argument(
        "--name",
        help="name of the voice (default: from --out; from its parent folder if --out is a number)",
    )
    command.add_argument(
        "--licence",
        help="licence of the weights (default: that of a shipped voice, otherwise not stated)",
    )


def _run(arguments: argparse.Namespace) -> None:
    _check(arguments)
    if arguments.to == "weights":
        with hide_engine_logs():
            from tf_melgan.training.finetuning import pack
        pack(arguments.model, arguments.out)
        print(f"{arguments.out}: start from it with tf-melgan finetune")
        return
    with hide_engine_logs():
        print(f"{arguments.out}: {_export(arguments)}")


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
        raise UserInputError(f"--out: {arguments.out} is not a {suffix} file; give one")


def _export(arguments: argparse.Namespace) -> str:
    """Exports a voice, and returns a line about the file."""
    from tf_melgan import export
    from tf_melgan.audio.mel_files import sample_mels
    from tf_melgan.inference.engines.keras_engine import KerasEngine

    source, out = voices.resolve(arguments.model, ".npz"), arguments.out
    engine = KerasEngine.open(source)
    voice = (engine.generator, engine.spec, out)
    if arguments.to == "torch":
        export.export_torch(engine.generator, out)
        return "load it into the Generator of MelGAN's official code"
    name, licence = arguments.name or _name(out), arguments.licence or _licence(source)
    if arguments.to == "saved-model":
        info = export.export_saved_model(*voice, name, licence)
    elif arguments.to == "tflite":
        folder, weights = arguments.calibration, arguments.weights or "float32"
        calibration = sample_mels(folder, engine.spec) if folder else ()
        info = export.export_tflite(*voice, weights, name, licence, calibration)
    else:
        info = export.export_onnx(*voice, arguments.to == "onnx-stream", name, licence)
    return info.summary()


def _name(out: Path) -> str:
    # Servers name folders voice/1, voice/2, …: the number is the version of the voice.
    path = out.absolute()
    return path.parent.name if path.name.isdigit() else path.stem


def _licence(source: Path) -> str:
    """The licence of a shipped voice; "not stated" for other weights."""
    name = source.stem
    if name in voices.names() and source == voices.voice_path(name, ".npz"):
        return voice_file.read(voices.voice_path(name)).licence
    return "not stated"
