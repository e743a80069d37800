"""Recordings → a prepared folder: checked, resampled, leveled, stored for `data` to read.

OUT/index.json         what `Prepared` opens; written last, so the folder is whole or as before
OUT/utterances/*.npy   int16 samples of an utterance with its margins
OUT/report.csv         every recording, used or refused, with the reason
"""

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches
from tf_melgan.audio.sound_files import list_audio, read_audio, resample
from tf_melgan.data.prepared import FOLDER, INDEX, VERSION, Prepared
from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file
from tf_melgan.progress import Progress

PEAK = 0.95
SILENCE = 1e-3
# A training step reads the files of its utterances whole, as tf.data has no random access that
# is not a read from the file's start; so a file must not be long.
PART_SECONDS = 30
# In sound that was not cut off, a sample at full scale has neighbors below it: three equal ones in
# a row would take a tone under 40 Hz at full level. Once or twice is a click, not a level set too
# high.
FLAT_RUN, FLAT_RUNS = 3, 3
FULL_SCALE = 32767 / 32768

# What `_store` writes, or wrote halfway: nothing else in the folder is ours to delete.
_OWN = re.compile(r"\.?[0-9a-f]{16}-\d+(\.[0-9a-f]{8}\.part)?\.npy")

Reader = Callable[[Path], tuple[np.ndarray, int]]
"""A path → float32 (samples, channels) and their rate, or `UserInputError`."""


@dataclass(frozen=True)
class Report:
    """What `prepare` did: counts of recordings, seconds of sound, and what was refused, why."""

    train: int
    validation: int
    seconds: float
    new: int
    unchanged: int
    refused: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        text = (
            f"{self.train} recordings to train on, {self.validation} to validate on, "
            f"{self.seconds / 60:.1f} minutes ({self.new} new, {self.unchanged} unchanged, "
            f"{len(self.refused)} refused)"
        )
        text += "; report.csv says why" if self.refused else ""
        if self.validation:
            return text
        return text + "; none to validate on: put some into a folder called validation"


def prepare(
    recordings: str | os.PathLike,
    out: str | os.PathLike,
    spec: MelSpec | None = None,
    validation: float = 0.05,
    validation_ids: str | os.PathLike | None = None,
    jobs: int | None = None,
    read: Reader = read_audio,
) -> Report:
    """Prepares every wav, flac, ogg and mp3 under `recordings`, into the folder `out`.

    Each is mixed to mono, resampled to `spec.sample_rate`, cut to whole hops, brought to a peak
    of 0.95 and stored as int16 with `spec.margin` reflected samples at both ends; one of more
    than 30 s as several utterances. Called again, it adds new recordings, drops removed ones and
    leaves unchanged ones alone.

    Args:
        recordings: a folder tree.
        out: a folder, made where it is missing; one that was prepared before is brought up to date.
        spec: the mel spectrogram; the default `MelSpec` where there is none.
        validation: share of recordings kept for validation, chosen by a hash of their path, so
            that the choice stands when others come. Recordings below a folder that is called
            `train` or `validation` are what that says.
        validation_ids: a text file with one file name (without suffix) a line: those are for
            validation, all others for training.
        jobs: threads that decode; all cores where there is none.
        read: what decodes; `tf_melgan.tfio.read` does it in TensorFlow.

    Raises:
        UserInputError: no usable recording, a share outside [0, 1), no threads, unknown ids, or an `out`
            that holds another `MelSpec` or cannot be written.
    """
    recordings, out, spec = Path(recordings), Path(out), spec or MelSpec()
    if not 0 <= validation < 1:
        raise UserInputError(f"validation is {validation}; give a share from 0 to below 1")
    if jobs is not None and jobs < 1:
        raise UserInputError(f"jobs is {jobs}; give at least 1 thread")
    sources = _find(recordings, out)
    listed = None if validation_ids is None else _ids(Path(validation_ids), sources)
    known = _known(out, spec)
    entries, new = [], 0
    with Progress(len(sources), "prepare", "recordings") as progress:
        check = partial(_entry, recordings, out, spec, read)
        for entry in _in_order(check, [(path, known.get(path)) for path in sources], jobs):
            new += entry is not known.get(entry["path"])
            entry["split"] = _split(entry["path"], validation, listed)
            entries.append(entry)
            progress.advance(note=entry["path"])

    used = [entry for entry in entries if "parts" in entry]
    refused = {entry["path"]: entry["refused"] for entry in entries if "refused" in entry}
    _write_report(out / "report.csv", entries)
    if not used:
        path, reason = next(iter(refused.items()))
        raise UserInputError(
            f"{recordings}: none of {len(sources)} recordings is usable, {path}: {reason}; "
            f"{out / 'report.csv'} has the reason for each"
        )
    content = {"version": VERSION, "mel": spec.to_dict(), "recordings": entries}
    with atomic_file(out / INDEX) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    live = {part["file"] for entry in used for part in entry["parts"]}
    for file in (out / FOLDER).iterdir():
        if _OWN.fullmatch(file.name) and file.name not in live:
            file.unlink()
    return Report(
        train=sum(entry["split"] == "train" for entry in used),
        validation=sum(entry["split"] == "validation" for entry in used),
        seconds=sum(part["samples"] for entry in used for part in entry["parts"])
        / spec.sample_rate,
        new=new,
        unchanged=len(entries) - new,
        refused=refused,
    )


def _find(recordings: Path, out: Path) -> list[str]:
    if not recordings.is_dir():
        raise UserInputError(f"{recordings}: no such folder; give one with recordings")
    sources = sorted(path.relative_to(recordings).as_posix() for path in list_audio(recordings))
    if not sources:
        raise UserInputError(
            f"{recordings}: holds no wav, flac, ogg or mp3; give a folder of recordings"
        )
    if out.exists() and not out.is_dir():
        raise UserInputError(f"{out}: is a file; give a folder to prepare into")
    return sources


def _ids(path: Path, sources: Iterable[str]) -> set[str]:
    try:
        listed = {line.strip() for line in path.read_text(encoding="utf-8").splitlines()} - {""}
    except (OSError, UnicodeDecodeError):
        raise UserInputError(
            f"{path}: cannot be read; give a text file with one id a line"
        ) from None
    missing = sorted(listed - {Path(source).stem for source in sources})
    if missing:
        raise UserInputError(
            f"{path}: {len(missing)} of {len(listed)} ids are no recording's name, {missing[0]!r} "
            "first; give file names without folder and suffix"
        )
    return listed


def _split(path: str, validation: float, listed: set[str] | None) -> str:
    place = Path(path)
    if listed is not None:
        return "validation" if place.stem in listed else "train"
    for folder in reversed(place.parts[:-1]):
        if folder in ("train", "validation"):
            return folder
    digest = hashlib.sha256(place.with_suffix("").as_posix().encode()).digest()
    return "validation" if int.from_bytes(digest[:8], "big") < validation * 2**64 else "train"


def _known(out: Path, spec: MelSpec) -> dict[str, dict]:
    """What an earlier call prepared: the index's entries by path."""
    if not (out / INDEX).exists():
        return {}
    unlike = spec_mismatches(Prepared.open(out).spec, spec)
    if unlike:
        raise UserInputError(
            f"{out}: was prepared where {'; '.join(unlike)}; choose another folder"
        )
    index = json.loads((out / INDEX).read_text(encoding="utf-8"))
    return {entry["path"]: entry for entry in index["recordings"]}


def _in_order(check: Callable, jobs: list[tuple], threads: int | None) -> Iterator[dict]:
    """Yields check(*job) for each job, in order, computed ahead in threads."""
    # Decoding, resampling, hashing and writing all run outside the interpreter's lock: threads do.
    pool = ThreadPoolExecutor(threads or os.cpu_count())
    try:
        yield from pool.map(check, *zip(*jobs, strict=True))
    finally:
        pool.shutdown(cancel_futures=True)


def _entry(
    recordings: Path, out: Path, spec: MelSpec, read: Reader, source: str, known: dict | None
) -> dict:
    """A recording's entry for the index, once it is checked and stored, or why it is not."""
    path = recordings / source
    try:
        status = path.stat()
        stamp = {"bytes": status.st_size, "modified": status.st_mtime_ns}
        if known and {key: known.get(key) for key in stamp} == stamp:
            return known
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return {"path": source, "refused": f"cannot be read ({error.strerror})"}
    if known and known.get("sha256") == digest:
        known |= stamp
        return known
    entry = {"path": source, **stamp, "sha256": digest}
    try:
        samples = _usable(*read(path), spec)
    except UserInputError as error:
        # The path is in the entry, and what would be right is the same for all.
        return entry | {"refused": str(error).removeprefix(f"{path}: ").split(";")[0]}
    return entry | {"parts": _store(samples, out, digest[:16], spec)}


def _store(samples: np.ndarray, out: Path, name: str, spec: MelSpec) -> list[dict]:
    """Writes int16 (samples,) with margins: one file, or parts that share what lies between."""
    hops = len(samples) // spec.hop
    count = -(-len(samples) // (PART_SECONDS * spec.sample_rate))
    bounds = [hops * index // count * spec.hop for index in range(count + 1)]
    padded = np.pad(samples, spec.margin, "reflect")
    parts = []
    for index, (start, end) in enumerate(pairwise(bounds)):
        file = f"{name}-{index}.npy"
        content = io.BytesIO()
        np.save(content, padded[start : end + 2 * spec.margin])
        with atomic_file(out / FOLDER / file) as temporary:
            temporary.write_bytes(content.getvalue())
        digest = hashlib.sha256(content.getvalue()).hexdigest()
        parts.append({"file": file, "samples": end - start, "sha256": digest})
    return parts


def _usable(sound: np.ndarray, rate: int, spec: MelSpec) -> np.ndarray:
    """The recording as int16 (samples,), a whole number of hops. Raises `UserInputError`: why not."""
    if _clipped(sound):
        raise UserInputError("clipped: cut flat at full scale three times or more")
    mono = resample(sound.mean(axis=1), rate, spec.sample_rate)
    if len(mono) < spec.n_fft:
        raise UserInputError(
            f"too short: {len(mono)} samples at {spec.sample_rate} Hz, under one window"
        )
    peak = np.abs(mono).max()
    if peak < SILENCE:
        raise UserInputError("silent: nowhere above -60 dB of full scale")
    mono = mono[: len(mono) - len(mono) % spec.hop]
    return np.round(mono * (PEAK * 32768 / peak)).astype(np.int16)


def _clipped(sound: np.ndarray) -> bool:
    """Whether a channel of float (samples, channels) is cut flat at full scale again and again."""
    full = np.abs(sound) >= FULL_SCALE
    flat = full[1:] & (sound[1:] == sound[:-1])
    runs = flat[FLAT_RUN - 2 :].copy()
    for earlier in range(1, FLAT_RUN - 1):
        runs &= flat[FLAT_RUN - 2 - earlier : -earlier]
    starts = runs[:1].sum(axis=0) + (runs[1:] & ~runs[:-1]).sum(axis=0)
    return bool((starts >= FLAT_RUNS).any())


def _write_report(path: Path, entries: list[dict]) -> None:
    with atomic_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["path", "split", "result"])
        for entry in entries:
            refused = entry.get("refused")
            table.writerow([entry["path"], "" if refused else entry["split"], refused or "used"])
