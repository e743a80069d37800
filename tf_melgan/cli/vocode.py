"""`tf-melgan vocode`: vocodes mels or recordings into wav files."""

import argparse
import re
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tf_melgan import voices
from tf_melgan.cli.options import add_command, hide_engine_logs, local_path
from tf_melgan.errors import (
    MelWarning,
    SoundWarning,
    UnwritableError,
    UserInputError,
    require,
)
from tf_melgan.progress import Progress

if TYPE_CHECKING:
    from tf_melgan.audio.mel_sources import MelSource
    from tf_melgan.audio.sound_files import SoundWriter
    from tf_melgan.inference.vocoder import Vocoder


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
        type=local_path,
        metavar="INPUT",
        help="mels (.npy, .npz, .pt), recordings, or folders of them; - is one on standard input",
    )
    command.add_argument(
        "--voice",
        type=local_path,
        default=voices.DEFAULT,
        help="a run's folder, a SavedModel, a .keras, .npz, .onnx or .tflite file, or the name of "
        f"a shipped voice (default: {voices.DEFAULT})",
    )
    command.add_argument(
        "--mel",
        metavar="NAME",
        help="the convention of mels, if it is not the voice's: hifigan, tacotron2, espnet, ...",
    )
    command.add_argument(
        "--stats",
        type=local_path,
        metavar="FILE",
        help="with --mel, the statistics that mels were normalized with: stats.npy, .h5 or .npz",
    )
    command.add_argument(
        "--out",
        type=local_path,
        help="output folder; for a single input also a .wav or .flac file, or - for standard "
        "output (default: vocoded; standard output for standard input)",
    )
    command.add_argument(
        "--float", action="store_true", help="write 32-bit float wavs without clipping"
    )
    command.add_argument(
        "--raw",
        action="store_true",
        help="write samples without a header to standard output: 16-bit, or 32-bit with --float",
    )
    command.add_argument(
        "--threads", type=int, help="CPU threads for a .tflite or .onnx voice (default: all cores)"
    )


def _run(arguments: argparse.Namespace) -> int:
    from tf_melgan.audio.mel_conversion import MelConversion
    from tf_melgan.audio.mel_files import holds_mel
    from tf_melgan.audio.mel_sources import mel_source
    from tf_melgan.cli.vocode_files import (
        STANDARD_STREAM,
        standard_input,
        standard_output,
        targets,
    )
    from tf_melgan.inference.vocoder import Vocoder

    inputs, out = arguments.inputs, arguments.out
    if out is None:
        out = STANDARD_STREAM if inputs == [STANDARD_STREAM] else Path("vocoded")
    if out == STANDARD_STREAM and (len(inputs) > 1 or inputs[0].is_dir()):
        raise UserInputError("--out: - is for one mel or recording; give a folder")
    require(
        out == STANDARD_STREAM or not arguments.raw, "--raw: is for standard output; give --out -"
    )
    require(arguments.mel or not arguments.stats, "--stats: belongs to a convention; give --mel")
    convention = mel_source(arguments.mel, arguments.stats, "--mel") if arguments.mel else None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        if STANDARD_STREAM in inputs:
            source = stack.enter_context(standard_input(folder))
            inputs = [source if path == STANDARD_STREAM else path for path in inputs]
        if out == STANDARD_STREAM:
            target = stack.enter_context(standard_output(folder, arguments.raw))
        else:
            target = out
        jobs = targets(inputs, target)
        with hide_engine_logs():
            vocoder = Vocoder.load(arguments.voice, arguments.threads)
        if convention is not None and any(map(holds_mel, jobs)):
            summary = MelConversion(convention.spec, vocoder.spec).summary
            print(f"mels of {arguments.mel}: {summary}", file=sys.stderr)
        stack.enter_context(_remarks(str(folder / "stdin")))
        start = time.perf_counter()
        subtype = "FLOAT" if arguments.float else "PCM_16"
        written, left_out = _vocode(vocoder, jobs, subtype, convention)
        elapsed = time.perf_counter() - start
    seconds = sum(file.samples for file in written) / vocoder.spec.sample_rate
    clipped = sum(file.clipped for file in written)
    kind = "flac" if target.suffix == ".flac" else "wav"
    files = f"{len(written)} {kind}{'' if len(jobs) == 1 else 's'}"
    print(
        f"{files}, {seconds:.1f} s of sound, {seconds / elapsed:.1f} × real time: {out}",
        file=sys.stderr if out == STANDARD_STREAM else sys.stdout,
    )
    if clipped:
        print(f"{clipped} samples were beyond full scale and clipped", file=sys.stderr)
    if left_out:
        print(f"{left_out} of {len(jobs)} inputs were left out, as said above", file=sys.stderr)
    return 1 if left_out else 0


@contextmanager
def _remarks(standard_input: str) -> Iterator[None]:
    """Prints remarks on recordings and mels inside the block as plain lines.

    Args:
        standard_input: how the path begins of the file that holds standard input.
    """
    path = re.compile(re.escape(standard_input) + r"\.\w+")
    with warnings.catch_warnings():
        for category in (SoundWarning, MelWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = lambda message, *place: print(
            path.sub("standard input", str(message)), file=sys.stderr
        )
        yield


def _vocode(
    vocoder: "Vocoder", jobs: dict[Path, Path], subtype: str, convention: "MelSource | None"
) -> tuple[list["SoundWriter"], int]:
    """Vocodes each source of `jobs` into its target; a bad one among several is left out.

    Returns:
        The closed files, and the number of sources left out.
    """
    from tf_melgan.audio.mel_files import count_frames

    if len(jobs) == 1:
        ((source, target),) = jobs.items()
        count = count_frames(source, vocoder.spec, convention)
        with Progress(count, "vocode", "frames") as progress:
            file = vocoder.vocode_file(source, target, subtype, convention, progress.advance)
            return [file], 0
    written, left_out = [], 0
    with Progress(len(jobs), "vocode", "files") as progress:
        for source, target in jobs.items():
            try:
                written.append(vocoder.vocode_file(source, target, subtype, convention))
            except UnwritableError:
                raise
            except UserInputError as error:
                progress.line(f"left out: {error}")
                left_out += 1
            progress.advance()
    return written, left_out
