"""What the command line takes, and its help."""

import argparse
from pathlib import Path

from tf_melgan.voice_file import WEIGHTS
from tf_melgan.voices import DEFAULT


def parser() -> argparse.ArgumentParser:
    """The parser of `tf-melgan`; a parsed command's name is in `command`."""
    parser = argparse.ArgumentParser(
        prog="tf-melgan", description="From recordings to a MelGAN vocoder."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, what: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=what,
            description=what,
            epilog=f"example:\n  tf-melgan {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def run_of(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "run_folder", metavar="run", help="the run's folder: checkpoints, logs"
        )
        command.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="override the config"
        )

    prepare = command(
        "prepare",
        "Check recordings, resample them and store them for training.",
        "prepare recordings/ data/ --config melgan_24k",
    )
    prepare.add_argument("recordings", help="a folder tree of wav, flac, ogg and mp3")
    prepare.add_argument("out", help="the prepared folder; made, or brought up to date")
    prepare.add_argument("--config", default="melgan", help="its mel decides (default: melgan)")
    prepare.add_argument("--validation", type=float, default=0.05, help="share (default: 0.05)")
    prepare.add_argument("--validation-ids", help="a text file of names to validate on, one a line")
    prepare.add_argument("--jobs", type=int, help="threads (default: all cores)")

    train = command(
        "train",
        "Train a vocoder; called again, go on where the run stands.",
        "train melgan data/ runs/voice --set training.batch=8",
    )
    train.add_argument("config", help="a YAML file, or the name of one that ships (melgan, lite…)")
    train.add_argument("data", help="a folder that prepare made")
    run_of(train)
    train.add_argument("--dry-run", action="store_true", help="print what it would take, and stop")

    finetune = command(
        "finetune",
        "Give a trained voice a new speaker, from minutes of recordings; called again, go on.",
        "finetune lj-lite recordings/ runs/her",
    )
    finetune.add_argument("voice", help="a voice that ships, or a .npz of export --to weights")
    finetune.add_argument("recordings", type=Path, help="of one speaker, who agreed to it")
    run_of(finetune)

    vocode = command(
        "vocode",
        "Make sound from mels, or from recordings by way of their mels.",
        "vocode runs/voice mels/ --out wavs/",
    )
    vocode.add_argument(
        "words",
        nargs="+",
        metavar="INPUT",
        help="first the voice (a run's folder, a SavedModel, a .keras or .tflite file, or one that "
        f"ships; left out: {DEFAULT}), then .npy mels, recordings, folders",
    )
    vocode.add_argument(
        "--out",
        type=Path,
        default=Path("vocoded"),
        help="a folder; for one input also .wav (default: vocoded)",
    )
    vocode.add_argument("--float", action="store_true", help="32-bit float wavs, nothing clipped")
    vocode.add_argument("--threads", type=int, help="of a .tflite (default: all cores)")

    export = command(
        "export",
        "Turn a trained vocoder into files that run without tf-melgan.",
        "export runs/voice --to tflite --weights float16 --out voice.tflite",
    )
    export.add_argument(
        "model",
        type=Path,
        help="a run's folder; but for --to weights also a .keras or .npz file or a shipped voice",
    )
    export.add_argument("--to", required=True, choices=["tflite", "saved-model", "weights"])
    export.add_argument("--weights", choices=WEIGHTS, help="of a .tflite (default: float32)")
    export.add_argument("--calibration", type=Path, help="recordings, for int8 and mixed")
    export.add_argument(
        "--out",
        required=True,
        type=Path,
        help="a .tflite or .npz file; for a SavedModel a folder, a new one or an older export's",
    )
    export.add_argument(
        "--name",
        help="what the voice is called (default: as --out, or as what is above a folder 1, 2, …)",
    )
    export.add_argument(
        "--licence", help="of the weights (default: a shipped voice's own, or not stated)"
    )

    evaluate = command(
        "evaluate",
        "Score synthesized speech against recordings; files pair by name.",
        "evaluate recordings/ wavs/ --griffin-lim --out scores/",
    )
    evaluate.add_argument("reference", type=Path, help="the folder of recordings")
    evaluate.add_argument("systems", nargs="*", type=Path, help="folders of synthesized speech")
    evaluate.add_argument("--griffin-lim", action="store_true", help="add this baseline")
    evaluate.add_argument("--out", required=True, type=Path, help="where the report goes")

    demo = command("demo", "Hear the voice that ships, and see its sound.", "demo")
    demo.add_argument("out", nargs="?", type=Path, default=Path("demo"), help="(default: demo)")
    return parser
