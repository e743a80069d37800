"""Quality of voices: metrics and artefacts, beside the recordings and Griffin-Lim.

    python -m benchmarks.quality RECORDINGS [--voice NAME=PATH ...] [--first ljspeech]
        [--heard NAME=SPEAKER,...] [--out FOLDER]

RECORDINGS has a folder for each speaker, with recordings in its subfolder `validation`. All voices
are measured on the first speaker, those with float weights on the other speakers, too.

Prints where the results are. Writes docs/quality.md, docs/quality-*.png and
benchmarks/results/quality.json.
"""

import argparse
import hashlib
import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import quality_page
from benchmarks.common import RESULTS, machine, versions
from benchmarks.quality_measures import (
    WORST_SECONDS,
    System,
    differences,
    evaluate,
    means,
    measure_artefacts,
    synthesize,
    worst_second,
)
from tf_melgan import voices
from tf_melgan.audio.griffin_lim import griffin_lim
from tf_melgan.audio.listing import list_audio
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError
from tf_melgan.evaluation.comparison import RECORDINGS
from tf_melgan.evaluation.pictures import spectra
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.voices import voice_file

GRIFFIN_LIM = "Griffin-Lim"
_ROOT = Path(__file__).parents[1]


def measure_speaker(
    files: list[Path],
    systems: dict[str, System],
    spec: MelSpec,
    folder: Path,
    speaker: str,
    pictured: set[str],
) -> dict[str, Any]:
    """The results of one speaker; draws the worst seconds of the systems in `pictured`."""
    speech = synthesize(files, systems, spec)
    evaluation = evaluate(speech, f"score {speaker}")
    to_recordings, to_baseline = (differences(evaluation, x) for x in (RECORDINGS, GRIFFIN_LIM))
    rows: dict[str, dict[str, Any]] = {}
    for name in speech.sounds:
        rows[name] = {"means": means(evaluation, name)}
        rows[name] |= measure_artefacts(speech, name, systems.get(name))
        if name not in (RECORDINGS, GRIFFIN_LIM):
            rows[name]["minus_recordings"] = means(to_recordings, name)
            rows[name]["minus_griffin_lim"] = means(to_baseline, name)
        if name in pictured:
            index, start, distance = worst_second(speech, name)
            picture = f"quality-{speaker}-{name}.png"
            stop = start + round(WORST_SECONDS * spec.sample_rate)
            shown = {"recording": RECORDINGS, name: name, GRIFFIN_LIM: GRIFFIN_LIM}
            sounds = {title: speech.sounds[x][index][start:stop] for title, x in shown.items()}
            begin = start / spec.sample_rate
            spectra(folder / picture, sounds, spec.sample_rate, begin)
            rows[name]["worst"] = {
                "picture": picture,
                "utterance": speech.names[index],
                "start": begin,
                "log_mel_l1": distance,
            }
    seconds = sum(map(len, speech.sounds[RECORDINGS])) / spec.sample_rate
    utterances = {u.name: u.scores for u in evaluation.utterances}
    return {"seconds": seconds, "systems": rows, "utterances": utterances}


def find_speakers(folder: Path, limit: int | None) -> dict[str, list[Path]]:
    """The files in each speaker's `validation`, at most `limit`.

    Raises:
        UserInputError: there are no speakers, or one has fewer than two recordings.
    """
    speakers = {
        split.parent.name: list_audio(split)[:limit]
        for split in sorted(folder.glob("*/validation"))
    }
    if not speakers:
        raise UserInputError(f"{folder}: has no folders SPEAKER/validation")
    for speaker, files in speakers.items():
        if len(files) < 2:
            raise UserInputError(f"{folder / speaker}: give two recordings or more")
    return speakers


def parse_voice(text: str) -> tuple[str, Path]:
    """Splits NAME=PATH; the name becomes part of file names."""
    name, _, path = text.partition("=")
    if not re.fullmatch(r"[\w.-]+", name) or not path or name in (RECORDINGS, GRIFFIN_LIM):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH")
    return name, Path(path)


def parse_heard(text: str) -> tuple[str, list[str]]:
    """Splits NAME=SPEAKER,…."""
    name, _, speakers = text.partition("=")
    if not speakers:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=SPEAKER,...")
    return name, speakers.split(",")


def _weights(path: Path) -> str:
    return voice_file.read(path).weights if path.suffix == ".tflite" else "float32"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", type=Path, help="a folder with SPEAKER/validation/*.flac")
    parser.add_argument(
        "--voice", type=parse_voice, action="append", default=[], metavar="NAME=PATH",
        help="a .tflite file or a run; may be repeated (default: the voices that ship)",
    )  # fmt: skip
    parser.add_argument("--first", default="ljspeech", help="the speaker that all voices heard")
    parser.add_argument(
        "--heard", type=parse_heard, action="append", default=[], metavar="NAME=SPEAKER,...",
        help="all speakers of a voice's training (default: the first); may be repeated",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, help="use at most so many recordings of each speaker")
    parser.add_argument(
        "--out", type=Path, help="a folder for all files (default: docs, benchmarks/results)"
    )
    arguments = parser.parse_args()
    paths = dict(arguments.voice) or {name: voices.voice_path(name) for name in voices.names()}
    if not paths:
        raise UserInputError("no voices ship with the package; give --voice NAME=PATH")
    speakers = find_speakers(arguments.recordings, arguments.limit)
    if arguments.first not in speakers:
        raise UserInputError(f"{arguments.recordings}: has no folder {arguments.first}/validation")
    vocoders = {name: Vocoder.load(path) for name, path in paths.items()}
    specs = {vocoder.spec for vocoder in vocoders.values()}
    if len(specs) > 1:
        raise UserInputError(
            "the voices have different mel conventions; give voices with the same one"
        )
    (spec,) = specs
    weights = {name: _weights(path) for name, path in paths.items()}
    docs, results = (arguments.out,) * 2 if arguments.out else (_ROOT / "docs", RESULTS)
    for folder in {docs, results}:
        folder.mkdir(parents=True, exist_ok=True)

    command = ["python", "-m", "benchmarks.quality", "RECORDINGS"]
    for name, path in arguments.voice:
        command += ["--voice", f"{name}={path.name}"]
    command += ["--first", arguments.first] * (arguments.first != parser.get_default("first"))
    for name, heard in arguments.heard:
        command += ["--heard", f"{name}={','.join(heard)}"]
    command += ["--limit", str(arguments.limit)] * (arguments.limit is not None)
    result = {
        "command": shlex.join(command),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions("numpy", "ai-edge-litert", "librosa", "pesq", "pystoi", "speechmos"),
        "frame_rate": spec.sample_rate / spec.hop,
        "weights": weights,
        "heard": {name: [arguments.first] for name in paths} | dict(arguments.heard),
        "sha256": {name: _sha256(path) for name, path in paths.items() if path.is_file()},
        "speakers": {},
    }
    floats = {name for name in paths if weights[name].startswith("float")}
    for speaker in sorted(speakers, key=lambda speaker: speaker != arguments.first):
        measured: dict[str, System] = {
            name: vocoder.vocode
            for name, vocoder in vocoders.items()
            if speaker == arguments.first or name in floats
        }
        if measured:
            systems = {GRIFFIN_LIM: lambda mel: griffin_lim(mel, spec), **measured}
            values = measure_speaker(speakers[speaker], systems, spec, docs, speaker, floats)
            result["speakers"][speaker] = values
    text = json.dumps(result, indent=1)
    (results / "quality.json").write_text(text + "\n", encoding="utf-8")
    quality_page.write(json.loads(text), docs)
    print(f"written to {docs / 'quality.md'} and {results / 'quality.json'}")


if __name__ == "__main__":
    main()
