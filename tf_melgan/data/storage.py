"""Writes the files of a prepared folder: samples, mels and the index."""

import hashlib
import io
import re
from itertools import pairwise
from pathlib import Path

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.data.index import INDEX, mel_file, write_index
from tf_melgan.data.prepared import FOLDER
from tf_melgan.files import atomic_file

# A training step reads whole files, because tf.data cannot read from the middle of a file. Long
# recordings are therefore stored in parts.
PART_SECONDS = 30

# Files that `store` writes, and its temporary files. No other files in the folder are deleted.
_OWN = re.compile(r"\.?[0-9a-f]{16}-\d+(\.mel)?(\.[0-9a-f]{8}\.part)?\.npy")


def store(
    samples: np.ndarray, mel: np.ndarray | None, out: Path, name: str, spec: MelSpec
) -> list[dict]:
    """Writes an utterance with its margins as one file, or as parts whose margins overlap.

    Args:
        samples: int16 (frames · hop,).
        mel: its log-mel float32 (frames, n_mels), if one is given.
        out: the prepared folder.
        name: 16 hexadecimal digits that no other content has.
        spec: the mel settings.

    Returns:
        The index's dict of each part.
    """
    hops = len(samples) // spec.hop
    count = -(-len(samples) // (PART_SECONDS * spec.sample_rate))
    bounds = [hops * index // count for index in range(count + 1)]
    padded = np.pad(samples, spec.margin, spec.pad_mode)  # type: ignore
    parts = []
    for index, (first, end) in enumerate(pairwise(bounds)):
        file, samples_here = f"{name}-{index}.npy", (end - first) * spec.hop
        window = padded[first * spec.hop :][: samples_here + 2 * spec.margin]
        digest, modified = _write(out / FOLDER / file, window)
        part = {"file": file, "samples": samples_here, "sha256": digest, "modified": modified}
        if mel is not None:
            digest, modified = _write(out / FOLDER / mel_file(file), mel[first:end])
            part |= {"mel_sha256": digest, "mel_modified": modified}
        parts.append(part)
    return parts


def _write(path: Path, array: np.ndarray) -> tuple[str, int]:
    """Writes a `.npy`; returns its checksum and its time stamp."""
    content = io.BytesIO()
    np.save(content, np.ascontiguousarray(array))
    with atomic_file(path) as temporary:
        temporary.write_bytes(content.getvalue())
        modified = temporary.stat().st_mtime_ns
    return hashlib.sha256(content.getvalue()).hexdigest(), modified


def store_index(out: Path, spec: MelSpec, entries: list[dict]) -> None:
    """Writes the index, then deletes the files that it no longer names."""
    with atomic_file(out / INDEX) as temporary:
        temporary.write_text(write_index(spec, entries), encoding="utf-8")
    files = {part["file"] for entry in entries for part in entry.get("parts", ())}
    referenced = files | {mel_file(file) for file in files}
    for file in (out / FOLDER).iterdir():
        if _OWN.fullmatch(file.name) and file.name not in referenced:
            file.unlink()
