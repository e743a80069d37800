"""Prepares recordings for training: checks, resamples, normalizes and stores them.

OUT/index.json         the index that `Prepared` opens; written last, so that it is always valid
OUT/utterances/*.npy   int16 samples of an utterance with its margins
OUT/report.csv         every recording, used or refused, with the reason
"""

import csv
import hashlib
import io
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from tf_melgan.audio.decoding import Recording
from tf_melgan.audio.listing import UNREADABLE_SUFFIXES
from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches
from tf_melgan.audio.sound_files import read_recording
from tf_melgan.data.index import INDEX, VERSION, read_index, write_index
from tf_melgan.data.prepared import FOLDER, Prepared
from tf_melgan.data.recordings import find_recordings, read_ids, split_of
from tf_melgan.data.usable import usable_samples
from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file, lock
from tf_melgan.progress import Progress

# A training step reads whole files, because tf.data cannot read from the middle of a file. Long
# recordings are therefore stored in parts.
PART_SECONDS = 30

# Files that `_store` writes, and its temporary files. No other files in the folder are deleted.
_OWN = re.compile(r"\.?[0-9a-f]{16}-\d+(\.[0-9a-f]{8}\.part)?\.npy")

Reader = Callable[[Path], tuple[np.ndarray, int] | Recording]
"""Decodes a path to float32 (samples, channels) and the rate in Hz, or raises `UserInputError`."""


@dataclass(frozen=True)
class Report:
    """The result of `prepare`.

    Attributes:
        train: number of recordings for training.
        validation: number of recordings for validation.
        seconds: total duration of both, in seconds.
        new: number of recordings that were added or have changed, including refused ones.
        unchanged: number of recordings that an earlier call had prepared.
        refused: the reason for each refused recording, by its path.
        remarks: what is wrong with recordings that are used all the same, by their paths.
    """

    train: int
    validation: int
    seconds: float
    new: int
    unchanged: int
    refused: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        text = (
            f"{self.train} recordings to train on, {self.validation} to validate on, "
            f"{self.seconds / 60:.1f} minutes ({self.new} new, {self.unchanged} unchanged, "
            f"{len(self.refused)} refused"
        )
        text += f", {len(self.remarks)} used with a remark)" if self.remarks else ")"
        text += "; report.csv says why" if self.refused or self.remarks else ""
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
    read: Reader = read_recording,
) -> Report:
    """Prepares all sound files under `recordings` into the folder `out`.

    Each recording is mixed to mono, freed of a constant offset, resampled to `spec.sample_rate`,
    cut to whole hops, scaled to a peak of 0.95 and stored as int16 with `spec.margin` reflected
    samples at both ends.
    Recordings longer than 30 s are stored as several utterances. A further call adds new
    recordings, removes deleted ones and skips unchanged ones.

    Args:
        recordings: the root of a folder tree.
        out: the prepared folder; it is created if it is missing, and updated otherwise.
        spec: the mel spectrogram; the default `MelSpec` if None.
        validation: fraction of the recordings for validation, in [0, 1). A hash of the path
            selects them, so that the selection does not change when recordings are added.
            Recordings under a folder named `train` or `validation` belong to that split.
        validation_ids: a text file with one file name (without suffix) per line. Those recordings
            are for validation, all others for training.
        jobs: number of decoding threads; all cores if None.
        read: the decoder; `tf_melgan.data.tfio.read_audio` decodes with TensorFlow.

    Returns:
        The counts of recordings, the reason for each refused one, and remarks on others. No
        recording's error ends the call; one that may pass is tried again by the next call.

    Raises:
        UserInputError: no recording is usable, `validation` is outside [0, 1), `jobs` is below 1,
            an id is unknown, another process prepares into `out`, or `out` was prepared with
            another `MelSpec` or cannot be written.

    Examples:
        >>> report = tf_melgan.prepare("recordings", "prepared", tf_melgan.MelSpec())
        >>> print(report)
        >>> print(report.refused)
    """
    recordings, out, spec = Path(recordings), Path(out), spec or MelSpec()
    spec.require_bands()
    if not 0 <= validation < 1:
        raise UserInputError(f"validation is {validation}; give a share from 0 to below 1")
    if jobs is not None and jobs < 1:
        raise UserInputError(f"jobs is {jobs}; give at least 1 thread")
    sources = find_recordings(recordings)
    if out.exists() and not out.is_dir():
        raise UserInputError(f"{out}: is a file; give a folder to prepare into")
    listed = None if validation_ids is None else read_ids(Path(validation_ids), sources)
    with lock(out):
        known = _known(out, spec)
        entries, new = [], 0
        with Progress(len(sources), "prepare", "recordings") as progress:
            check = partial(_entry, recordings, out, spec, read)
            for entry in _in_order(check, [(path, known.get(path)) for path in sources], jobs):
                new += entry is not known.get(entry["path"])
                entry["split"] = split_of(entry["path"], validation, listed)
                entries.append(entry)
                progress.advance(note=entry["path"])
        _write_report(out / "report.csv", entries)
        used = [entry for entry in entries if "parts" in entry]
        refused = {entry["path"]: entry["refused"] for entry in entries if "refused" in entry}
        if not used:
            path, reason = next(iter(refused.items()))
            raise UserInputError(
                f"{recordings}: none of {len(sources)} recordings is usable, {path}: {reason}; "
                f"{out / 'report.csv'} has the reason for each"
            )
        _store_index(out, spec, entries)
    return Report(
        train=sum(entry["split"] == "train" for entry in used),
        validation=sum(entry["split"] == "validation" for entry in used),
        seconds=sum(part["samples"] for entry in used for part in entry["parts"])
        / spec.sample_rate,
        new=new,
        unchanged=len(entries) - new,
        refused=refused,
        remarks={entry["path"]: entry["remark"] for entry in used if entry.get("remark")},
    )


def _known(out: Path, spec: MelSpec) -> dict[str, dict]:
    """Returns the index entries of an earlier call by path; none if another version decoded."""
    if not (out / INDEX).exists():
        return {}
    # This also checks the files.
    prepared = Prepared.open(out)
    mismatches = spec_mismatches(prepared.spec, spec)
    if mismatches:
        raise UserInputError(
            f"{out}: was prepared with another spec: {'; '.join(mismatches)}; choose another folder"
        )
    index = read_index((out / INDEX).read_bytes(), str(out / INDEX))
    if index.version < VERSION:
        return {}
    return {entry["path"]: entry for entry in index.entries}


def _in_order(check: Callable, jobs: list[tuple], threads: int | None) -> Iterator[dict]:
    """Yields check(*job) for each job in order; threads compute the results."""
    # Decoding, resampling, hashing and writing release the GIL, so threads run in parallel.
    pool = ThreadPoolExecutor(threads or os.cpu_count())
    try:
        yield from pool.map(check, *zip(*jobs, strict=True))
    finally:
        pool.shutdown(cancel_futures=True)


def _entry(
    recordings: Path, out: Path, spec: MelSpec, read: Reader, source: str, known: dict | None
) -> dict:
    """Checks and stores a recording; returns its index entry, or one with the reason to refuse."""
    path = recordings / source
    entry: dict = {"path": source}
    try:
        status = path.stat()
        stamp = {"bytes": status.st_size, "modified": status.st_mtime_ns}
        if known and {key: known.get(key) for key in stamp} == stamp:
            return known
        with open(path, "rb") as file:
            entry |= {**stamp, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
        if known and known.get("sha256") == entry["sha256"]:
            known |= stamp
            return known
        samples, remark = usable_samples(Recording(*_read(path, read)), spec)
    except UserInputError as error:
        # The entry has the path, and the advice after the semicolon is the same for all.
        return entry | {"refused": str(error).removeprefix(f"{path}: ").split(";")[0]}
    except ImportError:
        raise
    except Exception as error:
        # One file's error ends no folder. It may pass, so the next call tries again.
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        reason = " ".join(reason.split())
        return {"path": source, "refused": f"cannot be read ({reason})"}
    parts = _store(samples, out, entry["sha256"][:16], spec)
    return entry | {"parts": parts} | ({"remark": remark} if remark else {})


def _read(path: Path, read: Reader) -> tuple[np.ndarray, int] | Recording:
    if path.suffix.lower() in UNREADABLE_SUFFIXES:
        raise UserInputError(f"{path}: a {path.suffix} cannot be decoded, convert it to flac")
    return read(path)


def _store(samples: np.ndarray, out: Path, name: str, spec: MelSpec) -> list[dict]:
    """Writes int16 (samples,) with margins as one file, or as parts whose margins overlap."""
    hops = len(samples) // spec.hop
    count = -(-len(samples) // (PART_SECONDS * spec.sample_rate))
    bounds = [hops * index // count * spec.hop for index in range(count + 1)]
    padded = np.pad(samples, spec.margin, spec.pad_mode)  # type: ignore
    parts = []
    for index, (start, end) in enumerate(pairwise(bounds)):
        file = f"{name}-{index}.npy"
        content = io.BytesIO()
        np.save(content, padded[start : end + 2 * spec.margin])
        with atomic_file(out / FOLDER / file) as temporary:
            temporary.write_bytes(content.getvalue())
            modified = temporary.stat().st_mtime_ns
        digest = hashlib.sha256(content.getvalue()).hexdigest()
        part = {"file": file, "samples": end - start, "sha256": digest, "modified": modified}
        parts.append(part)
    return parts


def _store_index(out: Path, spec: MelSpec, entries: list[dict]) -> None:
    """Writes the index, then deletes the utterances that it no longer names."""
    with atomic_file(out / INDEX) as temporary:
        temporary.write_text(write_index(spec, entries), encoding="utf-8")
    referenced = {part["file"] for entry in entries for part in entry.get("parts", ())}
    for file in (out / FOLDER).iterdir():
        if _OWN.fullmatch(file.name) and file.name not in referenced:
            file.unlink()


def _write_report(path: Path, entries: list[dict]) -> None:
    # A name that is not UTF-8 is written with the numbers of its bytes.
    with (
        atomic_file(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        table = csv.writer(file)
        table.writerow(["path", "split", "result", "remark"])
        for entry in entries:
            refused = entry.get("refused")
            split = "" if refused else entry["split"]
            table.writerow([entry["path"], split, refused or "used", entry.get("remark", "")])
