"""Prepares recordings for training: checks, resamples, normalizes and stores them.

OUT/index.json             the index that `Prepared` opens; written last, so it is always valid
OUT/utterances/*.npy       int16 samples of an utterance with its margins
OUT/utterances/*.mel.npy   its log-mel, where mels are given
OUT/report.csv             every recording, used or refused, with the reason
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from tf_melgan.audio.decoding import Recording
from tf_melgan.audio.listing import UNREADABLE_SUFFIXES
from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches
from tf_melgan.audio.sound_files import read_recording, require_file
from tf_melgan.data import given_mels
from tf_melgan.data.identity import content, identity
from tf_melgan.data.index import INDEX, VERSION, read_index
from tf_melgan.data.prepared import Prepared
from tf_melgan.data.recordings import find_recordings, read_ids, split_of
from tf_melgan.data.report import REPORT, Report, write_report
from tf_melgan.data.storage import store, store_index
from tf_melgan.data.usable import usable_samples
from tf_melgan.errors import UserInputError
from tf_melgan.files import lock
from tf_melgan.progress import Progress

__all__ = ["Report", "prepare"]

Reader = Callable[[Path], tuple[np.ndarray, int] | Recording]
"""Decodes a path to float32 (samples, channels) and the rate in Hz, or raises `UserInputError`."""


def prepare(
    recordings: str | os.PathLike,
    out: str | os.PathLike,
    spec: MelSpec | None = None,
    validation: float = 0.05,
    validation_ids: str | os.PathLike | None = None,
    jobs: int | None = None,
    read: Reader = read_recording,
    mels: str | os.PathLike | None = None,
) -> Report:
    """Prepares all sound files under `recordings` into the folder `out`.

    Each recording is mixed to mono, freed of a constant offset, resampled to `spec.sample_rate`,
    cut to whole hops, scaled to a peak of 0.95 and stored as int16 with `spec.margin` reflected
    samples at both ends. One with a given mel is made quieter only, never louder.
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
        mels: a folder tree with a log-mel of `spec` for each recording, to train on in place of
            the recording's own: for a/b.wav the file a/b.npy or b.npy, with the shape
            (frames, n_mels) or (n_mels, frames). `recordings` itself, if they lie beside them.

    Returns:
        The counts of recordings, the reason for each refused one, and remarks on others. No
        recording's error ends the call; one that may pass is tried again by the next call.

    Raises:
        UserInputError: no recording is usable, `validation` is outside [0, 1), `jobs` is below 1,
            an id is unknown, another process prepares into `out`, there is no folder `mels`, or
            `out` was prepared with another `MelSpec` or cannot be written.

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
    mels = None if mels is None else _folder_of_mels(Path(mels))
    if out.exists() and not out.is_dir():
        raise UserInputError(f"{out}: is a file; give a folder to prepare into")
    listed = None if validation_ids is None else read_ids(Path(validation_ids), sources)
    with lock(out):
        known = _known(out, spec)
        entries, new = [], 0
        with Progress(len(sources), "prepare", "recordings") as progress:
            check = partial(_entry, recordings, mels, out, spec, read)
            for entry in _in_order(check, [(path, known.get(path)) for path in sources], jobs):
                new += entry is not known.get(entry["path"])
                entry["split"] = split_of(entry["path"], validation, listed)
                entries.append(entry)
                progress.advance(note=entry["path"])
        write_report(out / REPORT, entries)
        used = [entry for entry in entries if "parts" in entry]
        refused = {entry["path"]: entry["refused"] for entry in entries if "refused" in entry}
        if not used:
            path, reason = next(iter(refused.items()))
            raise UserInputError(
                f"{recordings}: none of {len(sources)} recordings is usable, {path}: {reason}; "
                f"{out / REPORT} has the reason for each"
            )
        store_index(out, spec, entries)
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


def first_change(
    recordings: str | os.PathLike, out: str | os.PathLike, mels: str | os.PathLike | None = None
) -> str | None:
    """The first recording, or mel, that is not as `prepare` found it; None if all are.

    Args:
        recordings: the root of the folder tree.
        out: the folder that it was prepared into.
        mels: the folder tree of mels, if mels are given.

    Returns:
        The path of a recording that is new, missing or has other content; or "the mel of" one.

    Raises:
        UserInputError: `out` is not a prepared folder, or a folder is missing.
    """
    recordings = Path(recordings)
    mels = None if mels is None else _folder_of_mels(Path(mels))
    index = read_index((Path(out) / INDEX).read_bytes(), str(Path(out) / INDEX))
    known = {entry["path"]: entry for entry in index.entries}
    for source in sorted(known.keys() ^ set(find_recordings(recordings))):
        return source
    for source, entry in known.items():
        # What could not be read then may be read now, which changes nothing.
        if "sha256" not in entry:
            continue
        try:
            now = _identities(recordings, mels, source, entry)
        except (OSError, UserInputError):
            return source
        if now["sha256"] != entry["sha256"]:
            return source
        if content(now) != content(entry):
            return f"the mel of {source}"
    return None


def _folder_of_mels(mels: Path) -> Path:
    if not mels.is_dir():
        raise UserInputError(f"{mels}: no such folder; give one with a .npy for each recording")
    return mels


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
    recordings: Path,
    mels: Path | None,
    out: Path,
    spec: MelSpec,
    read: Reader,
    source: str,
    known: dict | None,
) -> dict:
    """Checks and stores a recording; returns its index entry, or one with the reason to refuse."""
    path = recordings / source
    entry: dict = {"path": source}
    known = known or {}
    try:
        entry |= _identities(recordings, mels, source, known)
        if content(known) == content(entry):
            # What an earlier call made of them, with the time stamps of now.
            known |= entry
            return known
        mel = None if mels is None else given_mels.mel_path(mels, source)
        recording = Recording(*_read(path, read))
        samples, given, remark = _utterance(recording, mel, spec)
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
    parts = store(samples, given, out, content(entry)[:16], spec)
    return entry | {"parts": parts} | ({"remark": remark} if remark else {})


def _identities(recordings: Path, mels: Path | None, source: str, known: dict) -> dict:
    """What identifies a recording, and under "mel" the mel that is given for it."""
    mel = None if mels is None else given_mels.mel_path(mels, source)
    path = recordings / source
    if path.exists() and not path.is_dir():
        require_file(path)  # a pipe would wait for somebody to write into it
    found = identity(path, known)
    return found if mel is None else found | {"mel": identity(mel, known.get("mel", {}))}


def _utterance(
    recording: Recording, mel: Path | None, spec: MelSpec
) -> tuple[np.ndarray, np.ndarray | None, str]:
    """The samples to store, the mel to store with them, and a remark."""
    if mel is None:
        usable = usable_samples(recording, spec)
        return usable.samples, None, usable.remark
    # Made louder, what a mel's floor hides would have to appear.
    usable = usable_samples(recording, spec, most_gain=1.0)
    return given_mels.pair(usable, given_mels.read_mel(mel, spec), spec)


def _read(path: Path, read: Reader) -> tuple[np.ndarray, int] | Recording:
    if path.suffix.lower() in UNREADABLE_SUFFIXES:
        raise UserInputError(f"{path}: a {path.suffix} cannot be decoded, convert it to flac")
    return read(path)
