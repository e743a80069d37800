"""How good voices sound: scores beside recordings and Griffin-Lim, and artefacts in numbers.

    python -m benchmarks.quality RECORDINGS [--voice NAME=PATH ...] [--seen ljspeech] [--out FOLDER]

RECORDINGS holds a folder per speaker, each with a folder `validation` of recordings. All voices
are judged on the speaker that they were trained on, those with float weights on the others as well.
Writes docs/quality.md, docs/quality-*.png and benchmarks/results/quality.json.
"""

import argparse
import hashlib
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import artefacts, quality_page
from benchmarks.common import RESULTS, machine, versions
from tf_melgan.audio.griffin_lim import griffin_lim
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import list_audio, load_audio
from tf_melgan.errors import UserInputError
from tf_melgan.evaluation.comparison import RECORDINGS, Evaluation, UtteranceMetrics
from tf_melgan.evaluation.metrics import METRICS, MetricValue, compute_metrics, dnsmos
from tf_melgan.evaluation.pictures import spectra
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.progress import Progress
from tf_melgan.voices import voice_file

GRIFFIN_LIM = "Griffin-Lim"
_ROOT = Path(__file__).parents[1]
_VOICES = _ROOT / "tf_melgan" / "voices"
_SILENCE = 2.0
_WORST_SECONDS, _WORST_RANGE = 1.0, 3.0  # the latter in log10: 60 dB

System = Callable[[np.ndarray], np.ndarray]
"""Log-mel (frames, n_mels) → float32 (frames · hop,)."""


@dataclass(frozen=True)
class Speech:
    """One speaker's recordings and what each system made of their mels.

    `sounds` is by system, then by utterance, float32 (samples,) each; the recordings are one of
    the systems, cut to whole frames, so that all have the same lengths.
    """

    names: list[str]
    sounds: dict[str, list[np.ndarray]]
    spec: MelSpec

    @property
    def synthesized(self) -> list[str]:
        """The systems but for the recordings."""
        return [system for system in self.sounds if system != RECORDINGS]


def synthesize(files: list[Path], systems: dict[str, System], spec: MelSpec) -> Speech:
    """Lets every system speak every recording's mel."""
    sounds: dict[str, list[np.ndarray]] = {RECORDINGS: [], **{name: [] for name in systems}}
    with Progress(len(files), "vocode", "utterances") as progress:
        for path in files:
            recording = load_audio(path, spec.sample_rate)
            recording = recording[: len(recording) // spec.hop * spec.hop]
            sounds[RECORDINGS].append(recording)
            mel = log_mel(recording, spec)
            for name, system in systems.items():
                sounds[name].append(system(mel))
            progress.advance(note=path.stem)
    return Speech([path.stem for path in files], sounds, spec)


def evaluate(speech: Speech, title: str) -> Evaluation:
    """Every score of every system's every utterance."""
    rate, utterances = speech.spec.sample_rate, []
    with Progress(len(speech.names), title, "utterances") as progress:
        for name, (recording, *sounds) in zip(
            speech.names, zip(*speech.sounds.values(), strict=True), strict=True
        ):
            values = {RECORDINGS: {"dnsmos": dnsmos(recording, recording, rate)}}
            for system, sound in zip(speech.synthesized, sounds, strict=True):
                values[system] = compute_metrics(recording, sound, rate)
            utterances.append(UtteranceMetrics(name, rate, Path(name), {}, values))
            progress.advance(note=name)
    return Evaluation(speech.synthesized, utterances)


def minus(evaluation: Evaluation, other: str) -> Evaluation:
    """The same evaluation with every score less that of the system `other`, pair by pair."""

    def less(
        values: dict[str, MetricValue], theirs: dict[str, MetricValue]
    ) -> dict[str, MetricValue]:
        return {
            key: values[key] - theirs[key]
            for key in values.keys() & theirs.keys()
            if isinstance(values[key], float) and isinstance(theirs[key], float)
        }

    utterances = [
        replace(u, scores={system: less(u.scores[system], u.scores[other]) for system in u.scores})
        for u in evaluation.utterances
    ]
    return Evaluation(evaluation.systems, utterances)


def means(evaluation: Evaluation, system: str) -> dict[str, tuple[float, float, int]]:
    """Mean, half of its 95 % interval and count by metric, where it is defined more than once."""
    found = {metric.key: evaluation.mean(system, metric.key) for metric in METRICS}
    return {key: mean for key, mean in found.items() if mean and mean[2] > 1}


def faults(speech: Speech, name: str, system: System | None) -> dict[str, Any]:
    """The artefacts of one system's sound; the recordings are no system, and have lines alone."""
    rate, hop = speech.spec.sample_rate, speech.spec.hop
    recordings, sounds = speech.sounds[RECORDINGS], speech.sounds[name]
    lines = artefacts.frame_lines(recordings, sounds, rate, hop)
    found: dict[str, Any] = {"lines": None}
    if lines:
        found["lines"] = {"db": lines.largest, "hertz": lines.hertz, "frames": lines.frames}
    if system:
        floor = np.full((round(_SILENCE * rate / hop), speech.spec.n_mels), speech.spec.log_floor)
        silence, spoken = system(floor.astype(np.float32)), np.concatenate(sounds)
        found["silence"] = artefacts.silence_depth(silence, spoken, rate)
        pairs = zip(recordings, sounds, strict=True)
        edges = np.array([artefacts.edge_excess(x, y, rate) for x, y in pairs])
        for end, excess in zip(("first", "last"), edges.T, strict=True):
            worst = speech.names[excess.argmax()]
            found[end] = {"mean": excess.mean(), "worst": excess.max(), "utterance": worst}
    return found


def worst_place(speech: Speech, name: str) -> tuple[int, int, float]:
    """The second where a system's log-mel is farthest from the recording's.

    The distance is the mean absolute difference; what lies more than 60 dB under the recording's
    highest value counts as 60 dB under it.

    Returns:
        The utterance's index, the first sample, and the distance in log10.
    """
    spec, places = speech.spec, []
    unit = 1.0 if spec.log == "log10" else np.log(10)
    pairs = zip(speech.sounds[RECORDINGS], speech.sounds[name], strict=True)
    for index, pair in enumerate(pairs):
        mels = [log_mel(sound, spec) / unit for sound in pair]
        low = mels[0].max() - _WORST_RANGE
        apart = np.abs(np.maximum(mels[0], low) - np.maximum(mels[1], low)).mean(axis=1)
        size = min(len(apart), round(_WORST_SECONDS * spec.sample_rate / spec.hop))
        windows = np.convolve(apart, np.full(size, 1 / size), "valid")
        places.append((index, int(windows.argmax()) * spec.hop, float(windows.max())))
    return max(places, key=lambda place: place[2])


def judge(
    files: list[Path],
    systems: dict[str, System],
    spec: MelSpec,
    folder: Path,
    speaker: str,
    pictured: set[str],
) -> dict[str, Any]:
    """All that the page says about one speaker; writes some systems' pictures of worst places."""
    speech = synthesize(files, systems, spec)
    evaluation = evaluate(speech, f"score {speaker}")
    to_recordings, to_baseline = (minus(evaluation, x) for x in (RECORDINGS, GRIFFIN_LIM))
    rows: dict[str, dict[str, Any]] = {}
    for name in speech.sounds:
        rows[name] = {"means": means(evaluation, name), **faults(speech, name, systems.get(name))}
        if name not in (RECORDINGS, GRIFFIN_LIM):
            rows[name]["minus_recordings"] = means(to_recordings, name)
            rows[name]["minus_griffin_lim"] = means(to_baseline, name)
        if name in pictured:
            index, start, distance = worst_place(speech, name)
            picture = f"quality-{speaker}-{name}.png"
            stop = start + round(_WORST_SECONDS * spec.sample_rate)
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


def recordings_of(folder: Path, most: int | None) -> dict[str, list[Path]]:
    """The files in each speaker's `validation`, at most so many.

    Raises:
        UserInputError: there are no speakers, or one has fewer than two recordings.
    """
    speakers = {
        split.parent.name: list_audio(split)[:most] for split in sorted(folder.glob("*/validation"))
    }
    if not speakers:
        raise UserInputError(f"{folder}: holds no folders SPEAKER/validation")
    for speaker, files in speakers.items():
        if len(files) < 2:
            raise UserInputError(f"{folder / speaker}: fewer than two recordings have no interval")
    return speakers


def named(text: str) -> tuple[str, Path]:
    """NAME=PATH; the name becomes part of pictures' names."""
    name, _, path = text.partition("=")
    if not re.fullmatch(r"[\w.-]+", name) or not path or name in (RECORDINGS, GRIFFIN_LIM):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH")
    return name, Path(path)


def _weights(path: Path) -> str:
    return voice_file.read(path).weights if path.suffix == ".tflite" else "float32"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", type=Path, help="SPEAKER/validation/*.flac, for one or more")
    parser.add_argument(
        "--voice", type=named, action="append", default=[], metavar="NAME=PATH",
        help="a .tflite file or a run; may be repeated; by default the voices of the package",
    )  # fmt: skip
    parser.add_argument("--seen", default="ljspeech", help="the speaker of the voices' training")
    parser.add_argument("--most", type=int, help="of each speaker, only so many recordings")
    parser.add_argument(
        "--out", type=Path, help="write there, not to docs/ and benchmarks/results/"
    )
    arguments = parser.parse_args()
    paths = dict(arguments.voice) or {x.stem: x for x in sorted(_VOICES.glob("*.tflite"))}
    if not paths:
        raise UserInputError("the package holds no voices; give --voice NAME=PATH")
    speakers = recordings_of(arguments.recordings, arguments.most)
    if arguments.seen not in speakers:
        raise UserInputError(f"{arguments.recordings}: holds no folder {arguments.seen}/validation")
    vocoders = {name: Vocoder.load(path) for name, path in paths.items()}
    specs = {vocoder.spec for vocoder in vocoders.values()}
    if len(specs) > 1:
        raise UserInputError("the voices read different mels; give those of one convention")
    (spec,) = specs
    weights = {name: _weights(path) for name, path in paths.items()}
    docs, results = (arguments.out,) * 2 if arguments.out else (_ROOT / "docs", RESULTS)
    for folder in {docs, results}:
        folder.mkdir(parents=True, exist_ok=True)

    command = ["python", "-m", "benchmarks.quality", "RECORDINGS"]
    voices = [(name, path.name) for name, path in arguments.voice]
    command += [x for name, file in voices for x in ("--voice", f"{name}={file}")]
    command += ["--seen", arguments.seen] * (arguments.seen != parser.get_default("seen"))
    command += ["--most", str(arguments.most)] * (arguments.most is not None)
    result = {
        "command": shlex.join(command),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions("numpy", "ai-edge-litert", "librosa", "pesq", "pystoi", "speechmos"),
        "frame_rate": spec.sample_rate / spec.hop,
        "weights": weights,
        "sha256": {name: _sha256(path) for name, path in paths.items() if path.is_file()},
        "speakers": {},
    }
    floats = {name for name in paths if weights[name].startswith("float")}
    for speaker in sorted(speakers, key=lambda speaker: speaker != arguments.seen):
        seen = speaker == arguments.seen
        heard: dict[str, System] = {
            name: vocoder.vocode for name, vocoder in vocoders.items() if seen or name in floats
        }
        if heard:
            systems = {GRIFFIN_LIM: lambda mel: griffin_lim(mel, spec), **heard}
            judged = judge(speakers[speaker], systems, spec, docs, speaker, floats)
            result["speakers"][speaker] = {"seen": seen, **judged}
    text = json.dumps(result, indent=1)
    (results / "quality.json").write_text(text + "\n", encoding="utf-8")
    quality_page.write(json.loads(text), docs)
    print(f"written to {docs / 'quality.md'} and {results / 'quality.json'}")


if __name__ == "__main__":
    main()
