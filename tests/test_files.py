"""Output that appears whole or not at all, and what is said when it cannot."""

import errno
import os

import pytest

from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file, atomic_folder


@pytest.mark.parametrize("atomic", [atomic_file, atomic_folder])
def test_a_failed_read_inside_is_not_told_as_a_failed_write(tmp_path, atomic):
    with pytest.raises(FileNotFoundError) as caught, atomic(tmp_path / "out"):
        (tmp_path / "missing.npy").read_bytes()
    assert caught.value.filename == str(tmp_path / "missing.npy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "free some space or choose another folder"),
        (errno.EDQUOT, "free some space or choose another folder"),
        (errno.EROFS, "choose another folder"),
    ],
)
def test_a_failed_write_names_the_output_and_leaves_the_old_file(tmp_path, code, remedy):
    out = tmp_path / "out"
    out.write_text("old")
    with pytest.raises(UserInputError) as caught, atomic_file(out) as temporary:
        temporary.write_text("half")
        raise OSError(code, os.strerror(code), str(temporary))
    assert str(caught.value) == f"{out}: cannot be written ({os.strerror(code)}); {remedy}"
    assert out.read_text() == "old" and list(tmp_path.iterdir()) == [out]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path):
    out = tmp_path / "out"
    for text in ("one", "two"):
        with atomic_folder(out) as temporary:
            (temporary / "deep").mkdir()
            (temporary / "deep" / "file").write_text(text)
    assert (out / "deep" / "file").read_text() == "two" and list(tmp_path.iterdir()) == [out]
