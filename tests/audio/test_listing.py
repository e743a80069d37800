"""Which files of a folder tree are sound."""

import os
from pathlib import Path

import pytest
import soundfile

from tf_melgan.audio.listing import SUFFIXES, UNREADABLE_SUFFIXES, list_audio
from tf_melgan.audio.sound_files import read_audio
from tf_melgan.errors import UserInputError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in list_audio(root)]


def test_every_format_with_a_header_is_listed(tmp_path: Path) -> None:
    formats = {name.lower() for name in soundfile.available_formats()} - {"raw", "sd2"}
    usual = {"aif", "aifc", "aiff", "au", "caf", "oga", "opus", "snd", "sph", "w64", "WAV"}
    touch(tmp_path, *(f"a.{suffix}" for suffix in formats | usual), ".hidden.wav", "a.txt", "wav")
    assert names(tmp_path) == sorted(f"a.{suffix}" for suffix in formats | usual)
    assert not set(SUFFIXES) & set(UNREADABLE_SUFFIXES)


def test_folders_behind_links_are_listed_once_and_loops_end(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    touch(root, "a.wav", "speaker/b.wav")
    touch(elsewhere, "c.wav", "deep/d.wav")
    (root / "again").symlink_to(root / "speaker")
    (root / "speaker" / "loop").symlink_to(root)
    (root / "linked").symlink_to(elsewhere)
    (root / "twice").symlink_to(elsewhere)
    (elsewhere / "deep" / "back").symlink_to(elsewhere)
    (root / "itself").symlink_to(root / "itself")
    assert names(root) == ["a.wav", "linked/c.wav", "linked/deep/d.wav", "speaker/b.wav"]


def test_what_cannot_be_reached_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.wav", "locked/b.wav")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    listdir = os.listdir

    def refuse(folder: Path) -> list[str]:
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied", str(folder))
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", refuse)
    os.mkfifo(tmp_path / "pipe.wav")
    assert names(tmp_path) == ["a.wav", "gone.wav", "locked", "pipe.wav"]
    with pytest.raises(UserInputError, match=r"pipe\.wav: is not a file; give a wav"):
        read_audio(tmp_path / "pipe.wav")
