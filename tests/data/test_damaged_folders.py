"""Damaged prepared folders: each gives one line, or the samples that were prepared."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from helpers.damage import damaged

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.data.index import read_index, write_index
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared
from tf_melgan.errors import UserInputError

ODD = [None, True, -1, 0, 2**70, 1e300, "", "../../x.npy", "a\n", "\0", [], {}, [[]], {"a": 1}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("damaged")
    (root / "in").mkdir()
    for index in range(3):
        noise = np.random.default_rng(index).uniform(-0.5, 0.5, 3000)
        soundfile.write(root / "in" / f"{index}.wav", noise, 22050)
    prepare(root / "in", root / "data", validation=0.4)
    return root / "data"


def content(folder: Path) -> list[tuple[str, str, bytes]]:
    prepared = Prepared.open(folder)
    return [
        (item.path, split, prepared.audio(item).tobytes())
        for split in ("train", "validation")
        for item in prepared.utterances(split)
    ]


@pytest.mark.parametrize("name", ["index.json", "utterances"])
def test_damage_is_one_line_or_changes_nothing(folder: Path, name: str) -> None:
    expected, choose = content(folder), random.Random(name)
    path = folder / name
    path = min(path.iterdir()) if path.is_dir() else path
    original = path.read_bytes()
    refused = 0
    for _ in range(300):
        path.write_bytes(damaged(original, choose))
        try:
            assert content(folder) == expected
        except UserInputError as error:
            refused += 1
            assert "\n" not in str(error) and str(error).startswith(str(folder))
    path.write_bytes(original)
    assert content(folder) == expected
    assert refused > 250


def leaves(value: Any) -> list[tuple[Any, Any]]:
    """Each place in a JSON value, as the container and its key."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    nested = [(key, item) for key, item in items]
    return [(value, key) for key, _ in nested] + [
        place for _, item in nested if isinstance(item, dict | list) for place in leaves(item)
    ]


def test_forged_content_with_a_right_checksum_is_one_line_or_harmless(folder: Path) -> None:
    path, choose = folder / "index.json", random.Random(1)
    original = path.read_bytes()
    recordings = read_index(original, "index.json").entries
    for _ in range(400):
        entries = json.loads(json.dumps(recordings))
        holder, key = choose.choice(leaves(entries))
        if isinstance(holder, dict) and choose.random() < 0.3:
            del holder[key]
        else:
            holder[key] = choose.choice(ODD)
        path.write_text(write_index(MelSpec(), entries))
        try:
            content(folder)
        except UserInputError as error:
            assert "\n" not in str(error)
    path.write_bytes(original)


def test_deep_nesting_and_older_indexes(folder: Path) -> None:
    path = folder / "index.json"
    original, expected = path.read_bytes(), content(folder)
    path.write_text("[" * 100_000)
    with pytest.raises(UserInputError, match=r"index\.json: is damaged"):
        Prepared.open(folder)
    older = json.loads(original) | {"version": 1}
    path.write_text(json.dumps(older))
    with pytest.raises(UserInputError, match=r"index\.json: is damaged"):
        Prepared.open(folder)
    del older["checksum"]
    path.write_text(json.dumps(older))
    assert content(folder) == expected
    # What an older version decoded is decoded again, once.
    for new in (3, 0):
        assert prepare(folder.parent / "in", folder, validation=0.4).new == new
        assert content(folder) == expected
