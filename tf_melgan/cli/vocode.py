"""`tf-melgan vocode`: vocodes mels or recordings into wav files."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from tf_melgan import voices
from tf_melgan.cli.options import add_command, hide_engine_logs
from tf_melgan.errors import UserInputError


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "vocode",
        _run,
        "Vocode mels, or the mels of recordings, into wav files.",
        "vocode mels/ --voice runs/voice --out wavs/",
    )
    command.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help=".npy mels, recordings, or folders of them",
    )
    command.add_argument(
        "--voice",
        default=voices.DEFAULT,
        help="a run's folder, a SavedModel, a .keras, .npz or .tflite file, or the name of a "
        f"shipped voice (default: {voices.DEFAULT})",
    )
    command.add_argument(
        "--out",
        type=Path,
        default=Path("vocoded"),
        help="output folder; for a single input also a .wav file (default: vocoded)",
    )
    command.add_argument(
        "--float", action="store_true", help="write 32-bit float wav files without clipping"
    )
    command.add_argument(
        "--threads", type=int, help="CPU threads for a .tflite voice (default: all cores)"
    )


def _run(arguments: argparse.Namespace) -> None:
    from tf_melgan.audio.mel_files import count_frames
    from tf_melgan.inference.vocoder import Vocoder
    from tf_melgan.progress import Progress

    jobs = _targets(arguments.inputs, arguments.out)
    with hide_engine_logs():
        vocoder = Vocoder.load(arguments.voice, arguments.threads)
    spec, wavs = vocoder.spec, []
    frames = sum(count_frames(source, spec) for source in jobs)
    start = time.perf_counter()
    with Progress(frames, "vocode", "frames") as progress:
        for source, target in jobs.items():
            subtype = "FLOAT" if arguments.float else "PCM_16"
            wavs.append(vocoder.vocode_file(source, target, subtype, progress.advance))
    seconds = sum(wav.samples for wav in wavs) / spec.sample_rate
    speed = seconds / (time.perf_counter() - start)
    files = "1 wav" if len(jobs) == 1 else f"{len(jobs)} wavs"
    print(f"{files}, {seconds:.1f} s of sound, {speed:.1f} × real time: {arguments.out}")
    clipped = sum(wav.clipped for wav in wavs)
    if clipped:
        print(f"{clipped} samples were beyond full scale and clipped", file=sys.stderr)


def _targets(inputs: list[Path], out: Path) -> dict[Path, Path]:
    """The wav file for each input file."""
    from tf_melgan.audio.mel_files import SUFFIXES
    from tf_melgan.audio.sound_files import list_audio

    targets: dict[Path, Path] = {}
    for path in inputs:
        if path.is_dir():
            files = list_audio(path, SUFFIXES)
            if not files:
                raise UserInputError(f"{path}: holds no .npy mels and no recordings")
            targets |= {x: out / x.relative_to(path).with_suffix(".wav") for x in files}
        elif not path.is_file():
            raise UserInputError(
                f"{path}: no such file; give .npy mels, recordings, or a folder of them"
            )
        elif path.suffix.lower() not in SUFFIXES:
            raise UserInputError(
                f"{path}: is not a {', '.join(SUFFIXES)} file; give a mel or a recording"
            )
        else:
            targets[path] = out / f"{path.stem}.wav"
    if out.suffix == ".wav" and len(targets) == 1:
        targets = dict.fromkeys(targets, out)
    sources: dict[Path, Path] = {}
    inputs_resolved = {source.resolve() for source in targets}
    for source, target in targets.items():
        if target.resolve() in inputs_resolved:
            raise UserInputError(
                f"{target}: is an input and would be overwritten; give another --out"
            )
        if target in sources:
            raise UserInputError(
                f"{source}: would be written to {target}, like {sources[target]}; rename one of "
                "them"
            )
        sources[target] = source
    return targets
