"""Mels of other conventions: how a voice sounds from each, and from its own.

    python -m benchmarks.mels RECORDINGS... [--fit RECORDINGS] [--voice lj-lite] [--most 20]

RECORDINGS are folders of held-out recordings, SPEAKER/validation; of each, up to --most are used.
Every recording becomes a mel in each convention, and the voice vocodes that. With --fit, the
matrices for the conversions are first fitted to 60 recordings of that folder, and written to
tf_melgan/audio/.

Prints a table: convention, how it is converted, the mean absolute difference of the converted
log-mel, and PESQ-wb and DNSMOS of each speaker. Writes benchmarks/results/mels.json.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import add_out_option, machine, table, versions, write_result
from benchmarks.mels_fit import fit
from tf_melgan.audio import mel_conversion
from tf_melgan.audio.listing import list_audio
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_conversion import MelConversion
from tf_melgan.audio.mel_sources import SOURCES
from tf_melgan.audio.sound_files import load_audio, resample
from tf_melgan.evaluation.metrics import dnsmos, pesq_wb
from tf_melgan.files import atomic_file
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.progress import Progress

_FIT_FILES = 60


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--fit", type=Path)
    parser.add_argument("--voice", default="lj-lite")
    parser.add_argument("--most", type=int, default=20)
    add_out_option(parser)
    arguments = parser.parse_args()
    vocoder = Vocoder.load(arguments.voice)
    if arguments.fit:
        _store(fit(_spread(list_audio(arguments.fit), _FIT_FILES), vocoder.spec))
    speakers = {
        folder.parent.name: _spread(list_audio(folder), arguments.most)
        for folder in arguments.recordings
    }
    rows = _rows(vocoder, speakers)
    scores = [f"{name} {key}" for name in speakers for key in ("PESQ", "DNSMOS")]
    print(table([[*_HEADER, *scores], *map(_cells, rows)]))
    result = {
        "machine": machine(),
        "versions": versions("numpy", "soxr", "pesq", "speechmos"),
        "voice": arguments.voice,
        "recordings": {name: len(files) for name, files in speakers.items()},
        "conventions": rows,
    }
    write_result("mels", result, arguments.out)
    return 0


_HEADER = ["convention", "conversion", "log-mel L1"]


def _store(arrays: dict[str, np.ndarray]) -> None:
    path = Path(mel_conversion.__file__).with_name(mel_conversion.MATRICES)
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    print(f"{path}: {path.stat().st_size} bytes")


def _spread(files: list[Path], most: int) -> list[Path]:
    """Up to `most` of the files, spread evenly."""
    chosen = np.linspace(0, len(files) - 1, min(most, len(files))).round().astype(int)
    return [files[index] for index in chosen]


def _rows(vocoder: Vocoder, speakers: dict[str, list[Path]]) -> list[dict[str, Any]]:
    """Names of one convention share a row."""
    names: dict[Any, list[str]] = {}
    for name, source in SOURCES.items():
        names.setdefault(source, []).append(name)
    rows = []
    with Progress(len(names) * sum(map(len, speakers.values())), "vocode", "mels") as progress:
        for source, called in names.items():
            conversion = MelConversion(source.spec, vocoder.spec)
            row = {"names": called, "conversion": conversion.summary, "speakers": {}}
            for speaker, files in speakers.items():
                values = []
                for path in files:
                    values.append(_measure(vocoder, called[0], load_audio(path, 22050)))
                    progress.advance()
                mean = np.mean(values, axis=0).tolist()
                row["speakers"][speaker] = dict(
                    zip(("log_mel_l1", "pesq", "dnsmos"), mean, strict=True)
                )
            rows.append(row)
    return rows


def _measure(vocoder: Vocoder, name: str, recording: np.ndarray) -> tuple[float, float, float]:
    source, spec = SOURCES[name], vocoder.spec
    mel = source.analyse(resample(recording, spec.sample_rate, source.spec.sample_rate))
    sound = vocoder.vocode(mel, name)
    length = min(len(recording), len(sound))
    recording, sound = recording[:length], np.clip(sound[:length], -1, 1)
    difference = np.abs(log_mel(recording, spec) - log_mel(sound, spec)).mean()
    pesq, opinion = (
        float(measure(recording, sound, spec.sample_rate)) for measure in (pesq_wb, dnsmos)
    )
    return float(difference), pesq, opinion


def _cells(row: dict[str, Any]) -> list[str]:
    speakers = row["speakers"].values()
    difference = np.mean([values["log_mel_l1"] for values in speakers])
    scores = [f"{values[key]:.2f}" for values in speakers for key in ("pesq", "dnsmos")]
    return [", ".join(row["names"]), row["conversion"], f"{difference:.3f}", *scores]


if __name__ == "__main__":
    sys.exit(main())
